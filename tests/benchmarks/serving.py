"""The benchmarks' server in a process and on a core of its own, and what its log says."""

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene import GOOD, Scene, as_arguments
from sliding_minute import busiest_minute

SERVER = Path(__file__).with_name("server.py")
CLIENT_CORE, SERVER_CORE = 0, 1


@dataclass(frozen=True)
class Entry:
    """One request as the server saw it; times in seconds of the monotonic clock that all processes share."""

    row: int
    arrived: float
    kind: str
    answered: float | None


@dataclass(frozen=True)
class Served:
    """A server that runs. `base_url` ends in /v1."""

    base_url: str

    def count(self) -> dict[str, int]:
        """`requests` that came, and how many of them were `answered`."""
        return dict(self._get("count"))

    def log(self) -> list[Entry]:
        """Every request so far, in order of arrival."""
        return [Entry(*entry) for entry in self._get("log")]

    def forget(self) -> None:
        self._get("forget")

    def _get(self, page: str) -> Any:
        with urllib.request.urlopen(f"{self.base_url.removesuffix('/v1')}/{page}", timeout=60) as reply:
            return json.load(reply)


@contextmanager
def served(scene: Scene | None = None, core: int | None = SERVER_CORE, port: int = 0) -> Iterator[Served]:
    """A server for a scene, until the end of the block."""
    held = core if core is not None and core < (os.cpu_count() or 1) else -1
    command = [sys.executable, str(SERVER), "--core", str(held), "--port", str(port), *as_arguments(scene or Scene())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Served(process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def pinned(command: list[str], core: int | None = CLIENT_CORE) -> list[str]:
    """The command held to one core, where there is `taskset` and more than one."""
    can = core is not None and sys.platform == "linux" and (os.cpu_count() or 1) > 1
    return ["taskset", "-c", str(core), *command] if can else command


def answers_by_row(log: list[Entry]) -> Counter[int]:
    """How many good answers the server sent for each row."""
    return Counter(entry.row for entry in log if entry.kind == GOOD and entry.answered is not None)


def busiest(log: list[Entry]) -> int:
    """The most requests that arrived within any sixty seconds."""
    return busiest_minute([entry.arrived for entry in log])
