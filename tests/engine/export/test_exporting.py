"""Real exports of a real (tiny) model: what is reported is what is in the file, and parity tells models apart."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from studio.engine.errors import BadInput, Failed, MissingPart, NotFound, Stopped
from studio.engine.export import gguf_writing
from studio.engine.export.parity import original_of, share_of_same
from studio.engine.scoring import AnswerSettings, Question
from studio.engine.settings import Settings
from studio.engine.store.artifacts import sha256_of
from studio.engine.store.leftovers import temporary_folder
from studio.engine.studio import open_studio

QUESTIONS = [f"Put {number}, {number * 7 % 31} and {number * 3 % 17} in order." for number in range(2, 26)]
MAX_TOKENS = 24
"""Tokens of an answer. Where tests ask alike, the original's answers are stored and its process need not be started."""


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    """A workspace with the tiny model and three files of it."""
    studio = open_studio(Settings(workspace=tmp_path_factory.mktemp("workspace")))
    studio.models.import_model(str(tiny), "tiny")
    told = []
    reports = studio.exporting.export_many(
        "tiny",
        ["f16", "q8_0", "Q4_K_M"],
        prompts=QUESTIONS,
        max_tokens=MAX_TOKENS,
        progress=lambda *said: told.append(said),
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
    assert parities[0]["identical_answers"] >= 0.75
    assert all(parity["same_answers"] is None for parity in parities), "nobody knows the right answers"
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


def test_what_killed_exports_left_is_removed_by_the_next_one(exported, tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from studio.engine.store.leftovers import temporary_folder\n"
        "with temporary_folder(Path(sys.argv[1]), '.export-') as room:\n"
        "    (room / 'half.gguf').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    with temporary_folder(tmp_path, ".other-"), tempfile.TemporaryDirectory(dir=tmp_path, prefix=".export-") as ours:
        assert len(list(tmp_path.glob(".export-*"))) == 2
        exported[0].exporting.export("tiny", "f16", tmp_path / "tiny.gguf", prompts=[])
        assert [str(path) for path in tmp_path.glob(".export-*")] == [ours], "which is not known to be left"
        assert len(list(tmp_path.glob(".other-*"))) == 1


def test_file_of_a_student_has_its_card_beside_it(exported, tiny, tmp_path):
    studio = exported[0]
    model = studio.models.register_student("kid", parent="tiny", state="ready")
    shutil.copytree(tiny, studio.models.path_of(model), ignore=shutil.ignore_patterns("README.md"))
    report, *_ = studio.exporting.export_many(
        "kid", ["Q8_0"], outs={"Q8_0": tmp_path / "kid.gguf"}, prompts=QUESTIONS[:2], max_tokens=MAX_TOKENS
    )
    card = tmp_path / "kid.gguf.md"
    assert report["card"] == str(card) and sorted(tmp_path.iterdir()) == [tmp_path / "kid.gguf", card]
    assert report["sha256"] in card.read_text() and "identical answers to 2 questions" in card.read_text()
    assert studio.cards.kept("kid") == card.read_text()
    card.write_text("mine")
    again = studio.exporting.export("kid", "Q8_0", tmp_path / "kid.gguf", prompts=[])
    assert again["card"] is None and card.read_text() == "mine"


def test_a_stopped_export_job_ends_as_stopped_and_leaves_no_half_file(exported, monkeypatch):
    studio, convert = exported[0], gguf_writing.convert
    job_id = studio.exporting.start("tiny", ["Q6_K"]).id

    def stopped_meanwhile(*arguments, should_stop, **options):
        studio.jobs.stop(job_id)
        while not should_stop():
            time.sleep(0.02)
        convert(*arguments, should_stop=should_stop, **options)

    monkeypatch.setattr(gguf_writing, "convert", stopped_meanwhile)
    with pytest.raises(Stopped, match="Nothing half done"):
        studio.jobs.run_here(job_id)
    job = studio.jobs.get(job_id)
    assert (job.state, job.error) == ("stopped", None)
    assert not any("Q6_K" in path.name or path.name.startswith(".") for path in _exports(studio))


def test_an_export_stopped_while_answers_are_compared_says_so(exported, monkeypatch):
    studio, settle, settled = exported[0], gguf_writing.settle, []
    monkeypatch.setattr(gguf_writing, "settle", lambda *paths: settled.append(settle(*paths)))
    with pytest.raises(Stopped):
        studio.exporting.export_many(
            "tiny", ["Q5_K_M"], prompts=QUESTIONS, max_tokens=MAX_TOKENS, should_stop=lambda: bool(settled)
        )
    assert "Q5_K_M" not in {file.quantization for file in studio.exporting.files("tiny")}
    next(path for path in _exports(studio) if "Q5_K_M" in path.name).unlink()


def _exports(studio):
    return [
        *(studio.settings.workspace / "exports").rglob("*.gguf"),
        *(studio.settings.workspace / "exports").rglob(".*"),
    ]


def said_by(studio, path):
    """What a folder or a file answers to the questions."""
    asked = [Question([{"role": "user", "content": text}]) for text in QUESTIONS]
    found = studio.answers.ask(studio.inference.subject(str(path)), asked, AnswerSettings(max_tokens=MAX_TOKENS))
    return [answer.text for answer in found]


@pytest.fixture(scope="module")
def reference(exported, tiny):
    prompts = [[{"role": "user", "content": text}] for text in QUESTIONS]
    with original_of(tiny, prompts, said_by(exported[0], tiny)) as found:
        yield found


@pytest.fixture
def compared(exported, reference):
    return lambda path: reference.compare(path, said_by(exported[0], path))


def changed(gguf, path, change):
    """A copy of the file with `change(tensor)` as the new values of each tensor of 16-bit numbers."""
    shutil.copyfile(gguf, path)
    tensors = [tensor for tensor in GGUFReader(gguf).tensors if tensor.tensor_type.name == "F16"]
    with path.open("r+b") as file:
        for tensor in tensors:
            file.seek(tensor.data_offset)
            file.write(change(tensor).astype(np.float16).tobytes())
    return path


def test_file_of_another_model_is_found_out(compared, tiny_gguf, tmp_path):
    rng = np.random.default_rng(3)
    other = changed(tiny_gguf, tmp_path / "other.gguf", lambda tensor: rng.normal(0, 0.06, tensor.data.shape))
    right, wrong = compared(tiny_gguf), compared(other)
    assert right.identical_answers >= 0.75
    assert wrong.identical_answers <= 0.1
    assert wrong.mean_kl > 1000 * right.mean_kl
    assert wrong.template_match is True


def test_file_with_damaged_weights_is_found_out(compared, tiny_gguf, tmp_path):
    def damage(tensor):
        values = np.array(tensor.data)
        return np.where(np.arange(len(values))[:, None] % 2, values, 0) if tensor.name == "output.weight" else values

    parity = compared(changed(tiny_gguf, tmp_path / "damaged.gguf", damage))
    assert parity.identical_answers <= 0.3
    assert parity.mean_kl > 0.001


def test_file_that_reads_prompts_otherwise_is_found_out(compared, tiny_gguf, tmp_path):
    other = tmp_path / "other.gguf"
    turn = b"'user' %}<|user|>"
    data = tiny_gguf.read_bytes()
    assert data.count(turn) == 1
    other.write_bytes(data.replace(turn, b"'user' %}<|USER|>"))
    assert compared(other).template_match is False


def test_share_counts_final_answers_not_wording():
    first = ["2 + 2 = 4. The answer is 4.", "The answer is 7.", "same words", ""]
    second = ["The answer is 4.", "The answer is 8.", "same words", ""]
    assert share_of_same(first, second, ["5", "7", "9", "1"]) == 0.5
    assert share_of_same(first, second, ["4", "7", "same words", "1"]) == 2 / 3
    assert share_of_same(first[2:], second[2:], ["9", "1"]) is None
    assert share_of_same(first, second, []) is None


def test_exporting_again_asks_neither_model_anything_again(exported, tiny, tmp_path, monkeypatch):
    studio = exported[0]
    monkeypatch.setattr(studio.inference, "open", None)
    again = studio.exporting.export_many("tiny", ["f16"], prompts=QUESTIONS, max_tokens=MAX_TOKENS)
    assert again[0]["parity"] == exported[1][0]["parity"]


def test_prompts_with_known_answers_say_how_many_are_right(exported):
    studio = exported[0]
    report = studio.exporting.export_many(
        "tiny", ["f16"], prompts=QUESTIONS[:2], answers=["7", "8"], max_tokens=MAX_TOKENS
    )[0]
    assert 0 <= report["parity"]["exact_match"] <= 1


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
        studio.cards,
        studio.jobs,
        studio.answers,
        studio.inference.subject,
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
