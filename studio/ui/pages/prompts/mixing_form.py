"""From the boxes of the Mixture tab to a mixture and back. Pure: texts and values in, texts and values out."""

from collections.abc import Sequence
from dataclasses import replace

from studio.engine.errors import BadInput
from studio.engine.prompts.mixtures import NO_MESSAGE, STRATIFIED, Collection, Mixture, from_value, read
from studio.engine.row_types import PromptSource

NEW = "+"
"""Stands for a collection that is not in the mixture yet."""
FIRST_QUOTA = 1000
SAMPLED = "sample"


def proposal(sources: Sequence[PromptSource]) -> Mixture:
    """A mixture to begin with: of each source that was not sampled itself at most so many, every task alike."""
    own = [source for source in sources if source.kind != SAMPLED and source.count] or list(sources)
    parts = [Collection(one.name, one.name, STRATIFIED, min(one.count, FIRST_QUOTA)) for one in reversed(own)]
    return Mixture(tuple(parts))


def readable(text: str) -> Mixture | None:
    """The mixture in a text, when it can be read."""
    try:
        return read(text)
    except BadInput:
        return None


def labels_of(text: str) -> list[str]:
    """The names of the collections of a mixture; none of one that cannot be read."""
    mixture = readable(text)
    return [part.name for part in mixture.collections] if mixture else []


def collection_named(text: str, label: str) -> Collection | None:
    """That collection of a mixture; None for a new one."""
    mixture = readable(text)
    return next((part for part in mixture.collections if part.name == label), None) if mixture else None


def put(text: str, label: str, part: Collection) -> str:
    """The mixture with this collection in place of the one so labelled, or at its end. Raises BadInput."""
    mixture = read(text) if text.strip() else Mixture(())
    parts = [part if one.name == label else one for one in mixture.collections]
    if label == NEW or part not in parts:
        parts.append(part)
    return checked(replace(mixture, collections=tuple(parts)))


def without(text: str, label: str) -> str:
    """The mixture without that collection; nothing when it was the last."""
    mixture = read(text)
    left = tuple(part for part in mixture.collections if part.name != label)
    return replace(mixture, collections=left).as_yaml() if left else ""


def checked(mixture: Mixture) -> str:
    """A mixture's text, once it reads back. Raises BadInput."""
    from_value(mixture.as_dict())
    return mixture.as_yaml()


def part_of(
    label: str, source: str | None, algorithm: str | None, quota: float | None, drawn: list[str], more: list[str]
) -> Collection:
    """What the boxes say, as it is: `checked` finds what is wrong with it."""
    number = None if quota is None else int(quota)
    name = label.strip() or source or ""
    return Collection(name, source or "", algorithm or NO_MESSAGE, number, tuple(drawn), tuple(more))
