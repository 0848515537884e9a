"""Packing: the conversations of one step share rows of equal length, so that little of the work is padding.

Only the conversations of the same step are packed together. A step therefore trains on the same conversations, with
the same gradients, whether packing is on or not.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

GROWTH = 1.02
"""How finely row lengths are tried."""
MOST_GROWTH = 1.3


@dataclass(frozen=True)
class Packing:
    """`rows[i]` are the places (in the list of lengths) of the conversations in row i, each row `width` tokens long."""

    rows: list[list[int]]
    width: int


def unpacked(lengths: Sequence[int]) -> Packing:
    """A row for each conversation, as wide as the longest."""
    return Packing([[place] for place in range(len(lengths))], max(lengths))


def pack(lengths: Sequence[int], max_length: int, hidden_size: int) -> Packing:
    """The cheapest packing into rows of at most `max_length` (or of the longest conversation).

    Fewer, wider rows waste less on padding but more on attention, whose cost for a token grows with the row: it equals
    that of the layer's matrices at a width of about five times the hidden size.
    """
    total, longest = sum(lengths), max(lengths)
    best, best_cost = unpacked(lengths), math.inf
    for count in range(math.ceil(total / longest), 0, -1):
        packing = _into(lengths, count, max(longest, math.ceil(total / count)), max(max_length, longest))
        if packing is None:
            continue
        cost = len(packing.rows) * packing.width * (1 + packing.width / (5 * hidden_size))
        if cost < best_cost:
            best, best_cost = packing, cost
    return best


def best_fit(lengths: Sequence[int], width: int) -> list[list[int]]:
    """Longest first, each conversation into the fullest row that still has room for it."""
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (free tokens, row), sorted
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        at = bisect.bisect_left(room, (lengths[place], -1))
        if at == len(room):
            free, row = width, len(rows)
            rows.append([])
        else:
            free, row = room.pop(at)
        rows[row].append(place)
        bisect.insort(room, (free - lengths[place], row))
    return rows


def _into(lengths: Sequence[int], count: int, narrowest: int, widest: int) -> Packing | None:
    """The narrowest rows, about, of which `count` are enough."""
    width = narrowest
    while width <= min(widest, narrowest * MOST_GROWTH):
        rows = best_fit(lengths, width)
        if len(rows) <= count:
            return Packing(rows, max(sum(lengths[place] for place in row) for row in rows))
        width = max(width + 1, int(width * GROWTH))
    return None
