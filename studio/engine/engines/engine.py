"""What is asked of a running model and what it answers, and the inbox that an engine works through."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from studio.engine.domain.messages import Messages
from studio.engine.errors import BadInput


@dataclass(frozen=True)
class Ask:
    """One conversation to continue. `temperature` 0 takes the likeliest token each time."""

    messages: Messages
    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """What a model said. `tokens` are its own ids without the one it stopped on; `finish_reason` is stop or length."""

    text: str
    tokens: tuple[int, ...]
    input_tokens: int
    finish_reason: str

    @property
    def output_tokens(self) -> int:
        return len(self.tokens)


@dataclass
class Task:
    ask: Ask
    answer: "Future[Completion]" = field(default_factory=Future)


class Inbox:
    """Tasks waiting for an engine. Any thread may put; the engine's own thread takes."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._closed = threading.Event()

    def put(self, ask: Ask) -> "Future[Completion]":
        task = Task(ask)
        self._tasks.put(task)
        return task.answer

    def close(self) -> None:
        """No more will come: an engine returns once it has answered what is here."""
        self._closed.set()
        self._tasks.put(None)

    def take(self, limit: int, *, wait: bool) -> list[Task]:
        """Up to `limit` tasks; with `wait` at least one unless the inbox is closed and empty."""
        found: list[Task] = []
        while len(found) < limit:
            try:
                task = self._tasks.get(block=wait and not found and not self._closed.is_set())
            except queue.Empty:
                break
            if task is not None and task.answer.set_running_or_notify_cancel():
                found.append(task)
        return found


class Engine(Protocol):
    """A loaded model. `serve` answers an inbox until it is closed and empty."""

    name: str

    def serve(self, inbox: Inbox) -> None: ...

    def tokens_of(self, messages: Messages) -> list[int]:
        """The ids of the rendered conversation, up to where the model's answer begins."""
        ...


def checked_prompt(tokens: Sequence[int], context: int) -> list[int]:
    """The prompt's ids, when they leave room for an answer. Raises BadInput."""
    if not tokens:
        raise BadInput("The model's chat template made nothing of these messages. Send a user message with some text.")
    if len(tokens) >= context:
        raise BadInput(
            f"The messages are {len(tokens):,} tokens long and the model takes {context:,}, answer included. "
            "Shorten them."
        )
    return list(tokens)
