"""What a child that loads and runs a model may use: memory, time, and bytes of a file that it writes.

The limits follow from the model's size and the machine, with room, and are set from outside, so that nothing in the
child leaves them out. Memory is what it asks for itself (RLIMIT_DATA): files that are mapped, as weights are, do not
count. A driver of a GPU reserves more addresses than any machine has memory, so beside one only time is limited.
"""

import contextlib
import math
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from studio.engine.engines.machine import has_gpu, memory_bytes
from studio.engine.errors import BadInput

if TYPE_CHECKING:
    import subprocess

MB, GB = 1 << 20, 1 << 30
COPIES = 4
"""How often the weights may be in memory at once: as they are, in 32 bits (twice, of 16), and on their way."""
ROOM = 4 * GB
"""Bytes beside them at least, for libraries and what answers take; half the machine where that is more."""
GROWTH = 5
"""How many times the model's size a file made of it may have: 32 bits of 8, and a little."""
LEAST_SECONDS = 600.0
BYTES_A_SECOND = 1 * MB
"""The slowest that a model may be worked through; two cores quantize ten times as fast."""
_SIGNS = ("memoryerror", "allocate memory", "bad_alloc", "unable to allocate", "memory allocation of",
          "failed to allocate", "not enough memory", "can't start new thread")  # fmt: skip
"""How Python, numpy, torch, llama.cpp and Rust say that they were refused memory."""


@dataclass(frozen=True)
class ModelLimits:
    """`memory` in bytes, None where it has no limit; `seconds` until it is ready or done; `written` in bytes of a file,
    None where what it writes does not follow from one model."""

    memory: int | None
    seconds: float
    written: int | None

    @classmethod
    def for_model(cls, path: Path) -> Self:
        """What work on a model in a folder or a file may take."""
        return cls.for_size(bytes_in(path))

    @classmethod
    def for_size(cls, size: int) -> Self:
        from studio.engine.settings import Settings

        given, machine = Settings().model_memory_mb * MB, memory_bytes()
        fitting = min(machine, COPIES * size + max(ROOM, machine // 2))
        return cls(
            memory=given or (None if has_gpu() else fitting),
            seconds=LEAST_SECONDS + size / BYTES_A_SECOND,
            written=GROWTH * size + GB,
        )

    @classmethod
    def of_machine(cls) -> Self:
        """What a job may take that may open any model: the memory that there is, and as long as nobody stops it."""
        return cls(memory=None if has_gpu() else memory_bytes(), seconds=math.inf, written=None)

    def hold(self, process: "subprocess.Popen[Any]") -> None:
        """Sets the limits of a child that has just begun; does nothing where the system has none (see `doctor`)."""
        try:
            import resource
        except ImportError:
            return
        if not hasattr(resource, "prlimit"):
            return
        wanted = {resource.RLIMIT_DATA: self.memory, resource.RLIMIT_FSIZE: self.written, resource.RLIMIT_CORE: 0}
        for kind, most in wanted.items():
            if most is None:
                continue
            with contextlib.suppress(OSError, ValueError):  # It has ended already, or its limits are lower.
                hard = resource.prlimit(process.pid, kind)[1]
                least = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(process.pid, kind, (least, least))

    def refusal(self, doing: str, said: str) -> BadInput | None:
        """The sentence for work that was refused memory, as its last words tell; None for another end."""
        if self.memory is None or not any(sign in said.lower() for sign in _SIGNS):
            return None
        return BadInput(
            f"{doing} needs more than {self.memory // MB:,} MB of memory. Choose a smaller model, or allow more by "
            "UNDERSTUDY_MODEL_MEMORY_MB."
        )

    def overdue(self, doing: str) -> BadInput:
        return BadInput(
            f"{doing} took longer than {max(1, round(self.seconds / 60)):,} min and was ended. If the model may be "
            "damaged, get it anew; else close other programs and try again."
        )


class Deadline:
    """Ends a child that is not ready in time."""

    def __init__(self, process: "subprocess.Popen[Any]", seconds: float) -> None:
        self.has_passed = False
        self._process = process
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def _pass(self) -> None:
        self.has_passed = True
        self._process.kill()

    def lift(self) -> None:
        self._timer.cancel()


@contextlib.contextmanager
def deadline(process: "subprocess.Popen[Any]", seconds: float) -> Iterator[Deadline]:
    """Within the block the child is ended when it takes longer; afterwards it may run on."""
    one = Deadline(process, seconds)
    try:
        yield one
    finally:
        one.lift()


def bytes_in(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 for what is not here."""
    if path.is_dir():
        return sum(bytes_in(Path(folder) / name) for folder, _, names in os.walk(path) for name in names)
    try:
        return path.stat().st_size
    except OSError:
        return 0
