"""Making a project with something of every kind, each made from the one before."""

from pathlib import Path
from typing import Any

from studio.engine.domain.states import ModelState, StudyState
from studio.engine.store.tables import ModelFile, Stage, StagePoint, Study, StudyItem, Vote
from studio.engine.studio import Studio
from studio.engine.traces import FreezeOptions, TraceFilter


def filled(studio: Studio, practice_url: str) -> Studio:
    studio.prompts.practice(["addition"], 8, 1, "quiz", level=1)
    studio.teachers.add("teacher", practice_url, "practice-plain", input_price=1.0, output_price=1.0, terms="yes")
    collect(studio, "run")
    studio.freezes.run_here("plain", FreezeOptions(TraceFilter(), test_share=0.25))
    student(studio, "student", "practice-base", "plain-v1")
    student(studio, "child", "student", "plain-v1")
    with studio.database.session() as session:
        study = Study(
            project_id=studio.project_id, name="study", token=f"token-of-{studio.project.name}",
            arms=["student", "child"],
            state=StudyState.CLOSED, detail={"arms": [{"name": "student", "kind": "model"}]},
        )  # fmt: skip
        session.add(study)
        session.flush()
        pair: dict[str, Any] = {"left_arm": "student", "right_arm": "child"}
        item = StudyItem(study_id=study.id or 0, position=0, public_id=f"item-of-{studio.project.name}", **pair)
        session.add(item)
        session.flush()
        session.add(Vote(study_id=study.id or 0, item_id=item.id or 0, rater="ann", choice="left", **pair))
    return studio


def collect(studio: Studio, name: str) -> None:
    studio.collecting.create("teacher", "quiz", name=name)
    assert studio.collecting.run(name)["completed"] == 8


def student(studio: Studio, name: str, parent: str, dataset: str) -> Path:
    """Its folder, with weights and a GGUF file."""
    model = studio.models.register_student(name, parent=parent, state=ModelState.READY, recipe={"base": parent})
    folder = studio.models.path_of(model)
    exported = studio.settings.workspace / "exports" / str(studio.project_id) / name / f"{name}.gguf"
    for file in (folder / "model.safetensors", exported):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"w" * 1_000)
    with studio.database.session() as session:
        stage = Stage(model_id=model.id or 0, position=0, name="plain", dataset=dataset)
        session.add(stage)
        session.flush()
        session.add(StagePoint(stage_id=stage.id or 0, step=1))
        address = str(studio.addresses.of(exported))
        session.add(ModelFile(model_id=model.id or 0, quantization="f16", path=address, bytes=1_000, sha256="0"))
    return folder
