"""Bringing, finding and showing models."""

import json
import shutil

import pytest

from studio.engine.errors import BadInput, NameTaken, NotAllowed, NotFound
from studio.engine.models import PRACTICE_BASE, Models
from studio.engine.models.folder import read_folder


@pytest.fixture
def models(studio):
    return studio.models


@pytest.fixture
def copy(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "copy")


def test_practice_base_is_in_every_project_and_its_name_is_taken(studio, tiny):
    for room in (studio.models, studio.at("another").models):
        assert room.find(PRACTICE_BASE).path == studio.settings.assets / PRACTICE_BASE
    with pytest.raises(NameTaken):
        studio.models.import_model(str(tiny), PRACTICE_BASE)


def test_imported_folder_is_a_copy_without_code_or_pickles(models, copy):
    (copy / "modeling_evil.py").write_text("raise SystemExit")
    (copy / "pytorch_model.bin").write_bytes(b"pickle")
    model = models.import_model(str(copy), "mine")
    shutil.rmtree(copy)
    found = models.find("mine")
    names = {path.name for path in found.path.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.model", "chat_template.jinja"} <= names
    assert not names & {"modeling_evil.py", "pytorch_model.bin"}
    assert model.detail["parameters"] > 400_000
    assert model.detail["architecture"] == "LlamaForCausalLM"
    assert any("code of its own" in warning for warning in model.detail["warnings"])


def test_model_used_in_place_is_not_copied(models, copy):
    models.import_model(str(copy), "mine", in_place=True)
    assert models.find("mine").path == copy
    shutil.rmtree(copy)
    with pytest.raises(BadInput, match="gone"):
        models.find("mine")


def spoil(folder, what):
    weights = folder / "model.safetensors"
    if what == "no config":
        (folder / "config.json").unlink()
    elif what == "config is no JSON":
        (folder / "config.json").write_text("{")
    elif what == "pickles only":
        weights.rename(folder / "pytorch_model.bin")
    elif what == "no weights":
        weights.unlink()
    elif what == "cut weights":
        weights.write_bytes(weights.read_bytes()[:6])
    elif what == "a shard is missing":
        index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("no config", "config.json"),
        ("config is no JSON", "JSON"),
        ("pickles only", "safetensors"),
        ("no weights", "safetensors"),
        ("cut weights", "damaged"),
        ("a shard is missing", "model-2"),
    ],
)
def test_unusable_folder_is_refused_and_nothing_changes(models, copy, what, says):
    spoil(copy, what)
    with pytest.raises(BadInput, match=says):
        models.import_model(str(copy), "mine")
    assert "mine" not in {model.name for model in models.list()}
    assert not models.folder.exists()


def test_folder_without_a_chat_template_is_taken_with_a_warning(models, copy):
    (copy / "chat_template.jinja").unlink()
    model = models.import_model(str(copy), "mine")
    assert model.detail["chat_template"] is False
    assert any("chat template" in warning for warning in model.detail["warnings"])


def test_only_a_folder_that_was_brought_is_missed_its_card(models, copy):
    (copy / "README.md").unlink(missing_ok=True)
    model = models.import_model(str(copy), "mine")
    assert any("model card" in warning for warning in model.detail["warnings"])
    assert not any("model card" in warning for warning in read_folder(copy).warnings)


def test_gguf_is_imported_with_its_actual_types(models, tiny_gguf):
    models.import_model(str(tiny_gguf), "file")
    found = models.find("file")
    assert found.kind == "gguf"
    assert found.gguf_path is not None and found.gguf_path != tiny_gguf
    (file,) = models.show("file")["files"]
    assert file["quantization"] == "f16"
    assert file["tensor_types"] == {"F16": 9, "F32": 3}
    assert file["bytes"] == tiny_gguf.stat().st_size


@pytest.mark.parametrize("size", [3, 30, 5_000, 300_000])
def test_gguf_cut_short_is_refused(models, tiny_gguf, tmp_path, size):
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_gguf.read_bytes()[:size])
    with pytest.raises(BadInput, match="GGUF"):
        models.import_model(str(cut), "file")


def test_file_without_the_magic_is_refused(models, tmp_path):
    fake = tmp_path / "fake.gguf"
    fake.write_bytes(b"MZ" * 500)
    with pytest.raises(BadInput, match="not a GGUF"):
        models.import_model(str(fake), "file")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "with space", ".hidden", "x" * 80])
def test_name_that_could_not_be_a_folder_is_refused(models, tiny, name):
    with pytest.raises(BadInput):
        models.import_model(str(tiny), name)


def test_unknown_name_lists_what_there_is(models):
    with pytest.raises(NotFound, match=PRACTICE_BASE):
        models.find("nobody")


def test_path_of_a_folder_or_file_can_be_used_without_importing(models, tiny, tiny_gguf):
    assert models.find(str(tiny)).path == tiny
    assert models.find(str(tiny_gguf)).gguf_path == tiny_gguf
    with pytest.raises(BadInput, match="not trained"):
        models.base_of(str(tiny_gguf))


def test_student_that_is_still_training_cannot_be_asked(models):
    model = models.register_student("kid", parent=PRACTICE_BASE, recipe={"base": PRACTICE_BASE})
    assert model.state == "training"
    with pytest.raises(BadInput, match="training"):
        models.find("kid")
    with pytest.raises(NameTaken):
        models.register_student("kid", parent=PRACTICE_BASE)
    assert models.change("kid", state="ready", detail={"score": 1}).detail == {"score": 1}


def test_models_of_another_project_are_not_seen(studio, tiny):
    studio.models.import_model(str(tiny), "mine")
    with pytest.raises(NotFound):
        studio.at("other").models.find("mine")
    studio.at("other").models.import_model(str(tiny), "mine")


def test_stored_paths_are_addresses(studio, models, tiny, tiny_gguf, copy):
    models.import_model(str(tiny_gguf), "file")
    models.import_model(str(tiny), "mine")
    models.import_model(str(copy), "there", in_place=True)
    models.register_student("kid", parent="mine")
    stored = {model.name: model.path for model in models.list()}
    assert stored == {
        PRACTICE_BASE: f"assets://{PRACTICE_BASE}",
        "file": "models/1/file/tiny.gguf",
        "mine": "models/1/mine",
        "there": copy.as_uri(),
        "kid": "models/1/kid",
    }
    assert [file.path for file in models.files("file")] == ["models/1/file/tiny.gguf"]
    assert models.show("mine")["path"] == str(studio.settings.workspace / "models" / "1" / "mine")
    assert models.get("mine").detail["origin"] == tiny.as_uri()


def test_hosted_instance_opens_only_what_lies_in_its_folders(studio, copy, tiny_gguf):
    settings = studio.settings.model_copy(update={"allowed_roots": str(copy.parent)})
    models = Models(studio.database, studio.project_id, settings, studio.artifacts)
    assert models.find(str(copy)).path == copy
    for refused in (models.find, models.base_of, lambda path: models.import_model(path, "mine")):
        with pytest.raises(NotAllowed):
            refused(str(tiny_gguf))


def test_file_that_is_not_on_this_machine_is_said_to_be_elsewhere(studio, models):
    models.register_student("kid", parent=PRACTICE_BASE, state="ready")
    models.change("kid", path="s3://bucket/kid")
    with pytest.raises(BadInput, match="local files only"):
        models.find("kid")
    assert models.show("kid")["path"] == "s3://bucket/kid"
