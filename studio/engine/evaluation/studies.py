"""The studies of one project: made, prepared, opened to raters by a secret link, closed, and read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import and_, distinct, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.names import checked_name, spellings
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JOB_UNDER_WAY, JobState, StudyState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, Failed, NameTaken, NotFound, Stopped, StudioError
from studio.engine.evaluation import answer_files
from studio.engine.evaluation.admitting import Admitting
from studio.engine.evaluation.arms import Responders
from studio.engine.evaluation.defining import Defining, Wanted, parameters_of
from studio.engine.evaluation.preparing import Preparation
from studio.engine.evaluation.votes import JUDGED, Pair, RaterProgress, RatingSession
from studio.engine.jobs import ACCELERATED, Jobs, Kind, Progress, Retry, Subject
from studio.engine.prompts import Prompts
from studio.engine.scoring import Answers
from studio.engine.settings import Settings
from studio.engine.store import Cache, Database, References, address_of, in_use, not_binned
from studio.engine.store.tables import Job, Project, Study, StudyItem, Vote
from studio.engine.teachers import SystemMessages

ANSWER = Kind("answer", ACCELERATED, Action.SPEND, retry=Retry.GOES_ON)
NOWHERE = "This link leads to no study. Ask the person who sent it for a new one."


def project_of_link(database: Database, token: str) -> Project:
    """The project of the study that a raters' link leads to: raters have nothing else. Raises NotFound."""
    query = (
        select(Project)
        .join(Study, col(Study.project_id) == Project.id)
        .where(Study.token == token, not_binned(Study), not_binned(Project))
    )
    with database.session() as session:
        project = session.exec(query).first()
    if project is None:
        raise NotFound(NOWHERE)
    return project


@dataclass(frozen=True)
class StudySummary:
    """A study in a list: the row, how many items, votes and raters it has, and the job that prepares it."""

    study: Study
    items: int
    votes: int
    raters: int
    job: Job | None


class Studies(Service):
    """Blind studies of one project. Raters, who have only a token, are led to it by `project_of_link`."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        prompts: Prompts,
        system_messages: SystemMessages,
        inference: Responders,
        answers: Answers,
        jobs: Jobs,
        cache: Cache,
    ) -> None:
        self._cache = cache
        self._database = database
        self._project_id = project_id
        self._settings = settings
        self._prompts = prompts
        self._system_messages = system_messages
        self._inference = inference
        self._answers = answers
        self._jobs = jobs

    @needs(Action.BUILD)
    def create(
        self,
        name: str,
        first: str,
        second: str,
        prompts: str,
        *,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Asks both arms, freezes the answers, and returns the report of `studies create`.

        `options` are those of `define`. Called again with the same arguments after a failure or a stop, it asks only
        for the answers that are missing.
        """
        study = self.define(name, first, second, prompts, **options)
        return self.prepare(study.id or 0, progress=progress, should_stop=should_stop)

    @needs(Action.BUILD)
    def start(self, name: str, first: str, second: str, prompts: str, **options: Any) -> Job:
        """Checks what can be told in a moment and leaves the asking to a job; whether large files of answers cover the
        prompts is told by the job, before it asks anything. `options` are those of `define`."""
        return self._start(self.define(name, first, second, prompts, leave_large=True, **options))

    @needs(Action.BUILD)
    def define(
        self,
        name: str,
        first: str,
        second: str,
        prompts: str,
        *,
        system_message: str | None = None,
        items: int = 50,
        seed: int = 0,
        parameters: Mapping[str, dict[str, Any]] | None = None,
        leave_large: bool = False,
    ) -> Study:
        """Checks everything before anything is asked or stored, then makes the row, or finds the one cut short.

        `first` and `second` are models, teachers or JSONL files of `prompt, response`; `prompts` is a source, of which
        the seed draws `items` (all, when it has fewer). Pairs that are the same or empty are left out, and replaced
        where possible. `parameters` are those of each side by what was given for it, and under "" those of both; a
        teacher is sent no others. With `leave_large` files that take long to read are left to the asking.
        """
        wanted = Wanted(first, second, prompts, system_message, items, seed, parameters or {})
        models = getattr(self._inference, "models", None)
        defining = Defining(self._database, self._project_id, self._prompts, self._system_messages, models, self._jobs)
        return defining.define(name, wanted, leave_large=leave_large)

    @needs(Action.BUILD)
    def run_as_job(self, name: str) -> dict[str, Any]:
        """Prepares a defined study in this process, with a job that pages and `understudy jobs` see. Returns the
        report; raises Stopped, with the report, when it was stopped before all answers were there."""
        self._jobs.finish(self._start(self.get(name)).id or 0)
        report = self.describe(name)
        if self.get(name).state == StudyState.PREPARING:
            raise Stopped(
                "The study was stopped. Answers received so far are kept; the same command asks for the rest.",
                result=report,
            )
        return report

    @needs(Action.BUILD)
    def stop(self, name: str) -> None:
        """Asks whoever prepares the study to end in good order; every answer stays."""
        job = self.job_of(name)
        if job is not None and job.state in JOB_UNDER_WAY:
            self._jobs.stop(job.id or 0)

    @needs(Action.READ)
    def job_of(self, name: str) -> Job | None:
        """The newest job that prepares or prepared the study."""
        return self._jobs.about(Subject("study", self.get(name).id or 0), ANSWER)

    def _start(self, study: Study) -> Job:
        """Puts a defined study into the queue of jobs; a job that was cut short goes on."""
        about = Subject("study", study.id or 0)
        job = self._jobs.about(about, ANSWER)
        if job is not None and job.state != JobState.DONE:
            return self._jobs.retry(job.id or 0)
        count = self._prompts.source(study.detail["source"]).count
        job = self._jobs.enqueue(
            ANSWER,
            status("title_study", name=study.name),
            {"study_id": study.id},
            subject=about,
            total=2 * min(study.detail["items"], count),
        )
        self._update(study, job_id=job.id)
        return job

    @needs(Action.BUILD)
    def prepare(
        self, study_id: int, *, progress: Progress | None = None, should_stop: Callable[[], bool] | None = None
    ) -> dict[str, Any]:
        """Brings a defined study to its frozen items and reports; a ready one is left as it is."""
        study = self._by_id(study_id)
        if study.state in (StudyState.PREPARING, StudyState.FAILED):
            self._update(study, state=StudyState.PREPARING)
            preparation = Preparation(
                self._database, study, self._inference, self._answers, progress=progress, should_stop=should_stop
            )
            try:
                preparation.run()
            except StudioError as exc:
                self._update(study, state=StudyState.FAILED, detail={**study.detail, "error": exc.message})
                raise Failed(
                    f"{exc.message} Answers received so far are kept; the same command asks for the rest.",
                    result=self.describe(study.name),
                ) from exc
        return self.describe(study.name)

    @needs(Action.READ)
    def describe(self, name: str) -> dict[str, Any]:
        """`study, items, leaks, link` of a study, where it has any the `parameters` of its arms, and how many of
        each arm's answers were `cut_off` by a limit on their length."""
        study = self.get(name)
        with self._database.session() as session:
            items = session.exec(
                select(func.count()).select_from(StudyItem).where(StudyItem.study_id == study.id)
            ).one()
        leaks = study.detail.get("leaks") or {"flagged": 0, "redacted": 0, "excluded": 0}
        report = {"study": study.name, "items": items, "leaks": leaks, "link": self.link(study)}
        parameters = parameters_of(study)
        cut = {name: count for name, count in (study.detail.get("cut_off") or {}).items() if count}
        return report | ({"parameters": parameters} if parameters else {}) | ({"cut_off": cut} if cut else {})

    @needs(Action.READ)
    def link(self, study: Study) -> str:
        """The raters' address on this machine, in the app that is open on the workspace."""
        return f"{self._settings.public_url or address_of(self._settings)}/r/{study.token}"

    @needs(Action.READ)
    def list(self) -> list[StudySummary]:
        """All studies, the newest first, with their counts."""
        counted = and_(col(Vote.study_id) == Study.id, col(Vote.choice).in_(JUDGED))
        votes = select(func.count()).select_from(Vote).where(counted).scalar_subquery()
        raters = select(func.count(distinct(col(Vote.rater)))).where(counted).scalar_subquery()
        items = select(func.count()).select_from(StudyItem).where(StudyItem.study_id == Study.id).scalar_subquery()
        counts = select(Study, items, votes, raters).where(Study.project_id == self._project_id, in_use(Study))
        query = counts.join(Job, col(Job.id) == Study.job_id, isouter=True).add_columns(Job)
        with self._database.session() as session:
            return [StudySummary(*row) for row in session.execute(query.order_by(col(Study.id).desc()))]

    @needs(Action.READ)
    def get(self, name: str) -> Study:
        """The study of that name. Raises NotFound."""
        with self._database.session() as session:
            study = self._find(session, name)
            if study is None:
                known = select(Study.name).where(Study.project_id == self._project_id, in_use(Study))
                raise NotFound.named("study", name, list(session.exec(known)))
            return study

    @needs(Action.BUILD)
    def close(self, name: str) -> Study:
        """Takes no more votes; nothing is lost and `reopen` takes them again."""
        return self._switch(name, StudyState.READY, StudyState.CLOSED)

    @needs(Action.BUILD)
    def reopen(self, name: str) -> Study:
        study = self.get(name)
        if study.detail.get("imported"):
            raise BadInput(
                f"The study '{name}' was imported and has no answers to show. Create a study to collect votes."
            )
        return self._switch(name, StudyState.CLOSED, StudyState.READY)

    @needs(Action.RATE)
    def by_token(self, token: str) -> Study:
        """The study of this project that a raters' link leads to. Raises NotFound."""
        with self._database.session() as session:
            of_project = (Study.token == token, Study.project_id == self._project_id, not_binned(Study))
            study = session.exec(select(Study).where(*of_project)).first()
        if study is None:
            raise NotFound(NOWHERE)
        return study

    @needs(Action.BUILD)
    def invite(self, name: str, count: int = 1) -> tuple[str, ...]:
        """Links by which one person each becomes a rater, once; without one nobody does any more. They are shown this
        once: the secrets in them are not kept."""
        study = self.get(name)
        made = Admitting(self._database, study).invite(count)
        return tuple(f"{self.link(study)}?invitation={secret}" for secret in made)

    @needs(Action.BUILD)
    def open_to_anyone(self, name: str) -> None:
        """Takes unused invitations back; whoever has the raters' link becomes a rater again."""
        Admitting(self._database, self.get(name)).open_to_anyone()

    @needs(Action.RATE)
    def admit(self, token: str, invitation: str = "") -> str:
        """The cookie of a new rater. Raises NotInvited."""
        return Admitting(self._database, self.by_token(token)).admit(invitation)

    @needs(Action.RATE)
    def rater(self, token: str, cookie: str, cookie_of_before: str = "") -> str | None:
        """The rater that a cookie of this study is; None for one that was not made here for it. A rater of an earlier
        version, which signed nothing, is who voted with that cookie."""
        admitting = Admitting(self._database, self.by_token(token))
        return admitting.rater(cookie) or admitting.rater_of_before(cookie_of_before)

    @needs(Action.RATE)
    def next_pair(self, token: str, rater: str) -> Pair | None:
        return self._rating_session(token).next_pair(rater)

    @needs(Action.RATE)
    def vote(
        self, token: str, rater: str, public_id: str, choice: str, seconds: float | None = None, *, name: str = ""
    ) -> None:
        """Stores one judgement; committed when this returns. See `RatingSession.cast`."""
        self._rating_session(token).cast(rater, public_id, choice, seconds=seconds, name=name)

    @needs(Action.RATE)
    def undo(self, token: str, rater: str) -> bool:
        """Withdraws the rater's latest vote. False when there is none."""
        return self._rating_session(token).undo(rater)

    @needs(Action.RATE)
    def progress(self, token: str, rater: str) -> RaterProgress:
        return self._rating_session(token).progress(rater)

    @needs(Action.READ)
    def results(self, name: str, first: str | None = None) -> dict[str, Any]:
        """The report of `studies results`, seen from the arm `first`; computed anew when a vote came or changed."""
        from studio.engine.evaluation import results  # Loads numpy, as below.

        study = self.get(name)
        with self._database.session() as session:
            version = results.version_of(session, study)
        return self._cache.get(("results", study.id, first), version, lambda: self._results(study, first))

    def _results(self, study: Study, first: str | None) -> dict[str, Any]:
        from studio.engine.evaluation import results

        with self._database.session() as session:
            ballots, pairs = results.read_ballots(session, study), results.read_pairs(session, study)
        return results.report(study.name, study.arms, ballots, first, pairs)

    @needs(Action.BUILD)
    def import_votes(self, path: Path | str, name: str) -> dict[str, Any]:
        """Makes a closed study from a file of votes: `study, arms, votes, raters, items, skipped, reasons`."""
        name = self._free_name(name)
        read = answer_files.read_votes(References(self._settings).source(path))
        try:
            answer_files.store_votes(self._database, self._project_id, name, read)
        except IntegrityError as exc:
            raise NameTaken.of("study", name) from exc
        pairs = {(row["item"], frozenset((row["left"], row["right"]))) for row in read.rows}
        raters = {row["rater"] for row in read.rows}
        return {
            "study": name, "arms": read.arms, "votes": len(read.rows), "raters": len(raters), "items": len(pairs),
            "skipped": read.reasons.total(), "reasons": dict(read.reasons),
        }  # fmt: skip

    def _free_name(self, name: str) -> str:
        name = checked_name("study", name)
        with self._database.session() as session:
            if self._find(session, name) is not None:
                raise NameTaken.of("study", name)
        return name

    def _find(self, session: Session, name: str) -> Study | None:
        named = (col(Study.project_id) == self._project_id, col(Study.name).in_(spellings(name)))
        return session.exec(select(Study).where(*named)).first()

    def _by_id(self, study_id: int) -> Study:
        with self._database.session() as session:
            study = session.get(Study, study_id)
        if study is None or study.project_id != self._project_id or study.binned_at is not None:
            raise NotFound(f"There is no study number {study_id} in this project.")
        return study

    def _rating_session(self, token: str) -> RatingSession:
        return RatingSession(self._database, self.by_token(token))

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
