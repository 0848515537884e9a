"""What the rounds of an invention read of the store: its seeds, and the prompts kept so far."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from sqlmodel import col, select

from studio.engine.prompts.invention.progress import InventionState, prefix_of
from studio.engine.prompts.invention.round import Invented
from studio.engine.prompts.invention.seeds import Seed, Seeds
from studio.engine.store import Database
from studio.engine.store.tables import Prompt, PromptSource

PAGE = 1000


class Store:
    """See `round.Material`. `kept` is how many prompts there are."""

    def __init__(self, database: Database, source: PromptSource, state: InventionState) -> None:
        self._database, self.source_id, self.kept = database, source.id or 0, source.count
        with database.session() as session:
            named = (
                PromptSource.project_id == source.project_id,
                PromptSource.name == f"{prefix_of(state.token)}seeds",
            )
            self._seeds = Seeds(database, session.exec(select(PromptSource).where(*named)).one())

    @property
    def seed_count(self) -> int:
        return len(self._seeds)

    def seeds(self, start: int = 0, stop: int | None = None) -> Sequence[Seed]:
        return self._all_seeds if stop is None else self._seeds.part(start, stop)

    def every_seed(self) -> Seeds:
        return self._seeds

    def newest_of(self, seeds: Sequence[int]) -> dict[int, tuple[int, str]]:
        places = {seed: place for seed in seeds if (place := self._newest.get(seed)) is not None}
        wanted = (Prompt.source_id == self.source_id, col(Prompt.position).in_(list(places.values())))
        with self._database.session() as session:
            texts = dict(session.exec(select(Prompt.position, Prompt.text).where(*wanted)).all()) if places else {}
        return {seed: (place, texts[place]) for seed, place in places.items()}

    def prompts(self) -> Iterator[Prompt]:
        """The kept prompts in order, a page in memory at a time."""
        after = -1
        while True:
            query = select(Prompt).where(Prompt.source_id == self.source_id, col(Prompt.position) > after)
            with self._database.session() as session:
                page = list(session.exec(query.order_by(col(Prompt.position)).limit(PAGE)))
            if not page:
                return
            yield from page
            after = page[-1].position

    def note_kept(self, fresh: Sequence[Invented]) -> None:
        lines = {one.detail["seed"]: place for place, one in enumerate(fresh, self.kept) if "seed" in one.detail}
        if lines:
            self._newest.update(lines)
        self.kept += len(fresh)

    @cached_property
    def _all_seeds(self) -> list[Seed]:
        return list(self._seeds)

    @cached_property
    def _newest(self) -> dict[int, int]:
        """Seed -> place of the newest prompt of its line, for methods that evolve."""
        return {
            prompt.detail["seed"]: prompt.position
            for prompt in self.prompts()
            if prompt.detail and "seed" in prompt.detail
        }
