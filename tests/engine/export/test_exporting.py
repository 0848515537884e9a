"""Real exports of a real (tiny) model: what is reported is what is in the file, and parity tells models apart."""

import json
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from studio.engine.errors import BadInput, Failed, MissingPart, NotFound
from studio.engine.export import gguf_writing
from studio.engine.export.parity import reference_of, share_of_same
from studio.engine.settings import Settings
from studio.engine.store.artifacts import sha256_of
from studio.engine.studio import open_studio

QUESTIONS = [f"Put {number}, {number * 7 % 31} and {number * 3 % 17} in order." for number in range(2, 26)]


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    """A workspace with the tiny model and three files of it."""
    studio = open_studio(Settings(workspace=tmp_path_factory.mktemp("workspace")))
    studio.models.import_model(str(tiny), "tiny")
    told = []
    reports = studio.exporting.export_many(
        "tiny", ["f16", "q8_0", "Q4_K_M"], prompts=QUESTIONS, max_tokens=24, progress=lambda *said: told.append(said)
    )
    yield studio, reports, told
    studio.close()


def test_reports_are_of_the_files_that_were_written(exported):
    _, reports, told = exported
    assert [report["quantization"] for report in reports] == ["f16", "Q8_0", "Q4_K_M"]
    for report in reports:
        path = Path(report["path"])
        assert report["bytes"] == path.stat().st_size
        assert report["sha256"] == sha256_of(path)
        types = Counter(tensor.tensor_type.name for tensor in GGUFReader(path).tensors)
        assert report["tensor_types"] == dict(types)
    assert "Q8_0" in reports[1]["tensor_types"]
    assert "Q4_K" in reports[2]["tensor_types"]
    assert reports[0]["bytes"] > reports[1]["bytes"] > reports[2]["bytes"]
    assert told[-1][0] == told[-1][1]


def test_faithful_file_answers_like_the_original_and_coarser_ones_drift(exported):
    parities = [report["parity"] for report in exported[1]]
    assert all(parity["prompts"] == len(QUESTIONS) and parity["template_match"] is True for parity in parities)
    assert parities[0]["same_answers"] >= 0.75
    assert parities[0]["mean_kl"] < parities[1]["mean_kl"] < parities[2]["mean_kl"]
    assert parities[0]["mean_kl"] < 1e-4 < parities[2]["mean_kl"]


def test_exported_template_has_no_training_marks(exported):
    template = GGUFReader(exported[1][0]["path"]).get_field("tokenizer.chat_template").contents()
    assert "generation %}" not in template.replace("add_generation_prompt %}", "")


def test_files_are_kept_with_the_model_and_nothing_else_is_left(exported):
    studio, reports, _ = exported
    shown = {file["quantization"]: file for file in studio.models.show("tiny")["files"]}
    assert shown == {report["quantization"]: report for report in reports}
    folder = Path(reports[0]["path"]).parent
    assert sorted(path.name for path in folder.iterdir()) == ["tiny-Q4_K_M.gguf", "tiny-Q8_0.gguf", "tiny-f16.gguf"]


def test_file_of_a_student_has_its_card_beside_it(exported, tiny, tmp_path):
    studio = exported[0]
    model = studio.models.register_student("kid", parent="tiny", state="ready")
    shutil.copytree(tiny, model.path, ignore=shutil.ignore_patterns("README.md"))
    report = studio.exporting.export("kid", "Q8_0", tmp_path / "kid.gguf", prompts=QUESTIONS[:2])
    card = tmp_path / "kid.gguf.md"
    assert report["card"] == str(card) and sorted(tmp_path.iterdir()) == [tmp_path / "kid.gguf", card]
    assert report["sha256"] in card.read_text() and "same answers to 2 questions" in card.read_text()
    assert studio.cards.kept("kid") == card.read_text()
    card.write_text("mine")
    again = studio.exporting.export("kid", "Q8_0", tmp_path / "kid.gguf", prompts=[])
    assert again["card"] is None and card.read_text() == "mine"


@pytest.fixture(scope="module")
def reference(tiny):
    with reference_of(tiny, [[{"role": "user", "content": text}] for text in QUESTIONS], max_tokens=24) as found:
        yield found


def changed(gguf, path, change):
    """A copy of the file with `change(tensor)` as the new values of each tensor of 16-bit numbers."""
    shutil.copyfile(gguf, path)
    tensors = [tensor for tensor in GGUFReader(gguf).tensors if tensor.tensor_type.name == "F16"]
    with path.open("r+b") as file:
        for tensor in tensors:
            file.seek(tensor.data_offset)
            file.write(change(tensor).astype(np.float16).tobytes())
    return path


def test_file_of_another_model_is_found_out(reference, tiny_gguf, tmp_path):
    rng = np.random.default_rng(3)
    other = changed(tiny_gguf, tmp_path / "other.gguf", lambda tensor: rng.normal(0, 0.06, tensor.data.shape))
    right, wrong = reference.compare(tiny_gguf), reference.compare(other)
    assert right.same_answers >= 0.75
    assert wrong.same_answers <= 0.1
    assert wrong.mean_kl > 1000 * right.mean_kl
    assert wrong.template_match is True


def test_file_with_damaged_weights_is_found_out(reference, tiny_gguf, tmp_path):
    def damage(tensor):
        values = np.array(tensor.data)
        return np.where(np.arange(len(values))[:, None] % 2, values, 0) if tensor.name == "output.weight" else values

    parity = reference.compare(changed(tiny_gguf, tmp_path / "damaged.gguf", damage))
    assert parity.same_answers <= 0.3
    assert parity.mean_kl > 0.001


def test_file_that_reads_prompts_otherwise_is_found_out(reference, tiny_gguf, tmp_path):
    other = tmp_path / "other.gguf"
    turn = b"'user' %}<|user|>"
    data = tiny_gguf.read_bytes()
    assert data.count(turn) == 1
    other.write_bytes(data.replace(turn, b"'user' %}<|USER|>"))
    assert reference.compare(other).template_match is False


def test_share_counts_final_answers_not_wording():
    first = ["2 + 2 = 4. The answer is 4.", "The answer is 7.", "same words", ""]
    second = ["The answer is 4.", "The answer is 8.", "same words", ""]
    answers = ([{"text": text, "tokens": [*text.encode()]} for text in texts] for texts in (first, second))
    assert share_of_same(*answers) == 0.75


# --- choices that are refused before anything is written


@pytest.fixture
def room(exported, tmp_path):
    return exported[0].exporting


def test_unknown_quantization_lists_what_there_is(room):
    with pytest.raises(BadInput, match="Q4_K_M"):
        room.export("tiny", "Q9_9")


def test_unknown_model_is_refused(room):
    with pytest.raises(NotFound):
        room.export("nobody", "Q8_0")


def test_existing_file_of_someone_else_is_not_overwritten(room, tmp_path):
    mine = tmp_path / "mine.gguf"
    mine.write_text("precious")
    with pytest.raises(BadInput, match="already"):
        room.export("tiny", "Q8_0", mine)
    assert mine.read_text() == "precious"


def test_place_in_a_missing_folder_is_refused(room, tmp_path):
    with pytest.raises(BadInput, match="no folder"):
        room.export("tiny", "Q8_0", tmp_path / "nowhere" / "x.gguf")


def test_gguf_cannot_be_exported_again(room, tiny_gguf):
    with pytest.raises(BadInput, match="GGUF file already"):
        room.export(str(tiny_gguf), "Q8_0")


def test_without_the_converter_the_remedy_is_setup(exported, tmp_path):
    studio = exported[0]
    room = type(studio.exporting)(
        studio.database,
        studio.project.id,
        studio.settings.model_copy(update={"tools": tmp_path}),
        studio.models,
        studio.jobs,
    )
    with pytest.raises(MissingPart, match="setup"):
        room.export("tiny", "Q8_0")


def test_too_small_a_disk_is_told_before_starting(room, tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_writing, "free_bytes", lambda folder: 10_000)
    with pytest.raises(Failed, match="disk space"):
        room.export("tiny", "Q8_0", tmp_path / "x.gguf", prompts=[])
    assert list(tmp_path.iterdir()) == []


def test_disk_that_fills_up_while_writing_leaves_no_half_file(room, tmp_path, monkeypatch):
    def full(module, arguments, **_):
        Path(arguments[2 if "convert" in module else 1]).write_bytes(b"GGUF half")
        raise Failed("Converting failed (exit code 1). It said: OSError: [Errno 28] No space left on device")

    monkeypatch.setattr(gguf_writing, "run_child", full)
    with pytest.raises(Failed, match="no disk space left"):
        room.export("tiny", "Q8_0", tmp_path / "x.gguf", prompts=[])
    assert list(tmp_path.iterdir()) == []


def test_model_that_llama_cpp_does_not_know_is_one_clear_error(exported, tiny, tmp_path):
    strange = shutil.copytree(tiny, tmp_path / "strange")
    config = json.loads((strange / "config.json").read_text())
    (strange / "config.json").write_text(json.dumps(config | {"architectures": ["StrangeForCausalLM"]}))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(BadInput, match="cannot convert"):
        exported[0].exporting.export(str(strange), "f16", out, prompts=[])
    assert list(out.iterdir()) == []


def test_model_with_code_of_its_own_does_not_get_to_run_it(exported, tiny, tmp_path):
    evil, trap = shutil.copytree(tiny, tmp_path / "evil"), tmp_path / "ran"
    code = f"import pathlib\npathlib.Path({str(trap)!r}).write_text('ran')\n"
    (evil / "evil.py").write_text(code + "class Config: ...\nclass Tokenizer: ...\nclass Model: ...\n")
    for name, entry in (
        ("config.json", {"AutoConfig": "evil.Config"}),
        ("tokenizer_config.json", {"AutoTokenizer": ["evil.Tokenizer", None]}),
    ):
        values = json.loads((evil / name).read_text())
        (evil / name).write_text(json.dumps(values | {"auto_map": entry}))
    with suppress(BadInput, Failed):
        exported[0].exporting.export(str(evil), "f16", tmp_path / "evil.gguf", prompts=QUESTIONS[:2])
    assert not trap.exists()


def test_export_in_the_background_ends_with_its_files(exported):
    studio = exported[0]
    queued = studio.exporting.start("tiny", ["q8_0"])
    assert queued.kind == "export"
    result = studio.jobs.run_here(queued.id)
    assert [file["quantization"] for file in result["files"]] == ["Q8_0"]
    assert result["files"][0]["parity"]["prompts"] == 64
