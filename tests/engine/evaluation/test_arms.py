"""What a study compares is kept by address: files in the workspace move with it, others are named by URL."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from studio.engine.errors import Failed, NotAllowed
from studio.engine.evaluation.arms import find_arm
from studio.engine.evaluation.studies import Studies
from studio.engine.store.addresses import Addresses
from studio.engine.store.database import Database
from studio.engine.studio import studio_in

if TYPE_CHECKING:
    from tests.engine.evaluation.conftest import Room

WHOLE = {f"Question {n}?": f"Answer {n}." for n in range(12)}


def broken(who: str, prompt: str, system: str) -> str:
    raise Failed("The model was killed.")


def test_a_file_of_answers_is_kept_by_its_address(room: "Room", answers: Callable[..., str], tmp_path: Path) -> None:
    outside = answers("a b", WHOLE)
    inside = shutil.copy(outside, room.settings.workspace / "mine.jsonl")
    for given, address in ((outside, Path(outside).as_uri()), (inside, "mine.jsonl")):
        arm = find_arm(str(given), room.database, room.project_id, None)
        assert (arm.kind, arm.source) == ("file", address)
        assert arm.opened(Addresses(room.settings)) == str(given)


def test_a_model_that_is_no_row_is_kept_by_its_address(room: "Room", tmp_path: Path) -> None:
    models: Any = SimpleNamespace(find=lambda path: SimpleNamespace(name=Path(path).stem))
    exported = room.settings.workspace / "exports" / "kid-Q8_0.gguf"
    exported.parent.mkdir()
    exported.write_bytes(b"GGUF")
    arm = find_arm(str(exported), room.database, room.project_id, models)
    assert (arm.name, arm.kind, arm.source) == ("kid-Q8_0", "weights", "exports/kid-Q8_0.gguf")
    assert arm.opened(Addresses(room.settings)) == str(exported)


def test_a_study_cut_short_goes_on_in_a_moved_workspace(
    room: "Room", answers: Callable[..., str], tmp_path: Path
) -> None:
    file = Path(shutil.move(answers("mine", WHOLE), room.settings.workspace / "mine.jsonl"))
    working, room.script.say = room.script.say, broken
    with pytest.raises(Failed):
        room.studies.create("s", str(file), "tiny-student", "questions", items=4)
    room.script.say = working
    study_id = room.studies.get("s").id or 0
    room.database.close()
    place = shutil.move(room.settings.workspace, tmp_path / "elsewhere")
    settings = room.settings.model_copy(update={"workspace": Path(place)})
    database = Database(settings)
    house = studio_in(database)
    moved = Studies(
        database,
        room.project_id,
        settings,
        house.prompts,
        house.system_messages,
        room.script,
        house.answers,
        house.jobs,
        house.cache,
    )
    assert moved.prepare(study_id)["items"] == 4
    database.close()


def test_a_file_outside_the_allowed_folders_is_not_read(room: "Room", answers: Callable[..., str]) -> None:
    settings = room.settings.model_copy(update={"allowed_roots": str(room.settings.workspace / "shared")})
    database = Database(settings)
    with pytest.raises(NotAllowed):
        find_arm(answers("mine", WHOLE), database, room.project_id, None)
    database.close()
