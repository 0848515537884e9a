"""A claim on a row that one process at a time may write about: who holds it, until when, and in which epoch.

Any table with the columns `holder`, `held_until` and `epoch` can be leased. Each claim counts the epoch up, and every
write of its holder checks it, so that a laptop that wakes up cannot fight the process that took its work over.
"""

import os
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_

LEASE_SECONDS = 30.0
"""How long a holder that gives no sign of life keeps its claim, unless its process is known to be gone."""


def _host() -> str:
    """The name of this machine and a number that is its own, for machines may share a name; where this process has a
    namespace of its own, that and the kernel's boot, for a process number says nothing outside its namespace."""
    space = _first_line("/proc/self/ns/pid", link=True)
    if space and space != _FIRST_SPACE:
        number = f"{_first_line('/proc/sys/kernel/random/boot_id')[:8]}/{space.strip('pid:[]')}"
    else:
        number = _first_line("/etc/machine-id") or _first_line("/var/lib/dbus/machine-id") or _card()
    return f"{socket.gethostname()}~{number[:24]}"


def _first_line(path: str, *, link: bool = False) -> str:
    """What a file of the system says, or what a link of it names; empty where there is none."""
    try:
        return str(Path(path).readlink()) if link else Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _card() -> str:
    """The number of a network card; nothing where it would be a made-up one, another in each process."""
    number = uuid.getnode()
    return "" if number >> 40 & 1 else f"{number:012x}"


_FIRST_SPACE = "pid:[4026531836]"
HOST = _host()
"""How this machine is called in the names of holders; there is no colon in it."""


class LeaseColumns(Protocol):
    """What says who has a row, and until when, in seconds since 1970."""

    @property
    def holder(self) -> str | None: ...

    @property
    def held_until(self) -> float | None: ...


class Leased(LeaseColumns, Protocol):
    """A row that can be claimed."""

    epoch: int


@dataclass(frozen=True)
class LeaseValues:
    """The lease of a row that keeps it elsewhere than in columns of these names."""

    holder: str | None
    held_until: float | None


@dataclass(frozen=True)
class Claim:
    """What a holder knows of its claim on the row of that id."""

    row_id: int
    epoch: int
    holder: str

    @classmethod
    def next(cls, row_id: int, row: Leased) -> "Claim":
        """The claim that this process would have on a row as it was read; `taking` makes it so."""
        return cls(row_id, row.epoch + 1, holder_name())

    def values(self, seconds: float = LEASE_SECONDS) -> dict[str, Any]:
        """The columns of a row that is claimed."""
        return {"holder": self.holder, "epoch": self.epoch, "held_until": time.time() + seconds}

    def taking(self, columns: Any) -> ColumnElement[bool]:
        """The condition of the UPDATE that claims the row, if nobody has claimed it since it was read."""
        return and_(columns.id == self.row_id, columns.epoch == self.epoch - 1)

    def holding(self, columns: Any) -> ColumnElement[bool]:
        """The condition of every UPDATE of the holder: it finds no row once another process has claimed it."""
        return and_(columns.id == self.row_id, columns.epoch == self.epoch, columns.holder == self.holder)


FREED: dict[str, Any] = {"holder": None, "held_until": None}
"""The columns of a row that was given up."""


def holder_name(pid: int | None = None) -> str:
    """A name for whoever writes now: machine, process, and a number of its own."""
    return f"{HOST}:{pid or os.getpid()}:{uuid.uuid4().hex[:8]}"


def is_held(row: LeaseColumns) -> bool:
    """Whether somebody who is alive, as far as can be told, has the row: its time is not over, and its holder is no
    process of this machine that has ended."""
    return row.holder is not None and (row.held_until or 0) > time.time() and not has_ended(row.holder)


def has_ended(holder: str) -> bool:
    """Whether a holder was a process of this machine that has ended. When in doubt it was not: the number of a process
    may be in use again."""
    host, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    if host != HOST or not pid.isdigit() or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
