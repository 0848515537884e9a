"""Is a text too like one that is kept? Exact ROUGE-L verdicts (Self-Instruct, arXiv 2212.10560), through an index.

    index = SimilarityIndex()
    if index.match(text) is None:        # no kept text has ROUGE-L F1 >= 0.7 with it
        index.add(text)

A verdict is the one that comparing with every kept text gives: texts that the index leaves out cannot reach the
threshold. A text of m tokens needs a longest common subsequence of at least t(m+n)/2 with one of n tokens, so it must
share that many tokens with it, and at least one of its rarest m - t(m+n)/2 + 1: only the lists of those are read.
"""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import chain

from studio.engine.domain.words import rouge_tokens
from studio.engine.scoring import common_length, f_measure

THRESHOLD = 0.7
SHARED = 2
"""Rare elements that a text must share before it is looked at: more of them read longer lists and leave fewer texts."""
_SLACK = 1e-9
"""Bounds are rounded down by this much; the last word is the floating-point sum of the `rouge-score` package."""


@dataclass(frozen=True)
class Match:
    """A kept text that is too like: the number that `add` gave it, and ROUGE-L F1."""

    number: int
    score: float


class SimilarityIndex:
    """Kept texts, asked whether a new one is too like any of them. Grows by `add`; takes time only for likely texts."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        if not 0 < threshold <= 1:
            raise ValueError("The threshold of a similarity index is above 0 and at most 1.")
        self._threshold = threshold
        self._elements: dict[tuple[str, int], int] = {}
        """A token's first, second ... occurrence in a text are different elements, so that overlaps count repeats."""
        self._token_of: list[int] = []
        self._token_ids: dict[str, int] = {}
        self._frequency: list[int] = []
        self._texts: list[tuple[int, ...]] = []
        self._lists: list[dict[int, list[int]]] = []
        """For each element: length of text -> numbers of the texts."""

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: str) -> int:
        """Keeps a text and returns its number."""
        number, known = len(self._texts), self._known(rouge_tokens(text), new=True)
        self._texts.append(known)
        for element in known:
            self._frequency[element] += 1
            self._lists[element].setdefault(len(known), []).append(number)
        return number

    def match(self, text: str) -> Match | None:
        """A kept text whose ROUGE-L F1 with this one reaches the threshold, or None when there is none."""
        words = rouge_tokens(text)
        asked = self._known(words, new=False)
        if not words or not asked:
            return None
        elements, positions = frozenset(asked), self._positions(words)
        for number in self._candidates(asked, len(words)):
            kept = self._texts[number]
            if sum(map(elements.__contains__, kept)) < self._need(len(words), len(kept)):
                continue
            common = common_length(positions, len(words), [self._token_of[element] for element in kept])
            score = f_measure(common, len(words), len(kept))
            if score >= self._threshold:
                return Match(number, score)
        return None

    def _candidates(self, asked: tuple[int, ...], size: int) -> list[int]:
        """Texts that may share enough elements with one of `size` tokens, the likeliest first.

        At most `size - need` of its elements may be missing in the other text. Those that no kept text has are missing
        for certain; of the rest, `SHARED` more than may still be missing, the rarest, must hold that many shared ones.
        """
        unknown = size - len(asked)
        needs = {length: self._need(size, length) for length in self._lengths(size)}
        probes = {length: size - need + min(SHARED, need) - unknown for length, need in needs.items()}
        read = [
            numbers
            for rank, element in enumerate(sorted(asked, key=self._frequency.__getitem__)[: max(0, *probes.values())])
            for length, numbers in self._lists[element].items()
            if rank < probes.get(length, 0)
        ]
        least = min(SHARED, *needs.values())
        likely = [(count, number) for number, count in Counter(chain.from_iterable(read)).items() if count >= least]
        return [number for _, number in sorted(likely, reverse=True)]

    def _lengths(self, size: int) -> range:
        """The lengths that a text like one of `size` tokens can have."""
        share = self._threshold / (2 - self._threshold)
        low, high = math.ceil(size * share - _SLACK), math.floor(size / share + _SLACK)
        return range(max(low, 1), high + 1)

    def _need(self, size: int, length: int) -> int:
        return math.ceil(self._threshold * (size + length) / 2 - _SLACK)

    def _positions(self, words: list[str]) -> dict[object, int]:
        """Token -> a bit for each place where the asked text has it."""
        positions: dict[object, int] = {}
        for place, word in enumerate(words):
            token = self._token_ids.get(word)
            if token is not None:
                positions[token] = positions.get(token, 0) | (1 << place)
        return positions

    def _known(self, words: list[str], *, new: bool) -> tuple[int, ...]:
        """The elements of a text in its order; unknown ones are made when `new`, else left out."""
        seen: Counter[str] = Counter()
        known = []
        for word in words:
            key = (word, seen[word])
            seen[word] += 1
            element = self._elements.get(key)
            if element is None and new:
                element = self._new_element(key)
            if element is not None:
                known.append(element)
        return tuple(known)

    def _new_element(self, key: tuple[str, int]) -> int:
        element = self._elements[key] = len(self._elements)
        self._token_of.append(self._token_ids.setdefault(key[0], len(self._token_ids)))
        self._frequency.append(0)
        self._lists.append({})
        return element
