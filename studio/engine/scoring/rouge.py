"""ROUGE-L: how long a sequence of words two texts share in the same order, as the `rouge-score` package counts it."""

from collections.abc import Sequence


def rouge_l(first: Sequence[object], second: Sequence[object]) -> float:
    """ROUGE-L F1 of two token sequences, 0 when one is empty."""
    positions: dict[object, int] = {}
    for place, token in enumerate(first):
        positions[token] = positions.get(token, 0) | (1 << place)
    return f_measure(common_length(positions, len(first), second), len(first), len(second))


def common_length(positions: dict[object, int], size: int, other: Sequence[object]) -> int:
    """Length of the longest common subsequence, a whole row of the table at a time as the bits of one integer.

    Hyyrö 2004; `positions` has the places of each token in the sequence of `size` tokens.
    """
    row = full = (1 << size) - 1
    for token in other:
        matches = row & positions.get(token, 0)
        if matches:
            row = ((row + matches) | (row - matches)) & full
    return size - row.bit_count()


def f_measure(common: int, first: int, second: int) -> float:
    if not common:
        return 0.0
    precision, recall = common / first, common / second
    return 2 * precision * recall / (precision + recall)
