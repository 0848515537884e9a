"""A workspace that was moved opens: its student is exported and asked, and a training that waited is done."""

import json
import shutil
from pathlib import Path

from training_rooms import Room, conversations, lines_of

from studio.engine.settings import Settings
from studio.engine.studio import open_studio

STAGE = {"name": "one", "method": "full", "steps": 2, "batch_size": 4, "learning_rate": 1e-3}


def test_a_moved_workspace_opens_with_all_its_models(room: Room, settings: Settings, tmp_path: Path) -> None:
    dataset = room.freeze("traces", lines_of(conversations(24, 4), tests=4))
    room.training.create(room.recipe(STAGE | {"dataset": dataset}), "pupil")
    room.jobs.run_here(room.training.start("pupil").id or 0)
    grown = room.training.read_recipe({"base": "pupil", "threads": 1, "stages": [STAGE | {"dataset": dataset}]})
    room.training.create(grown, "later")
    room.database.close()
    place = tmp_path / "another disk" / "work"
    place.parent.mkdir()
    shutil.move(settings.workspace, place)

    studio = open_studio(Settings(workspace=place))
    try:
        assert studio.models.find("pupil").path == place / "models" / "1" / "pupil"
        assert studio.training.run("later")["path"] == str(place / "models" / "1" / "later")
        report = studio.exporting.export("later", "f16", prompts=["What is 1 + 2?"])
        assert Path(report["path"]).is_relative_to(place)
        assert isinstance(studio.inference.chat("later", "What is 1 + 2?", quantization="f16"), str)
        kept = [json.dumps(job.payload) for job in studio.jobs.list()]
        kept += [model.path for model in studio.models.list()]
        kept += [file.path for file in studio.models.files("later")]
    finally:
        studio.close()
    assert kept and not any(str(folder) in text for text in kept for folder in (settings.workspace, place))
    assert not settings.workspace.exists()
