"""Draws a mixture without storing anything: one collection after the other, each from a generator of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.jobs import Progress
from studio.engine.prompts.mixtures.algorithms import choose, first, proportional, stratified
from studio.engine.prompts.mixtures.mixture import NO_MESSAGE, STRATIFIED, Collection, Mixture
from studio.engine.prompts.mixtures.options import offers_options
from studio.engine.prompts.mixtures.outcome import CollectionOutcome, Outcome, TaskOutcome
from studio.engine.prompts.mixtures.rows import Census, count_rows, take_out_shared
from studio.engine.store import Database
from studio.engine.store.tables import PromptSource


@dataclass(frozen=True)
class Draw:
    """One collection's prompts: `chosen` has a one at each position of the source that is taken."""

    collection: Collection
    source_id: int
    chosen: bytearray
    outcome: CollectionOutcome


@dataclass(frozen=True)
class Drawn:
    """A whole mixture. Memory is a byte for each row of its sources, whatever their prompts' lengths."""

    seed: int
    draws: tuple[Draw, ...]

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.seed, tuple(draw.outcome for draw in self.draws))


def draw(database: Database, mixture: Mixture, sources: Sequence[PromptSource], seed: int, progress: Progress) -> Drawn:
    """What the mixture takes from its sources, one for each collection. Raises BadInput for a quota that cannot be met.

    The same prompt (by what an import compares: text, turns and own system message) is taken once, by the first
    collection that draws it; a later one has it neither counted nor drawn, so its total is exact all the same.
    """
    check_quotas(mixture, sources)
    total, read = sum(source.count for source in sources), 0
    draws: list[Draw] = []
    for collection, source in zip(mixture.collections, sources, strict=True):
        before = read
        census = count_rows(
            database,
            source.id or 0,
            lambda rows, before=before, name=collection.name: progress(
                before + rows, total, status("read_for", name=name)
            ),  # type: ignore[misc]
        )
        read += source.count
        for earlier in draws:
            take_out_shared(database, census, source.id or 0, earlier.source_id, earlier.chosen)
        draws.append(_drawn(collection, source.id or 0, census, seed))
    return Drawn(seed, tuple(draws))


def check_quotas(mixture: Mixture, sources: Sequence[PromptSource]) -> None:
    """What can be told without reading millions of rows: a quota beyond its source. Raises BadInput."""
    for collection, source in zip(mixture.collections, sources, strict=True):
        _check_quota(collection, source.count, 0)


def system_message_for(collection: Collection, seed: int, digest: bytes, text: str) -> str | None:
    """The name drawn for a prompt: each as likely, by seed, label and prompt alone; None where nothing is drawn."""
    names = collection.system_messages
    if collection.system_messages_with_options and offers_options(text):
        names += collection.system_messages_with_options
    if not names:
        return None
    mark = blake2b(f"{seed}\n{collection.name}\n".encode() + digest, digest_size=8).digest()
    return names[int.from_bytes(mark) * len(names) >> 64]


def _drawn(collection: Collection, source_id: int, census: Census, seed: int) -> Draw:
    _check_quota(collection, census.rows, census.shared)
    rng = Random(f"{seed}\n{collection.name}")
    if collection.algorithm == NO_MESSAGE:
        chosen = first(census.tasks, collection.quota)
        taken = _counted(census, chosen)
    else:
        share = stratified if collection.algorithm == STRATIFIED else proportional
        taken = share(census.sizes, collection.quota or 0, rng)
        chosen = choose(census.tasks, census.sizes, taken, rng)
    tasks = tuple(map(TaskOutcome, census.names, census.sizes, taken))
    return Draw(
        collection, source_id, chosen, CollectionOutcome(collection, census.rows, sum(taken), census.shared, tasks)
    )


def _counted(census: Census, chosen: bytearray) -> list[int]:
    taken = [0] * len(census.sizes)
    for task, one in zip(census.tasks, chosen, strict=True):
        if one:
            taken[task] += 1
    return taken


def _check_quota(collection: Collection, rows: int, taken: int) -> None:
    """A total is exact or the mixture is refused: nobody finds out from the bill that a quota was not met."""
    quota, where = collection.quota, f"The collection '{collection.name}'"
    shared = f"({taken:,} more are in earlier collections)"
    if not rows:
        found = f" {shared}" if taken else ""
        raise BadInput(f"{where} finds no prompt in '{collection.source}'{found}. Take the collection out.")
    if quota is not None and quota > rows:
        raise BadInput(
            f"{where} asks for {quota:,} prompts, but its source '{collection.source}' has "
            f"{f'{rows:,} {shared}' if taken else f'{rows:,}'}. "
            f"Lower the quota to {rows:,} or less, or name a source with more prompts."
        )
