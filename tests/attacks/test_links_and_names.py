"""A folder that somebody sent is read by itself: what it names or links to elsewhere is never opened."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pytest

from studio.engine.domain.inside import named_inside, open_inside
from studio.engine.errors import BadInput
from studio.engine.models import read_folder
from studio.engine.prompts.files import data_sets, folders

SECRET = '{"prompt": "a secret"}\n'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "elsewhere" / "secret.jsonl"
    file.parent.mkdir()
    file.write_text(SECRET)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sent"
    made.mkdir()
    return made


def texts(folder: Path) -> list[str]:
    return [row.value["prompt"] for row in folders.rows(folder)]  # type: ignore[union-attr]


def test_a_readme_names_no_file_and_no_address(folder: Path, secret: Path) -> None:
    (folder / "train.jsonl").write_text('{"prompt": "own"}\n')
    for named in (str(secret), "../elsewhere/secret.jsonl", "http://127.0.0.1:9/rows.jsonl", f"file://{secret}"):
        (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: default\n  data_files: {named}\n---\n")
        assert texts(folder) == ["own"]


def test_a_linked_file_and_a_linked_folder_are_refused(folder: Path, secret: Path) -> None:
    (folder / "train.jsonl").symlink_to(secret)
    with pytest.raises(BadInput, match="leads out of it"):
        list(folders.rows(folder))
    (folder / "train.jsonl").unlink()
    (folder / "more").symlink_to(secret.parent)
    (folder / "train.jsonl").write_text(SECRET)
    with pytest.raises(BadInput, match="leads out of it"):
        list(folders.rows(folder))


@pytest.mark.parametrize("name", ["../elsewhere/rows.arrow", "/etc/passwd", "..", "", "a/b.arrow", "a\\b", "x\0y", 7])
def test_a_saved_data_set_names_files_in_its_folder_alone(folder: Path, name: Any) -> None:
    (folder / "dataset_info.json").write_text("{}")
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(BadInput, match=r"names .* as one of its files"):
        list(folders.rows(folder))


def test_a_split_lies_in_its_folder(folder: Path, tmp_path: Path) -> None:
    datasets.Dataset.from_list([{"prompt": "a secret"}]).save_to_disk(str(tmp_path / "other"))
    (folder / "dataset_dict.json").write_text('{"splits": ["../other"]}')
    with pytest.raises(BadInput, match="as one of its files"):
        list(folders.rows(folder))
    (folder / "train").symlink_to(tmp_path / "other")
    (folder / "dataset_dict.json").write_text('{"splits": ["train"]}')
    with pytest.raises(BadInput, match="leads out of it"):
        list(folders.rows(folder))


@pytest.mark.parametrize("named", ["/etc/passwd", "../x.jsonl", "http://127.0.0.1/x", "zip://a::b.zip", "~/x", "C:/x"])
def test_a_data_set_of_the_hub_names_its_own_files_alone(named: str) -> None:
    card = {"configs": [{"config_name": "default", "data_files": [{"split": "train", "path": ["a.jsonl", named]}]}]}
    with pytest.raises(BadInput, match="not one of its own files"):
        data_sets._refuse_strangers("owner/name", SimpleNamespace(card_data=card, siblings=[]))
    own = {"configs": [{"data_files": "data/train-*.parquet", "data_dir": "data"}]}
    data_sets._refuse_strangers("owner/name", SimpleNamespace(card_data=own, siblings=None))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors", "README.md"])
def test_a_link_out_of_a_model_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "shadow"
    target.write_text("{}")
    for own in {"config.json", "model.safetensors"} - {name}:
        (folder / own).write_text("{}")
    (folder / name).symlink_to(target)
    with pytest.raises(BadInput, match="leads out of it"):
        read_folder(folder)


def test_the_cache_of_the_hub_keeps_its_links(tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "models--a--b" / "snapshots" / "1", tmp_path / "models--a--b" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "x").write_text("kept")
    (snapshot / "config.json").symlink_to("../../blobs/x")
    with open_inside(snapshot / "config.json", snapshot) as file:
        assert file.read() == b"kept"


def test_links_in_a_circle_are_one_sentence(folder: Path) -> None:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    with pytest.raises((BadInput, OSError)):
        open_inside(folder / "a", folder)
    with pytest.raises(BadInput):
        named_inside("../b", folder)


def test_a_link_put_in_place_after_the_check_is_not_followed(
    folder: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "weights"
    file.write_text("own")

    def swapped(path: Path, home: Path) -> Path:
        file.unlink()
        file.symlink_to(secret)
        return folder.resolve() / "weights"

    monkeypatch.setattr("studio.engine.domain.inside.inside", swapped)
    with pytest.raises(OSError):
        open_inside(file, folder)
