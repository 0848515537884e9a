"""How varied a source of prompts is: likeness of nearest neighbours, spread over tasks, verbs and lengths.

Small homogeneous sets teach a student its teacher's manner and little else (The False Promise, arXiv 2305.15717), so
the likeness stands beside what was published for a broad set and for a narrow one. Large sources are judged by a seeded
sample.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func
from sqlmodel import col, select

from studio.engine.domain.status import status
from studio.engine.domain.words import count_words
from studio.engine.errors import BadInput
from studio.engine.jobs import Progress
from studio.engine.prompts.verbs import verb_and_object
from studio.engine.store import Database
from studio.engine.store.tables import Prompt, PromptSource

if TYPE_CHECKING:
    from studio.engine.prompts.bleu import Nearest

ASKED = 300
"""Prompts whose nearest neighbour is looked for."""
AMONG = 10_000
"""Prompts that it is looked for among, and that verbs and lengths are counted in."""
PUBLISHED = {"broad": 0.08, "super_natural_instructions": 0.61}
"""Mean BLEU with the nearest other prompt in arXiv 2305.15717: its broad imitation set, and a benchmark's templates."""
LENGTHS = (5, 10, 20, 50, 100, 200, 500)
"""Upper ends of the classes of length, in words; the last class has none."""
SHOWN = 12
SPREADS = ("tasks", "verbs", "verb_nouns")
PAGE = 500


@dataclass(frozen=True)
class Spread:
    """How evenly prompts fall on labels. `effective` is the number of equally large labels that would be as varied
    (the exponential of the entropy); `covered` the share of prompts that have a label at all."""

    distinct: int
    effective: float
    covered: float
    largest: float
    top: list[tuple[str, int]]


@dataclass(frozen=True)
class Diversity:
    """`nearest_bleu` is between 0 and 1; None when there is no other prompt. `looked_at` is how many prompts everything
    but the tasks was counted in, `asked` of how many the nearest was looked for."""

    source: str
    prompts: int
    looked_at: int
    asked: int
    nearest_bleu: float | None
    nearest_shares: list[tuple[float, int]]
    """(upper end, how many of the asked prompts have a nearest BLEU below it and above the class before)."""
    closest: list[tuple[float, int, int]]
    """The likest pairs: (BLEU, place, place)."""
    tasks: Spread
    verbs: Spread
    verb_nouns: Spread
    median_words: float
    lengths: list[tuple[int | None, int]]
    """(longest in words, how many)."""
    published: dict[str, float] = field(default_factory=lambda: dict(PUBLISHED))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """As a job's result keeps it."""
        spreads = {key: Spread(**{**kept[key], "top": _pairs(kept[key]["top"])}) for key in SPREADS}
        lists = {key: _pairs(kept[key]) for key in ("nearest_shares", "closest", "lengths")}
        return cls(**{**kept, **spreads, **lists})


def measure(
    database: Database,
    source: PromptSource,
    *,
    asked: int = ASKED,
    among: int = AMONG,
    seed: int = 0,
    progress: Progress | None = None,
) -> Diversity:
    """Measures a stored source; the same sample for the same seed. Raises BadInput for one without prompts."""
    if not source.count:
        raise BadInput(f"The prompt source '{source.name}' is empty, so there is nothing to measure.")
    if asked < 1 or among < 2:
        raise BadInput("A sample needs at least 1 prompt to ask about and 2 to look among.")
    rng = Random(f"diversity:{seed}")
    places = sorted(rng.sample(range(source.count), min(among, source.count)))
    if progress:
        progress(0, 2, status("reading"))
    texts = _texts(database, source, places)
    wanted = rng.sample(texts, min(asked, len(texts)))
    from studio.engine.prompts.bleu import Nearest  # Loads numpy.

    nearest = Nearest(wanted)
    if progress:
        progress(1, 2, status("looking_for_nearest"))
    nearest.look_at(texts)
    commands = [verb_and_object(text) for _, text in texts]
    words = sorted(count_words(text) for _, text in texts)
    return Diversity(
        source.name, source.count, len(texts), len(wanted), nearest.mean if len(texts) > 1 else None,
        _classes(nearest), _closest(nearest), _tasks(database, source),
        spread([found[0] if found else None for found in commands], len(texts)),
        spread([" ".join(found) if found and found[1] else None for found in commands], len(texts)),  # type: ignore[arg-type]
        float(words[len(words) // 2]), _lengths(words),
    )  # fmt: skip


def _pairs(kept: list[Any]) -> list[Any]:
    """JSON knows no tuples."""
    return [tuple(row) for row in kept]


def spread(labels: Iterable[str | None], total: int) -> Spread:
    return _spread(Counter(label for label in labels if label), total)


def _spread(counts: Counter[str], total: int) -> Spread:
    labelled = sum(counts.values())
    shares = [count / labelled for count in counts.values()]
    entropy = -sum(share * math.log(share) for share in shares)
    return Spread(
        len(counts), math.exp(entropy) if shares else 0.0, labelled / total if total else 0.0,
        max(shares, default=0.0), counts.most_common(SHOWN),
    )  # fmt: skip


def _tasks(database: Database, source: PromptSource) -> Spread:
    label = func.coalesce(col(Prompt.family), col(Prompt.task))
    query = select(label, func.count()).where(Prompt.source_id == source.id, label.is_not(None)).group_by(label)
    with database.session() as session:
        return _spread(Counter(dict(session.exec(query).all())), source.count)


def _texts(database: Database, source: PromptSource, places: Sequence[int]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for start in range(0, len(places), PAGE):
        wanted = (Prompt.source_id == source.id, col(Prompt.position).in_(places[start : start + PAGE]))
        with database.session() as session:
            found += session.exec(select(Prompt.position, Prompt.text).where(*wanted)).all()
    return sorted(found)


def _classes(nearest: "Nearest", width: float = 0.1) -> list[tuple[float, int]]:
    counts = Counter(min(int(score / width), 9) for score, _ in nearest.best.values())
    return [(round((place + 1) * width, 1), counts[place]) for place in range(10)]


def _closest(nearest: "Nearest", shown: int = 5) -> list[tuple[float, int, int]]:
    pairs = {
        (min(key, other), max(key, other)): score for key, (score, other) in nearest.best.items() if other is not None
    }
    ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:shown]
    return [(round(score, 4), *pair) for pair, score in ordered]


def _lengths(words: Sequence[int]) -> list[tuple[int | None, int]]:
    counts = Counter(next((end for end in LENGTHS if count <= end), None) for count in words)
    return [(end, counts[end]) for end in (*LENGTHS, None)]
