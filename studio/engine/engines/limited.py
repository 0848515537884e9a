"""Reads what strangers wrote (Arrow, Parquet, GGUF, weights, tokenizers, templates) in a child process that has limits.

    with LimitedChild("package.module:function", [path], what=f"The file {path}") as child:
        for value in child.values(): ...

The child may use so much memory, processor time and silence and write so much, and is ended with its group beyond that.
Whatever happens to it is one sentence here. It answers in JSON, since a pickle of a captured child could run code.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from studio.engine.engines.frames import decoded
from studio.engine.engines.processes import environment
from studio.engine.errors import BadInput, Failed

CHILD = "studio.engine.engines.limited_child"
MB = 1024 * 1024
LONGEST_FRAME = 64 * MB
"""Bytes of one value that a child may say."""
EACH_VALUE = 256
"""Bytes that a value counts beside its text, so that a file of endless empty rows has an end too."""
FREE_OUTPUT = 256 * MB
MOST_INFLATED = 200
"""How many times the size of its file a child may say beyond the free part; text packs about ten times."""
OUT_OF_MEMORY = 86
"""The exit code by which a child says that its memory did not suffice."""
_FRUGAL = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
}
"""Libraries that reserve address space for every core would meet the limit of memory before the file does."""


@dataclass(frozen=True)
class Limits:
    """`memory` is in bytes of address space, `processor` in seconds of the child's whole life, `silence` in seconds
    without a value while one is waited for, `output` in bytes of all that is said, `written` in bytes of a file."""

    memory: int
    processor: int = 60
    silence: float = 60.0
    output: int = FREE_OUTPUT
    written: int = 16 * MB
    files: int = 256

    @classmethod
    def for_size(cls, size: int) -> Self:
        """What reading `size` bytes may take."""
        from studio.engine.settings import Settings  # Not needed in a child, which loads little.

        memory = Settings().parser_memory_mb * MB
        return cls(memory, processor=60 + size // (2 * MB), output=FREE_OUTPUT + MOST_INFLATED * size)


class LimitedChild:
    """One call of `module:function` in a child. `what` begins the sentences about it: a file, and where it is."""

    def __init__(
        self, entry: str, arguments: Sequence[Any], *, what: str, limits: Limits | None = None, online: bool = False
    ) -> None:
        self._what, self._limits = what, limits or Limits.for_size(0)
        self._said, self._deadline, self._overdue = 0, None, False  # type: tuple[int, float | None, bool]
        self._tag = os.urandom(8).hex()
        self._process = subprocess.Popen(
            [sys.executable, "-m", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=_environment(online), start_new_session=True,
        )  # fmt: skip
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name=f"limits of {entry}", daemon=True).start()
        arguments = [str(value) if isinstance(value, Path) else value for value in arguments]
        self._tell({"entry": entry, "arguments": arguments, "limits": asdict(self._limits), "tag": self._tag})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def values(self) -> Iterator[Any]:
        """Everything that the function yields. Raises BadInput or Failed as it did, and BadInput beyond a limit."""
        while True:
            frame = self._frame()
            if "end" in frame:
                return
            yield frame["value"]

    def value(self) -> Any:
        """The first thing that it yields."""
        return next(self.values(), None)

    def ask(self, question: Any) -> Any:
        """What the function that the entry returned says to a question, in the same child."""
        self._tell(question)
        return self.value()

    def close(self) -> None:
        """Ends the child with its group, and waits for it."""
        self._ended.set()
        self._kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()

    def _tell(self, value: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(value).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # It has ended, which is told when it is read from.

    def _frame(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        self._deadline = time.monotonic() + self._limits.silence
        line = self._process.stdout.readline(LONGEST_FRAME + 1)
        self._deadline = None
        if not line.endswith(b"\n"):
            raise self._too_much() if len(line) > LONGEST_FRAME else self._ending()
        self._said += len(line) + EACH_VALUE
        if self._said > self._limits.output:
            raise self._too_much()
        frame = decoded(line, self._tag)
        if not isinstance(frame, dict):
            raise self._ending()
        if "error" in frame:
            raise (BadInput if frame.get("bad_input") else Failed)(str(frame["error"]))
        return frame

    def _too_much(self) -> BadInput:
        self.close()
        return BadInput(
            f"{self._what} unpacks to far more than its size can hold (over {self._said // MB:,} MB). "
            "Check where it comes from; if it is meant so, split it into smaller files."
        )

    def _ending(self) -> BadInput:
        """Why a child ended before it said so, in a sentence."""
        code = self._process.wait() if self._overdue else self._code()
        self.close()
        if self._overdue or -code == getattr(signal, "SIGXCPU", 0):
            return BadInput(
                f"{self._what} took too long to read, as damaged or hostile files do. Check where it comes from, or "
                "get it anew."
            )
        memory = f"{self._limits.memory // MB:,} MB of memory"
        remedy = "Split it into smaller files, or allow more by UNDERSTUDY_PARSER_MEMORY_MB."
        if code == OUT_OF_MEMORY or -code == signal.SIGKILL:
            return BadInput(f"{self._what} needs more than {memory} to be read. {remedy}")
        if -code == signal.SIGABRT:
            return BadInput(f"{self._what} is damaged, or needs more than {memory} to be read. {remedy}")
        return BadInput(
            f"{self._what} is damaged: the process that read it ended ({_named(code)}). Get it anew and try again."
        )

    def _code(self) -> int:
        try:
            return self._process.wait(5)
        except subprocess.TimeoutExpired:
            return 0

    def _watch(self) -> None:
        """Ends a child that is silent for too long while somebody waits for it."""
        while not self._ended.wait(0.1):
            deadline = self._deadline
            if deadline is not None and time.monotonic() > deadline:
                self._overdue = True
                self._kill()
                return

    def _kill(self) -> None:
        if self._process.poll() is not None:
            return
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        except (ProcessLookupError, PermissionError):
            self._process.kill()


def read_in_child(entry: str, arguments: Sequence[Any], *, what: str, limits: Limits | None = None) -> Any:
    """The one value that `module:function` returns for these arguments. Raises what `LimitedChild` raises."""
    with LimitedChild(entry, arguments, what=what, limits=limits) as child:
        return child.value()


def has_limits() -> bool:
    """Whether this system can limit the memory and processor time of a child."""
    try:
        import resource
    except ImportError:
        return False
    return hasattr(resource, "prlimit") and sys.platform != "darwin"  # macOS takes the limit and does not keep it.


def _environment(online: bool) -> dict[str, str]:
    return environment(online) | _FRUGAL


def _named(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
