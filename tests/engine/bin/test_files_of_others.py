"""What is deleted for good takes no file with it that is another's."""

import shutil
from pathlib import Path

from whole_loop import student

from studio.engine.studio import Studio


def exports(whole: Studio, name: str) -> Path:
    return whole.settings.workspace / "exports" / str(whole.project_id) / name


def test_a_brought_model_takes_no_files_of_one_that_is_called_like_its_folder(whole: Studio, tmp_path: Path) -> None:
    shutil.copytree(whole.settings.assets / "practice-base", tmp_path / "disk" / "student")
    whole.models.import_model(str(tmp_path / "disk" / "student"), "old-base", in_place=True)
    checkpoints = whole.settings.workspace / "training" / str(whole.project_id) / "student" / "checkpoint"
    checkpoints.mkdir(parents=True)
    whole.bin.delete("model", "old-base")
    whole.bin.empty_here()
    assert exports(whole, "student").is_dir() and checkpoints.is_dir()
    assert (tmp_path / "disk" / "student").is_dir(), "What was used where it lies stays there."


def test_a_folder_in_which_another_model_lies_stays_and_the_rest_goes(whole: Studio) -> None:
    folder = student(whole, "host", "practice-base", "plain-v1")
    guest = exports(whole, "host") / "guest"
    shutil.copytree(whole.settings.assets / "practice-base", guest)
    whole.models.import_model(str(guest), "guest", in_place=True)
    whole.bin.delete("model", "host")
    whole.bin.empty_here()
    assert guest.is_dir() and whole.models.path_of(whole.models.get("guest")) == guest
    assert not folder.exists() and not (exports(whole, "host") / "host.gguf").exists()


def test_a_project_leaves_the_files_that_a_model_of_another_project_uses(whole: Studio) -> None:
    folder = whole.models.path_of(whole.models.get("student"))
    shutil.copytree(whole.settings.assets / "practice-base", folder, dirs_exist_ok=True)
    other = whole.at("other")
    other.models.import_model(str(folder), "shared", in_place=True)
    other.bin.delete("project", "default")
    other.bin.empty_here()
    assert other.models.path_of(other.models.get("shared")).is_dir()
    assert not (folder.parent / "child").exists() and not exports(whole, "student").exists()
