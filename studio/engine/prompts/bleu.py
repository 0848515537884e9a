"""BLEU of a text with its nearest other text: what The False Promise (arXiv 2305.15717) measures diversity by.

Sentence BLEU-4 as `sacrebleu` computes it with its defaults for sentences (exponential smoothing, effective order), on
words, punctuation marks and single characters of scripts without spaces. The asked text is the hypothesis.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from studio.engine.domain.words import bleu_tokens

ORDER = 4
MOST_TOKENS = 400
"""Of a text are compared; longer ones are hardly prompts but documents."""
BLOCK = 4000
"""Texts looked at together: what bounds the memory, however many there are."""

Gram = tuple[str, ...]


@dataclass(frozen=True)
class _Asked:
    """An asked text: how many tokens, and for each order its n-grams as (number, count)."""

    key: int
    length: int
    grams: list[list[tuple[int, int]]]


class Nearest:
    """For each asked text, the highest BLEU with any other text that `look_at` is shown."""

    def __init__(self, asked: Sequence[tuple[int, str]]) -> None:
        """`asked` are (key, text); a text with the same key is the text itself and not another one."""
        self._numbers: dict[Gram, int] = {}
        self._asked = [self._of(key, _tokens(text)) for key, text in asked]
        self.best: dict[int, tuple[float, int | None]] = {key: (0.0, None) for key, _ in asked}
        """key -> (BLEU, key of the nearest text, None while none shares a word)."""

    @property
    def mean(self) -> float | None:
        return sum(score for score, _ in self.best.values()) / len(self.best) if self.best else None

    def look_at(self, texts: Iterable[tuple[int, str]]) -> None:
        """Compares with more texts, (key, text) each."""
        rest = iter(texts)
        while block := list(islice(rest, BLOCK)):
            self._look_at_block(block)

    def _look_at_block(self, block: Sequence[tuple[int, str]]) -> None:
        keys = np.array([key for key, _ in block])
        split = [_tokens(text) for _, text in block]
        lengths = np.array([len(tokens) for tokens in split], dtype=float)
        holders = self._holders(split)
        for one in self._asked:
            if not one.length:
                continue
            scores = _bleu(one, self._matches(one, holders, len(block)), lengths)
            scores[keys == one.key] = 0.0
            place = int(scores.argmax())
            if scores[place] > self.best[one.key][0]:
                self.best[one.key] = (float(scores[place]), int(keys[place]))

    def _holders(self, split: Sequence[list[str]]) -> dict[int, tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        """n-gram -> (places of the texts that hold it, how often each does), for the asked texts' n-grams alone."""
        lists: dict[int, tuple[list[int], list[int]]] = {}
        for place, tokens in enumerate(split):
            counts = Counter(
                number
                for order in range(1, ORDER + 1)
                for gram in _grams(tokens, order)
                if (number := self._numbers.get(gram)) is not None
            )
            for number, count in counts.items():
                places, times = lists.setdefault(number, ([], []))
                places.append(place)
                times.append(count)
        return {number: (np.array(places), np.array(times)) for number, (places, times) in lists.items()}

    def _matches(
        self, one: _Asked, holders: dict[int, tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]], size: int
    ) -> npt.NDArray[np.float64]:
        """Clipped matches of each order with each text."""
        found = np.zeros((ORDER, size))
        for row, grams in zip(found, one.grams, strict=True):
            for number, count in grams:
                if number in holders:
                    places, times = holders[number]
                    row[places] += np.minimum(times, count)
        return found

    def _of(self, key: int, tokens: list[str]) -> _Asked:
        grams = [
            [(self._numbers.setdefault(gram, len(self._numbers)), count) for gram, count in counts.items()]
            for counts in (Counter(_grams(tokens, order)) for order in range(1, ORDER + 1))
        ]
        return _Asked(key, len(tokens), grams)


def _tokens(text: str) -> list[str]:
    return bleu_tokens(text)[:MOST_TOKENS]


def _bleu(one: _Asked, matches: npt.NDArray[np.float64], lengths: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """BLEU with each text. An order without a match counts as 1/2, 1/4 ... of one, as sacrebleu's `exp` smoothing."""
    orders = min(ORDER, one.length)
    smoothing, logs = np.ones(matches.shape[1]), np.zeros(matches.shape[1])
    for order in range(orders):
        total = one.length - order
        missing = matches[order] == 0
        smoothing[missing] *= 2
        logs += np.log(np.where(missing, 1 / smoothing, matches[order]) / total)
    brevity = np.minimum(0.0, 1 - lengths / one.length)
    scores: npt.NDArray[np.float64] = np.exp(logs / orders + brevity)
    scores[~matches.any(axis=0)] = 0.0
    return scores


def _grams(tokens: Sequence[str], order: int) -> Iterable[Gram]:
    return zip(*(tokens[start:] for start in range(order)), strict=False)
