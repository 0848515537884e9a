"""How much may be under way: cut back when many answers are refusals for lack of room, not for a stray one."""

from collections import deque

LOOKED_AT = 20
"""Outcomes that are needed before the concurrency is cut; more at a higher concurrency."""
MANY = 0.3
"""Share of refusals from which the teacher is taken to be overrun."""
IN_A_ROW = 3
"""Refusals with no answer between them after which everything waits; one is enough before the first answer."""


class Throttle:
    """Halves what is allowed when a good part of the last outcomes were pushed back (HTTP 429 or 503), and lets it grow
    by about one for each round of answers, as TCP does."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._outcomes: deque[float | None] = deque(maxlen=max(LOOKED_AT, most))
        self._in_a_row = 0
        self._has_answered = False

    @property
    def allowed(self) -> int:
        return max(1, int(self._allowed))

    def answered(self) -> None:
        self._outcomes.append(None)
        self._in_a_row = 0
        self._has_answered = True
        self._allowed = min(float(self._most), self._allowed + 1.0 / self._allowed)

    def pushed_back(self, wait: float, under_way: int) -> float | None:
        """Counts a refusal that is to be repeated after `wait` seconds. Returns how long everything should hold back,
        the longest such wait of late, or None when this was a stray one.

        A refusal comes back sooner than an answer, so those still under way count as answers to come.
        """
        self._outcomes.append(wait)
        self._in_a_row += 1
        waits = [outcome for outcome in self._outcomes if outcome is not None]
        if len(self._outcomes) >= LOOKED_AT and len(waits) >= MANY * (len(self._outcomes) + under_way):
            self._allowed = max(1.0, self._allowed / 2)
            self._outcomes.clear()
            return max(waits)
        enough = self._in_a_row >= MANY * (self._in_a_row + under_way)
        return wait if enough and (self._in_a_row >= IN_A_ROW or not self._has_answered) else None
