"""The inventions of one project: made, foreseen, started, stopped, gone on with and looked at here."""

import secrets
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.names import checked_source_name, composed, spellings
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JobState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.jobs import Jobs, Kind, Retry, Subject
from studio.engine.prompts import importing
from studio.engine.prompts.invention.plan import METHODS, Plan, check, checked_method, fewest_requests
from studio.engine.prompts.invention.progress import (
    ASKING,
    KIND,
    TOKEN_BYTES,
    InventionProgress,
    InventionState,
    all_progress,
    prefix_of,
    progress_of,
)
from studio.engine.prompts.invention.seeds import ReadSeeds, Seed, drawn, read_seeds, store_seeds
from studio.engine.prompts.prompts import Prompts
from studio.engine.store import Database
from studio.engine.store.tables import Job, PromptSource, Teacher

INVENT = Kind(KIND, action=Action.SPEND, retry=Retry.GOES_ON)
"""Its entry is above this package, since it needs the teachers."""


class TeacherNames(Protocol):
    """What an invention needs to know of teachers before it begins."""

    def get(self, name: str) -> Teacher:
        """The teacher of that name; raises NotFound."""
        ...


class Inventions(Service):
    """Prompt sources that a teacher fills."""

    def __init__(
        self, database: Database, project_id: int, prompts: Prompts, teachers: TeacherNames, jobs: Jobs
    ) -> None:
        self._database, self._project_id = database, project_id
        self._prompts, self._teachers, self._jobs = prompts, teachers, jobs

    @needs(Action.SPEND)
    def create(
        self,
        name: str,
        method: str,
        seeds: Path,
        teacher: str,
        count: int,
        *,
        seed: int = 0,
        generations: int = 4,
        similarity: float | None = None,
        use_seeds: int | None = None,
        parameters: dict[str, Any] | None = None,
        budget_usd: float | None = None,
        format: str = importing.AUTO,
        mapping: dict[str, str] | None = None,
    ) -> InventionProgress:
        """Writes an invention down with its seeds; nothing is asked yet.

        The same call again gives the one that is there, to be gone on with. `similarity` replaces the method's own
        threshold of the ROUGE-L filter; `use_seeds` draws that many of the file. Raises BadInput, NotFound, NameTaken.
        """
        way = checked_method(method)
        asked = self._teachers.get(teacher)
        seeds = self._prompts.references.rows(seeds)
        read = read_seeds(seeds, format, mapping)
        used = drawn(read, use_seeds or way.seeds, seed, with_answers=way.needs_answers)
        plan = Plan(
            method, asked.name, count, seed, generations, way.threshold if similarity is None else similarity,
            parameters or {}, budget_usd, read.mostly_ascii,
        )  # fmt: skip
        check(plan)
        _check_budget(plan, asked)
        about = _about(seeds, read, used)
        earlier = self._earlier(name, plan, about)
        if earlier is not None:
            return earlier
        name = checked_source_name(name)
        self._check_free(name)
        self._store(name, plan, about, used)
        return self.progress(name)

    @needs(Action.SPEND)
    def run_as_job(self, name: str) -> dict[str, Any]:
        """Invents in this process, with a job that pages and `understudy jobs` see. Returns the report."""
        return self._jobs.finish(self.start(name).id or 0)

    @needs(Action.SPEND)
    def start(self, name: str) -> Job:
        """Puts an invention into the queue of jobs; one that is there already goes on."""
        source = self._find(name)
        job = self.job_of(name)
        if job is None or job.state == JobState.DONE:
            count = Plan.from_detail(source.detail).count
            return self._jobs.enqueue(
                INVENT,
                status("title_invent", name=source.name),
                {"source": source.id},
                subject=_subject(source),
                total=count,
            )
        if job.state == JobState.RUNNING and not self._jobs.is_waiting(job):
            return job
        return self._jobs.retry(job.id or 0)

    @needs(Action.SPEND)
    def stop(self, name: str) -> None:
        """Asks for an end in good order; every answer stays."""
        job = self.job_of(name)
        if job is not None and job.state in (JobState.QUEUED, JobState.RUNNING):
            self._jobs.stop(job.id or 0)

    @needs(Action.SPEND)
    def set_budget(self, name: str, budget_usd: float | None) -> None:
        """Changes what an invention may cost in all, in dollars; None lifts the limit."""
        source = self._find(name)
        job = self.job_of(name)
        if job is not None and job.state == JobState.RUNNING and not self._jobs.is_waiting(job):
            raise BadInput(f"The invention '{name}' is going on; change its budget when it is stopped.")
        plan = Plan.from_detail({**source.detail, "budget_usd": budget_usd})
        check(plan)
        _check_budget(plan, self._teachers.get(plan.teacher))
        with self._database.session() as session:
            source.detail = {**source.detail, **plan.as_detail()}
            session.add(source)

    @needs(Action.READ)
    def list(self) -> list[InventionProgress]:
        """All inventions, the newest first."""
        with self._database.session() as session:
            return all_progress(session, self._project_id)

    @needs(Action.READ)
    def progress(self, name: str) -> InventionProgress:
        """Where an invention stands. Raises NotFound."""
        source = self._find(name)
        with self._database.session() as session:
            return progress_of(session, source)

    @needs(Action.READ)
    def job_of(self, name: str) -> Job | None:
        """The newest job of an invention."""
        source = self._find(name)
        job = self._jobs.about(_subject(source), INVENT)
        # A source that was deleted may have had this id before.
        return job if job is not None and job.created_at >= source.created_at else None

    @needs(Action.READ)
    def fewest_requests(self, method: str, count: int) -> int:
        """What an invention takes if everything that comes back is kept; in practice more."""
        return fewest_requests(method, count)

    def _earlier(self, name: str, plan: Plan, about: dict[str, Any]) -> InventionProgress | None:
        """The invention of that name, when the same is asked for again; another budget is taken over."""
        try:
            found = self.progress(composed(name))
        except NotFound:
            return None
        same = Plan.from_detail({**found.plan.as_detail(), "budget_usd": plan.budget_usd}) == plan
        if not same or found.seeds.get("digest") != about["digest"]:
            raise NameTaken(
                f"The invention '{name}' is there already, and was made with other settings or seeds. Go on with it by "
                f"`understudy prompts invent --resume '{name}'`, or choose another name.",
                field="name",
            )
        if found.plan.budget_usd != plan.budget_usd:
            self.set_budget(found.name, plan.budget_usd)
        return self.progress(found.name)

    def _check_free(self, name: str) -> None:
        try:
            self._prompts.source(name)
        except NotFound:
            return
        raise NameTaken.of("prompt source", name)

    def _store(self, name: str, plan: Plan, about: dict[str, Any], seeds: Sequence[Seed]) -> None:
        state = InventionState(secrets.token_hex(TOKEN_BYTES), about)
        try:
            with self._database.session() as session:
                session.add(
                    PromptSource(project_id=self._project_id, name=name, kind=KIND, detail=state.as_detail(plan))
                )
                hidden = PromptSource(
                    project_id=self._project_id, name=f"{prefix_of(state.token)}seeds", kind=ASKING,
                    detail={"invention": name},
                )  # fmt: skip
                session.add(hidden)
                session.flush()
                hidden.count = store_seeds(session, hidden, seeds)
        except IntegrityError as exc:
            raise NameTaken.of("prompt source", name) from exc

    def _find(self, name: str) -> PromptSource:
        with self._database.session() as session:
            source = self._row(session, name)
        if source is None or "standing" not in source.detail:
            raise NotFound.named("invention", name, [one.name for one in self.list()])
        return source

    def _row(self, session: Session, name: str) -> PromptSource | None:
        mine = (
            PromptSource.project_id == self._project_id,
            PromptSource.kind == KIND,
            col(PromptSource.name).in_(spellings(name)),
        )
        return session.exec(select(PromptSource).where(*mine)).first()


def _subject(source: PromptSource) -> Subject:
    return Subject("prompts", source.id or 0)


def _about(path: Path, read: ReadSeeds, used: Sequence[Seed]) -> dict[str, Any]:
    content = blake2b(digest_size=12)
    for seed in used:
        content.update(repr(seed).encode())
    return {
        "file": path.name, "count": len(used), "in_file": len(read.seeds), "left_out": dict(read.skipped),
        "digest": content.hexdigest(),
    }  # fmt: skip


def _check_budget(plan: Plan, teacher: Teacher) -> None:
    if plan.budget_usd is not None and (teacher.input_price is None or teacher.output_price is None):
        raise BadInput(
            f"A budget cannot be kept, because the prices of the teacher '{teacher.name}' are not known. "
            "Give both per million tokens, zero if it is free.",
            field="budget_usd",
        )


__all__ = ["METHODS", "Inventions"]
