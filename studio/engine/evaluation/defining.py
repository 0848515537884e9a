"""What a study is to compare: checked before anything is asked or stored, and written down; one that was cut short is
found again by the same words."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.bounds import ITEMS, SEED
from studio.engine.domain.names import checked_name
from studio.engine.domain.states import JOB_ENDED, JobState, StudyState
from studio.engine.errors import BadInput, NameTaken
from studio.engine.evaluation.arms import Arm, find_arm, with_parameters
from studio.engine.evaluation.drawing import check_answers_cover, drawn, has_prompts, is_large
from studio.engine.jobs import Jobs
from studio.engine.prompts import Prompts
from studio.engine.store import Addresses, Database
from studio.engine.store.tables import Study, StudyAnswer
from studio.engine.teachers import SystemMessages


@dataclass(frozen=True)
class Wanted:
    """A study as a person asks for it; see `Studies.define`."""

    first: str
    second: str
    prompts: str
    system_message: str | None
    items: int
    seed: int
    parameters: Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class Defining:
    """Makes the rows of studies. `models` is the models room, or None."""

    database: Database
    project_id: int
    prompts: Prompts
    system_messages: SystemMessages
    models: Any
    jobs: Jobs

    def define(self, name: str, wanted: Wanted, *, leave_large: bool) -> Study:
        """The row of a new study, or of the one of these words that was cut short. Raises BadInput."""
        name = checked_name("study", name)
        detail = self._checked(wanted)
        arms = [str(arm["name"]) for arm in detail["arms"]]
        study = Study(
            project_id=self.project_id, name=name, token=secrets.token_urlsafe(16), seed=wanted.seed, arms=arms,
            state=StudyState.PREPARING, detail=detail,
        )  # fmt: skip
        try:
            with self.database.session() as session:
                self._check_cover(session, study, leave_large=leave_large)
                had = session.exec(select(Study).where(Study.project_id == self.project_id, Study.name == name)).first()
                if had is not None and self._resumes(had, study):
                    return had
                if had is not None:
                    _clear(session, had)
                session.add(study)
        except IntegrityError as exc:
            raise NameTaken.of("study", name) from exc
        return study

    def _checked(self, wanted: Wanted) -> dict[str, Any]:
        """All that decides the answers, as the row keeps it."""
        ITEMS.check(wanted.items, "The number of items of a study", "items")
        SEED.check(wanted.seed, "The seed", "seed")
        given = (wanted.first, wanted.second)
        if not all(one.strip() for one in (*given, wanted.prompts)):
            missing = {"first": wanted.first, "second": wanted.second, "prompts": wanted.prompts}
            raise BadInput(
                "A study needs a first side, a second side and a prompt source. Choose all three.",
                field=next(name for name, value in missing.items() if not value.strip()),
            )
        source = self.prompts.source(wanted.prompts)
        message = self.system_messages.get(wanted.system_message) if wanted.system_message else None
        arms = _distinct([find_arm(one, self.database, self.project_id, self.models) for one in given])
        arms = with_parameters(arms, given, wanted.parameters)
        return {
            "arms": [arm.as_dict() for arm in arms], "source": source.name, "source_id": source.id,
            "system_message": message.name if message else "", "system_message_text": message.text if message else "",
            "items": wanted.items,
        }  # fmt: skip

    def _check_cover(self, session: Session, study: Study, *, leave_large: bool) -> None:
        if not has_prompts(session, study.detail["source_id"]):
            raise BadInput(
                f"The prompt source '{study.detail['source']}' is empty. Import prompts first.", field="prompts"
            )
        addresses = Addresses(self.database.settings)
        files = [arm for detail in study.detail["arms"] if (arm := Arm.of(detail)).kind == "file"]
        if not files or (leave_large and is_large(session, files, study.detail["source_id"], addresses)):
            return
        order = drawn(session, study.detail["source_id"], study.seed)
        check_answers_cover(session, files, order[: study.detail["items"]], addresses)

    def _resumes(self, had: Study, wanted: Study) -> bool:
        """Whether the study of this name is the wanted one, cut short. Raises NameTaken when it is something else."""
        if had.state not in (StudyState.PREPARING, StudyState.FAILED):
            raise NameTaken.of("study", had.name)
        if had.job_id and self._is_at_work(had.job_id):
            raise NameTaken(
                f"The study '{had.name}' is being prepared by job {had.job_id}. Wait, or choose another name."
            )
        same = _asked(had) == _asked(wanted) and had.seed == wanted.seed
        if not same and had.state == StudyState.PREPARING:
            raise NameTaken.of("study", had.name)
        return same

    def _is_at_work(self, job_id: int) -> bool:
        """Whether a job waits for a worker or has one, or is in a state of a later version; a process that was killed
        leaves its job running."""
        job = self.jobs.get(job_id)
        return job.state not in JOB_ENDED and not (job.state == JobState.RUNNING and self.jobs.is_waiting(job))


def parameters_of(study: Study) -> dict[str, dict[str, Any]]:
    """The parameters of each arm that is asked with any, by the arm's name."""
    arms = study.detail.get("arms") or ()
    return {str(arm["name"]): arm["parameters"] for arm in arms if arm.get("parameters")}


def _clear(session: Session, study: Study) -> None:
    """Removes a failed study that nobody has seen, to make room for another of its name; its answers stay."""
    session.execute(delete(StudyAnswer).where(col(StudyAnswer.study_id) == study.id))
    session.delete(study)
    session.flush()


def _asked(study: Study) -> dict[str, Any]:
    """What decides the answers of a study; of one that an older version made, its sides had no parameters."""
    arms = [Arm.of(detail).as_dict() for detail in study.detail["arms"]]
    return {key: value for key, value in study.detail.items() if key not in ("error", "cut_off")} | {"arms": arms}


def _distinct(arms: Sequence[Arm]) -> Sequence[Arm]:
    """Two arms with two names: files of the same name in two folders are told apart by the folder."""
    first, second = arms
    if (first.kind, first.source) == (second.kind, second.source):
        raise BadInput(f"Both sides are '{first.name}'. Compare two different things.", field="second")
    if first.name != second.name:
        return arms
    named = [
        f"{unquote(PurePosixPath(arm.source).parent.name)}/{arm.name}" if arm.kind == "file" else arm.name
        for arm in arms
    ]
    if named[0] == named[1]:
        named[1] += " (second)"
    return [Arm(name, arm.kind, arm.source, arm.model) for name, arm in zip(named, arms, strict=True)]
