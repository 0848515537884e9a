"""The mixtures of one project: checked, drawn to see what they come to, and stored as a source of prompts."""

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import select
from sqlmodel import col

from studio.engine.domain.bounds import SEED
from studio.engine.domain.names import checked_source_name
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, Stopped
from studio.engine.jobs import Jobs, Kind, Progress, Reservation, Retry, Subject
from studio.engine.prompts.mixtures import drawing, storing
from studio.engine.prompts.mixtures.mixture import Mixture
from studio.engine.prompts.mixtures.outcome import Outcome
from studio.engine.prompts.mixtures.shipped import Shipped, shipped, shipped_named
from studio.engine.prompts.mixtures.storing import Stock
from studio.engine.prompts.prompts import ASKING
from studio.engine.prompts.writing import SUBJECT, UNFINISHED, staging
from studio.engine.store import Database, not_binned
from studio.engine.store.tables import Job, PromptSource, SystemMessage

SAMPLE = Kind("sample", retry=Retry.BEGINS_ANEW)
OUTCOME = Kind("mixture_outcome", retry=Retry.BEGINS_ANEW)


class SystemMessageLibrary(Protocol):
    """What drawing needs to know of the later step that owns system messages."""

    def list(self) -> Sequence[SystemMessage]: ...


class Mixtures(Service):
    """Sampling for one project."""

    def __init__(self, database: Database, project_id: int, library: SystemMessageLibrary, jobs: Jobs) -> None:
        self._database, self._project_id = database, project_id
        self._library, self._jobs = library, jobs

    @needs(Action.READ)
    def check(self, mixture: Mixture) -> None:
        """Raises BadInput for a source or a system message that is not there, or a quota beyond its source.

        Whether a quota can be met beside earlier collections that hold the same prompts is known by drawing.
        """
        drawing.check_quotas(mixture, self._sources(mixture))
        self._texts(mixture)

    @needs(Action.READ)
    def outcome(self, mixture: Mixture, seed: int | None = None, *, progress: Progress | None = None) -> Outcome:
        """What `sample` would store with this seed, by collection and task; nothing is stored. Raises BadInput.

        The seed is this one, else the mixture's own, else 0.
        """
        self._texts(mixture)
        sources = self._sources(mixture)
        return drawing.draw(self._database, mixture, sources, _seed(mixture, seed), progress or _quietly).outcome

    @needs(Action.BUILD)
    def sample(
        self,
        mixture: Mixture,
        name: str,
        seed: int | None = None,
        *,
        texts: dict[str, str] | None = None,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
        reservation: Reservation | None = None,
    ) -> Outcome:
        """Draws the mixture and stores it as a new source. Raises BadInput or NameTaken, with nothing changed.

        `texts` are the system messages by name, as they were when the drawing was asked for; by default as they are.
        Raises `Stopped` when it was asked to stop, with nothing stored.
        """
        texts = self._texts(mixture) if texts is None else texts
        follow, stops = progress or _quietly, should_stop or (lambda: False)
        stock = Stock(self._database, self._project_id, texts, follow, stops, reservation)
        return _sampled(stock, mixture, self._sources(mixture), name, _seed(mixture, seed))

    @needs(Action.BUILD)
    def start(self, mixture: Mixture, name: str, seed: int | None = None) -> Job:
        """The same as a job, for mixtures that take a while. What can be told at once is refused at once."""
        texts, sources, seed = self._texts(mixture), self._sources(mixture), _seed(mixture, seed)
        drawing.check_quotas(mixture, sources)
        name = checked_source_name(name)
        storing.check_name(self._database, self._project_id, name)
        staged = staging(self._database, self._project_id)
        reserved = staged.reserve(name)
        payload = {"mixture": mixture.as_dict(), "name": name, "seed": seed, "texts": texts}
        job = self._jobs.enqueue(
            SAMPLE, status("title_sample", name=name), {**payload, "reserved": reserved.as_dict()},
            subject=Subject(SUBJECT, reserved.row), total=sum(source.count for source in sources),
        )  # fmt: skip
        staged.hand_over(reserved, job.id or 0)
        return job

    @needs(Action.BUILD)
    def start_outcome(self, mixture: Mixture, seed: int | None = None) -> Job:
        """`outcome` as a job, for mixtures of large sources; its result keeps it."""
        self.check(mixture)
        payload = {"mixture": mixture.as_dict(), "seed": _seed(mixture, seed)}
        total = sum(source.count for source in self._sources(mixture))
        return self._jobs.enqueue(OUTCOME, status("title_outcome"), payload, total=total)

    @needs(Action.READ)
    def is_making(self, job: Job) -> bool:
        """Whether a job makes a source, rather than only telling what it would come to."""
        return job.kind == SAMPLE.name

    @needs(Action.READ)
    def outcome_of(self, job: Job) -> Outcome | None:
        """What such a job found; None before it is done, or for another kind of job."""
        kept = (job.result or {}).get("outcome") if job.kind == OUTCOME.name else None
        return Outcome.of_payload(kept) if kept else None

    @needs(Action.READ)
    def shipped(self) -> list[Shipped]:
        """The examples that come with the studio."""
        return shipped(self._database.settings.assets)

    @needs(Action.READ)
    def shipped_named(self, name: str) -> Shipped:
        return shipped_named(self._database.settings.assets, name)

    def _sources(self, mixture: Mixture) -> list[PromptSource]:
        return sources_of(self._database, self._project_id, mixture)

    def _texts(self, mixture: Mixture) -> dict[str, str]:
        known = {message.name: message.text for message in self._library.list()}
        for part in mixture.collections:
            for name in (*part.system_messages, *part.system_messages_with_options):
                if name not in known:
                    raise BadInput(
                        f"The collection '{part.name}' draws the system message '{name}', which is not in the library. "
                        f"There are: {', '.join(known)}."
                    )
        return {name: known[name] for name in mixture.system_messages}


def sources_of(database: Database, project_id: int, mixture: Mixture) -> list[PromptSource]:
    """Each collection's source, in order. Raises BadInput for one that is not there or holds nothing."""
    with database.session() as session:
        mine = (col(PromptSource.project_id) == project_id, col(PromptSource.kind).not_in((UNFINISHED, ASKING)))
        rows = session.scalars(
            select(PromptSource).where(*mine, not_binned(PromptSource)).order_by(col(PromptSource.name))
        )
        known = {row.name: row for row in rows}
    found = []
    for part in mixture.collections:
        source = known.get(part.source)
        if source is None:
            there = f"There are: {', '.join(list(known)[:12])}." if known else "There are none yet."
            raise BadInput(
                f"The collection '{part.name}' takes from the prompt source '{part.source}', which is not in this "
                f"project. {there} Import it under that name, or name another."
            )
        if not source.count:
            raise BadInput(f"The collection '{part.name}' takes from '{part.source}', which holds no prompts.")
        found.append(source)
    return found


def _sampled(stock: Stock, mixture: Mixture, sources: Sequence[PromptSource], name: str, seed: int) -> Outcome:
    name = checked_source_name(name)
    storing.check_name(stock.database, stock.project_id, name, stock.reservation)
    drawn = drawing.draw(stock.database, mixture, sources, seed, _stoppable(stock))
    detail = {
        "mixture": mixture.as_dict(), "seed": seed, "per_collection": drawn.outcome.per_collection,
        "shared": {part.collection.name: part.shared for part in drawn.outcome.collections if part.shared},
    }  # fmt: skip
    storing.store(stock, name, drawn, detail)
    return drawn.outcome


def _stoppable(stock: Stock) -> Callable[[int, int | None, str], None]:
    def told(done: int, total: int | None, message: str) -> None:
        if stock.should_stop():
            raise Stopped("Sampling was stopped. Nothing was stored.")
        stock.progress(done, total, message)

    return told


def _seed(mixture: Mixture, seed: int | None) -> int:
    chosen = next(value for value in (seed, mixture.seed, 0) if value is not None)
    SEED.check(chosen, "The seed of the mixture", "seed")
    return chosen


def _quietly(done: int, total: int | None, message: str) -> None:
    """Progress that nobody follows."""
