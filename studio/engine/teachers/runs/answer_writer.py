"""Puts what was received into the store at once, several answers in one transaction when they arrive together.

Whoever hands in an answer waits until it is committed, so a question is under way until its answer is safe. While one
commit runs, the answers that arrive wait for the next, so that under load a commit is shared.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import ParamSpec, TypeVar

from studio.engine.errors import Failed, Lost
from studio.engine.teachers.runs.kept_answers import Kept

P = ParamSpec("P")
T = TypeVar("T")

MOST = 256
"""Answers in one transaction."""
FULL_DISK_SECONDS = 180.0
"""How long answers that cannot be written are held in memory and tried again: several times what one write waits for a
database that another process has locked."""
AGAIN = 0.5
TOGETHER = 0.001
"""Seconds in which answers that arrive together find each other: a commit costs as much for fifty as for one."""


class AnswerWriter:
    """The one thread that writes for a collector. `write` runs any function there; `keep` shares transactions."""

    def __init__(self, commit: Callable[[Sequence[Kept]], None]) -> None:
        self._commit = commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answer writer")
        self._waiting: list[tuple[Kept, asyncio.Future[None]]] = []
        self._flush: asyncio.Task[None] | None = None

    async def write(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a write in the thread, so that a slow disk does not keep answers from being received."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def keep(self, kept: Kept) -> None:
        """Returns when the answer is committed; raises what kept it from being."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((kept, done))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._empty())
        await asyncio.shield(done)

    async def close(self) -> None:
        """After everything that was handed in has been written."""
        if self._flush is not None:
            await asyncio.gather(self._flush, return_exceptions=True)
        self._thread.shutdown()

    async def _empty(self) -> None:
        while self._waiting:
            await asyncio.sleep(TOGETHER)
            rows, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                await self._patiently([kept for kept, _ in rows])
            except Exception as exc:
                await self._one_by_one(rows, exc)
            else:
                for _, done in rows:
                    _settle(done, None)

    async def _patiently(self, rows: Sequence[Kept]) -> None:
        """A disk may be full for a moment only; answers are paid for, so they are not given up at once."""
        until = monotonic() + FULL_DISK_SECONDS
        while True:
            try:
                return await self.write(self._commit, rows)
            except Lost:
                raise
            except Failed:
                if monotonic() >= until:
                    raise
                await asyncio.sleep(AGAIN)

    async def _one_by_one(self, rows: list[tuple[Kept, asyncio.Future[None]]], trouble: Exception) -> None:
        """One row that the store refuses must not take the others with it."""
        for kept, done in rows:
            if len(rows) > 1 and not isinstance(trouble, Failed):
                try:
                    await self.write(self._commit, [kept])
                except Exception as exc:
                    _settle(done, exc)
                else:
                    _settle(done, None)
            else:
                _settle(done, trouble)


def _settle(done: "asyncio.Future[None]", trouble: Exception | None) -> None:
    if done.done():
        return
    if trouble is None:
        done.set_result(None)
    else:
        done.set_exception(trouble)
        done.exception()  # Whoever waited may be gone; the trouble is not lost with it, the next write meets it too.
