"""The process of a `LimitedChild`: takes a call from standard input, limits itself, and says what came of it.

`python -m studio.engine.engines.limited_child` reads one line of JSON (entry, arguments, limits, tag). Where the entry
is a generator its values are said; where it returns a function, every further line is a question for that.
"""

import contextlib
import inspect
import json
import os
import sys
import time
from importlib import import_module
from typing import IO, Any

from studio.engine.engines.frames import encoded
from studio.engine.engines.limited import OUT_OF_MEMORY
from studio.engine.engines.processes import die_with_parent
from studio.engine.errors import BadInput, StudioError

FLUSHED_EVERY = 0.2
"""Seconds after which what was said so far goes out."""


class _FrameWriter:
    """Standard output, kept for frames: what libraries print goes nowhere."""

    def __init__(self, tag: str) -> None:
        self._file: IO[bytes] = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
        os.dup2(2, 1)
        self._tag, self._flushed = tag, time.monotonic()

    def say(self, **frame: Any) -> None:
        self._file.write(encoded(frame, self._tag))
        if time.monotonic() - self._flushed > FLUSHED_EVERY:
            self.flush()

    def flush(self) -> None:
        self._file.flush()
        self._flushed = time.monotonic()


def main() -> None:
    call = json.loads(sys.stdin.buffer.readline())
    writer = _FrameWriter(call["tag"])
    module, _, name = call["entry"].partition(":")
    function = getattr(import_module(module), name)
    limit(call["limits"])
    try:
        _work(function, call["arguments"], writer)
        writer.flush()
    except StudioError as exc:
        if is_memory(exc):
            os._exit(OUT_OF_MEMORY)
        writer.say(error=exc.message, bad_input=isinstance(exc, BadInput))
        writer.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BaseException as exc:
        os._exit(OUT_OF_MEMORY if is_memory(exc) else 1)
    os._exit(0)


def limit(limits: dict[str, Any]) -> None:
    """Takes from this process what it may not use; does nothing where the system has no such limits."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_AS": limits["memory"],
        "RLIMIT_CPU": limits["processor"],
        "RLIMIT_FSIZE": limits["written"],
        "RLIMIT_NOFILE": limits["files"],
        "RLIMIT_CORE": 0,
    }
    for name, most in wanted.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # Beyond the first limit of time there is a signal that says why, which the second one's does not.
        last = most + 2 if name == "RLIMIT_CPU" and hard == resource.RLIM_INFINITY else most
        with contextlib.suppress(ValueError, OSError):  # `doctor` says which systems have no limits.
            resource.setrlimit(kind, (most, last))


def is_memory(exc: BaseException) -> bool:
    """Whether an error, whatever a library made of it, began with a want of memory."""
    seen: set[int] = set()
    cause: BaseException | None = exc
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, MemoryError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _work(function: Any, arguments: list[Any], writer: _FrameWriter) -> None:
    made = function(*arguments)
    if callable(made):
        for line in sys.stdin.buffer:
            writer.say(value=made(json.loads(line)))
            writer.flush()
        return
    die_with_parent()
    if not inspect.isgenerator(made):
        writer.say(value=made)
        return
    for value in made:
        writer.say(value=value)
    writer.say(end=True)


if __name__ == "__main__":
    main()
