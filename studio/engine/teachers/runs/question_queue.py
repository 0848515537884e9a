"""What to ask next: questions whose time to be repeated has come, then new ones, read a page at a time."""

import heapq
from collections import deque
from collections.abc import Awaitable, Callable

from studio.engine.teachers.runs.requests import Page, Question

PAGE = 200
"""Items read at a time: what bounds a collector's memory, beside its concurrency."""
LOOK_AGAIN = (1.0, 30.0)
"""Seconds before items that another run has in flight are looked at again: at first, and at most, since a batch of
another run may take a day."""


class QuestionQueue:
    """Repeats and new questions in one stream; `read` turns (position, limit, in hand) into a page."""

    def __init__(self, read: Callable[[int, int, set[int]], Awaitable[Page]]) -> None:
        self._read = read
        self._fresh: deque[Question] = deque()
        self._repeats: list[tuple[float, int, Question]] = []
        self._after = -1
        self._ended = False
        self._deferred = 0
        self._look_again_at = 0.0
        self._look_again = LOOK_AGAIN[0]
        self.in_hand: dict[int, Question] = {}
        """Taken and not settled, by request."""

    async def next(self, now: float, most_repeats: int) -> Question | None:
        """A question to ask now, or None when there is none at this moment. No new one is begun while so many wait to
        be repeated that memory would grow with them."""
        if self._repeats and self._repeats[0][0] <= now:
            return heapq.heappop(self._repeats)[2]
        if len(self._repeats) >= most_repeats:
            return None
        while not self._fresh and self._may_read(now):
            await self._turn_page(now)
        return self._fresh.popleft() if self._fresh else None

    def repeat(self, question: Question, at: float) -> None:
        """Puts a question back, to be asked again at a time of the same clock as `next`."""
        heapq.heappush(self._repeats, (at, question.item_id, question))

    def settle(self, question: Question) -> None:
        self.in_hand.pop(question.request_id, None)

    def wait(self, now: float) -> float | None:
        """Seconds until there may be something again; None when only questions under way can bring anything."""
        times = [self._repeats[0][0]] if self._repeats else []
        if self._ended and self._deferred:
            times.append(self._look_again_at)
        return max(0.0, min(times) - now) if times else None

    @property
    def has_fresh(self) -> bool:
        """Whether there may be questions that were never asked."""
        return bool(self._fresh) or not self._ended

    @property
    def waits_for_others(self) -> bool:
        """Whether all that is left is being asked by other runs."""
        return self._ended and self._deferred > 0 and not (self.in_hand or self._fresh or self._repeats)

    @property
    def is_over(self) -> bool:
        return self._ended and not (self.in_hand or self._fresh or self._repeats or self._deferred)

    def _may_read(self, now: float) -> bool:
        if self._ended and self._deferred and now >= self._look_again_at:
            self._ended, self._after, self._deferred = False, -1, 0
        return not self._ended

    async def _turn_page(self, now: float) -> None:
        page = await self._read(self._after, PAGE, set(self.in_hand))
        self._deferred += page.deferred
        if page.last is None:
            self._ended, self._look_again_at = True, now + self._look_again
            self._look_again = min(2 * self._look_again, LOOK_AGAIN[1])
            return
        self._after = page.last
        if page.to_ask or page.answered:
            self._look_again = LOOK_AGAIN[0]
        self._fresh.extend(page.to_ask)
        self.in_hand |= {question.request_id: question for question in page.to_ask}
