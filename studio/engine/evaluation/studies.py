"""The studies of one project: made, prepared, opened to raters by a secret link, closed, and read."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, distinct, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput, Failed, NameTaken, NotFound, StudioError
from studio.engine.evaluation import importing, results
from studio.engine.evaluation.arms import Arm, Responders, find_arm
from studio.engine.evaluation.preparing import Preparation, check_answers_cover, drawn
from studio.engine.evaluation.votes import JUDGED, Booth, Pair, RaterProgress
from studio.engine.jobs import Jobs
from studio.engine.jobs.context import JobContext, Progress
from studio.engine.prompts import Prompts
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, JobState, Study, StudyAnswer, StudyItem, Vote
from studio.engine.teachers.naming import checked_name
from studio.engine.teachers.system_messages import SystemMessages

MOST_ITEMS = 10_000
ENTRY = "studio.engine.evaluation.preparing:job"


@dataclass(frozen=True)
class StudySummary:
    """A study in a list: the row, and how many items, votes and raters it has."""

    study: Study
    items: int
    votes: int
    raters: int


class Studies:
    """Blind studies of one project. Methods that take a token work across projects: raters have nothing else."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        prompts: Prompts,
        inference: Responders,
        jobs: Jobs,
    ) -> None:
        self._database = database
        self._project_id = project_id
        self._settings = settings
        self._prompts = prompts
        self._inference = inference
        self._jobs = jobs

    def create(
        self,
        name: str,
        first: str,
        second: str,
        prompts: str,
        *,
        system_message: str | None = None,
        items: int = 50,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Asks both arms, freezes the answers, and returns the report of `studies create`.

        `first` and `second` are models, teachers or JSONL files of `prompt, response`; `prompts` is a source, of which
        the seed draws `items` (all, when it has fewer). Pairs that are the same or empty are left out, and replaced
        where possible.
        Called again with the same arguments after a failure, it asks only for the answers that are missing.
        """
        study = self._define(name, first, second, prompts, system_message, items, seed)
        assert study.id is not None
        return self.prepare(study.id, progress=progress)

    def start(
        self,
        name: str,
        first: str,
        second: str,
        prompts: str,
        *,
        system_message: str | None = None,
        items: int = 50,
        seed: int = 0,
    ) -> Job:
        """Checks everything that `create` does and leaves the asking to a job."""
        study = self._define(name, first, second, prompts, system_message, items, seed)
        job = self._jobs.enqueue("answer", f"Study {study.name}", ENTRY, {"study_id": study.id}, total=2 * items)
        self._update(study, job_id=job.id)
        return job

    def prepare(
        self, study_id: int, *, progress: Progress | None = None, should_stop: Callable[[], bool] | None = None
    ) -> dict[str, Any]:
        """Brings a defined study to its frozen items and reports; a ready one is left as it is."""
        study = self._by_id(study_id)
        if study.state in ("preparing", "failed"):
            self._update(study, state="preparing")
            preparation = Preparation(
                self._database, study, self._inference, progress=progress, should_stop=should_stop
            )
            try:
                preparation.run()
            except StudioError as exc:
                self._update(study, state="failed", detail={**study.detail, "error": exc.message})
                raise Failed(
                    f"{exc.message} Answers received so far are kept; the same command asks for the rest."
                ) from exc
        return self.describe(study.name)

    def describe(self, name: str) -> dict[str, Any]:
        """`study, items, leaks, link` of a study."""
        study = self.get(name)
        with self._database.session() as session:
            items = session.exec(
                select(func.count()).select_from(StudyItem).where(StudyItem.study_id == study.id)
            ).one()
        leaks = study.detail.get("leaks") or {"flagged": 0, "redacted": 0, "excluded": 0}
        return {"study": study.name, "items": items, "leaks": leaks, "link": self.link(study)}

    def link(self, study: Study) -> str:
        """The raters' address on this machine."""
        return f"http://127.0.0.1:{self._settings.port}/r/{study.token}"

    def list(self) -> list[StudySummary]:
        """All studies, the newest first, with their counts."""
        counted = and_(col(Vote.study_id) == Study.id, col(Vote.choice).in_(JUDGED))
        votes = select(func.count()).select_from(Vote).where(counted).scalar_subquery()
        raters = select(func.count(distinct(col(Vote.rater)))).where(counted).scalar_subquery()
        items = select(func.count()).select_from(StudyItem).where(StudyItem.study_id == Study.id).scalar_subquery()
        query = select(Study, items, votes, raters).where(Study.project_id == self._project_id)
        with self._database.session() as session:
            return [StudySummary(*row) for row in session.execute(query.order_by(col(Study.id).desc()))]

    def get(self, name: str) -> Study:
        """The study of that name. Raises NotFound."""
        with self._database.session() as session:
            study = self._find(session, name)
            if study is None:
                known = select(Study.name).where(Study.project_id == self._project_id)
                raise NotFound.named("study", name, list(session.exec(known)))
            return study

    def close(self, name: str) -> Study:
        """Takes no more votes; nothing is lost and `reopen` takes them again."""
        return self._switch(name, "ready", "closed")

    def reopen(self, name: str) -> Study:
        study = self.get(name)
        if study.detail.get("imported"):
            raise BadInput(
                f"The study '{name}' was imported and has no answers to show. Create a study to collect votes."
            )
        return self._switch(name, "closed", "ready")

    def by_token(self, token: str) -> Study:
        """The study that a raters' link leads to, of any project. Raises NotFound."""
        with self._database.session() as session:
            study = session.exec(select(Study).where(Study.token == token)).first()
        if study is None:
            raise NotFound("This link leads to no study. Ask the person who sent it for a new one.")
        return study

    def next_pair(self, token: str, rater: str) -> Pair | None:
        return self._booth(token).next_pair(rater)

    def vote(
        self, token: str, rater: str, public_id: str, choice: str, seconds: float | None = None, *, name: str = ""
    ) -> None:
        """Stores one judgement; committed when this returns. See `Booth.cast`."""
        self._booth(token).cast(rater, public_id, choice, seconds=seconds, name=name)

    def undo(self, token: str, rater: str) -> bool:
        """Withdraws the rater's latest vote. False when there is none."""
        return self._booth(token).undo(rater)

    def progress(self, token: str, rater: str) -> RaterProgress:
        return self._booth(token).progress(rater)

    def results(self, name: str, first: str | None = None) -> dict[str, Any]:
        """The report of `studies results`, seen from the arm `first`."""
        study = self.get(name)
        with self._database.session() as session:
            ballots = results.read_ballots(session, study)
        return results.report(study.name, study.arms, ballots, first)

    def import_votes(self, path: Path | str, name: str) -> dict[str, Any]:
        """Makes a closed study from a file of votes: `study, arms, votes, raters, items, skipped, reasons`."""
        name = self._free_name(name)
        read = importing.read_votes(Path(path).expanduser())
        try:
            importing.store_votes(self._database, self._project_id, name, read)
        except IntegrityError as exc:
            raise NameTaken.of("study", name) from exc
        pairs = {(row["item"], frozenset((row["left"], row["right"]))) for row in read.rows}
        raters = {row["rater"] for row in read.rows}
        return {
            "study": name, "arms": read.arms, "votes": len(read.rows), "raters": len(raters), "items": len(pairs),
            "skipped": read.reasons.total(), "reasons": dict(read.reasons),
        }  # fmt: skip

    def _define(
        self, name: str, first: str, second: str, prompts: str, system_message: str | None, items: int, seed: int
    ) -> Study:
        """Checks everything before anything is asked or stored, then makes the row, or finds the one cut short."""
        name = checked_name("study", name)
        detail = self._checked(first, second, prompts, system_message, items)
        arms = [str(arm["name"]) for arm in detail["arms"]]
        study = Study(
            project_id=self._project_id, name=name, token=secrets.token_urlsafe(16), seed=seed, arms=arms,
            state="preparing", detail=detail,
        )  # fmt: skip
        try:
            with self._database.session() as session:
                self._check_cover(session, study)
                had = self._find(session, name)
                if had is not None and self._resumes(had, study):
                    return had
                if had is not None:
                    self._clear(session, had)
                session.add(study)
        except IntegrityError as exc:
            raise NameTaken.of("study", name) from exc
        return study

    def _checked(self, first: str, second: str, prompts: str, system_message: str | None, items: int) -> dict[str, Any]:
        if not 1 <= items <= MOST_ITEMS:
            raise BadInput(f"A study cannot have {items} items. Choose 1 to {MOST_ITEMS:,}.")
        if not all(given.strip() for given in (first, second, prompts)):
            raise BadInput("A study needs a first side, a second side and a prompt source. Choose all three.")
        source = self._prompts.source(prompts)
        message = SystemMessages(self._database, self._project_id).get(system_message) if system_message else None
        models = getattr(self._inference, "models", None)
        arms = _distinct([find_arm(given, self._database, self._project_id, models) for given in (first, second)])
        return {
            "arms": [arm.as_dict() for arm in arms], "source": source.name, "source_id": source.id,
            "system_message": message.name if message else "", "system_message_text": message.text if message else "",
            "items": items,
        }  # fmt: skip

    def _check_cover(self, session: Session, study: Study) -> None:
        order = drawn(session, study.detail["source_id"], study.seed)
        if not order:
            raise BadInput(f"The prompt source '{study.detail['source']}' is empty. Import prompts first.")
        arms = [Arm.of(detail) for detail in study.detail["arms"]]
        check_answers_cover(session, arms, order[: study.detail["items"]])

    def _resumes(self, had: Study, wanted: Study) -> bool:
        """Whether the study of this name is the wanted one, cut short. Raises NameTaken when it is something else."""
        if had.state not in ("preparing", "failed"):
            raise NameTaken.of("study", had.name)
        if had.job_id and self._is_at_work(had.job_id):
            raise NameTaken(
                f"The study '{had.name}' is being prepared by job {had.job_id}. Wait, or choose another name."
            )
        same = {**had.detail, "error": None} == {**wanted.detail, "error": None} and had.seed == wanted.seed
        if not same and had.state == "preparing":
            raise NameTaken.of("study", had.name)
        return same

    def _is_at_work(self, job_id: int) -> bool:
        return self._jobs.get(job_id).state in (JobState.QUEUED, JobState.RUNNING)

    def _clear(self, session: Session, study: Study) -> None:
        """Removes a failed study that nobody has seen, to make room for another of its name."""
        session.execute(delete(StudyAnswer).where(col(StudyAnswer.study_id) == study.id))
        session.delete(study)
        session.flush()

    def _free_name(self, name: str) -> str:
        name = checked_name("study", name)
        with self._database.session() as session:
            if self._find(session, name) is not None:
                raise NameTaken.of("study", name)
        return name

    def _find(self, session: Session, name: str) -> Study | None:
        return session.exec(select(Study).where(Study.project_id == self._project_id, Study.name == name)).first()

    def _by_id(self, study_id: int) -> Study:
        with self._database.session() as session:
            study = session.get(Study, study_id)
        if study is None or study.project_id != self._project_id:
            raise NotFound(f"There is no study number {study_id} in this project.")
        return study

    def _booth(self, token: str) -> Booth:
        return Booth(self._database, self.by_token(token))

    def _switch(self, name: str, before: str, after: str) -> Study:
        study = self.get(name)
        if study.state == after:
            return study
        if study.state != before:
            raise BadInput(f"The study '{name}' is {study.state}, so it cannot be made {after}.")
        return self._update(study, state=after)

    def _update(self, study: Study, **values: Any) -> Study:
        with self._database.session() as session:
            row = session.get(Study, study.id)
            assert row is not None
            for key, value in values.items():
                setattr(row, key, value)
        return row


def _distinct(arms: Sequence[Arm]) -> Sequence[Arm]:
    """Two arms with two names: files of the same name in two folders are told apart by the folder."""
    first, second = arms
    if (first.kind, first.source) == (second.kind, second.source):
        raise BadInput(f"Both sides are '{first.name}'. Compare two different things.")
    if first.name != second.name:
        return arms
    named = [f"{Path(arm.source).parent.name}/{arm.name}" if arm.kind == "file" else arm.name for arm in arms]
    if named[0] == named[1]:
        named[1] += " (second)"
    return [Arm(name, arm.kind, arm.source, arm.model) for name, arm in zip(named, arms, strict=True)]


def studies_for(context: JobContext) -> Studies:
    """The studies of a job's project with the project's own models and teachers, for a child process."""
    from studio.engine.inference.inference import Inference
    from studio.engine.models import Models
    from studio.engine.store.artifacts import Artifacts
    from studio.engine.teachers import Teachers

    database, project_id, settings = context.database, context.project_id, context.settings
    models = Models(database, project_id, settings, Artifacts(settings.artifacts))
    teachers = Teachers(database, project_id, settings)
    inference = Inference(database, project_id, settings, models, teachers, SystemMessages(database, project_id))
    jobs = Jobs(database, project_id, settings)
    return Studies(database, project_id, settings, Prompts(database, project_id), inference, jobs)
