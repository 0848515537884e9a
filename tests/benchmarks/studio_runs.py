"""Runs of `understudy` as a user would start them: a workspace with prompts, a teacher, and `collect` on one core."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from peers.asking import question
from serving import CLIENT_CORE, pinned

RUN = "bench"
TEACHER = "bench-teacher"


@dataclass
class Workspace:
    """A workspace of the benchmark's own."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    core: int | None = CLIENT_CORE
    """The core that `collect` is held to."""

    def add_prompts(self, count: int, name: str = "rows", start: int = 0) -> None:
        file = self.folder / f"{name}.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            for row in range(start, start + count):
                lines.write(json.dumps({"prompt": question(row)}) + "\n")
        report = self.command("prompts", "import", file, "--name", name)
        assert report["imported"] == count, report
        file.unlink()

    def add_teacher(self, base_url: str, **options: object) -> None:
        """`options` as the command takes them: concurrency, timeout, rpm, tpm ..."""
        given = [part for key, value in options.items() for part in (f"--{key.replace('_', '-')}", value)]
        self.command("teachers", "add", TEACHER, "--base-url", base_url, "--model", "bench-model", *given)

    def command(self, *arguments: object) -> dict[str, Any]:
        """A command's JSON report. A failure is shown as it was."""
        done = subprocess.run(
            self._line(*arguments), capture_output=True, text=True, env=self._environment(), cwd=self.folder
        )
        if done.returncode:
            raise RuntimeError(f"understudy {' '.join(map(str, arguments))}: {done.stderr[-2000:]}")
        return dict(json.loads(done.stdout))

    def start(self, *arguments: object) -> "Collecting":
        """Starts `understudy collect` with these arguments, in a session of its own, held to the client's core."""
        began = time.monotonic()
        out, err = self.folder / "collect.out", self.folder / "collect.err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            line = pinned(self._line("collect", *arguments), self.core)
            process = subprocess.Popen(
                line, stdout=stdout, stderr=stderr, start_new_session=True, env=self._environment(), cwd=self.folder
            )
        return Collecting(process, began, out, err)

    def collect(self, *, prompts: str = "rows", run: str = RUN, teacher: str = TEACHER) -> "Collecting":
        return self.start("--teacher", teacher, "--prompts", prompts, "--name", run)

    def resume(self, run: str = RUN) -> "Collecting":
        return self.start("--resume", run)

    @property
    def database(self) -> Path:
        return self.folder / "home" / "understudy.db"

    def _line(self, *arguments: object) -> list[str]:
        home = str(self.folder / "home")
        return [sys.executable, "-m", "studio", "--workspace", home, *map(str, arguments), "--json"]

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("UNDERSTUDY_", _UNCOMPILED))}
        return {**kept, **self.environment}


_UNCOMPILED = "PYTHONDONTWRITEBYTECODE"
"""Set in some containers; with it every process compiles the studio anew, which no person's does."""


@dataclass
class Collecting:
    """A `collect` that was started, with the processes it starts."""

    process: subprocess.Popen[bytes]
    began: float
    out: Path
    err: Path

    def report(self, timeout: float = 3600) -> dict[str, Any]:
        """Its JSON report once it has ended, with `wall_seconds` and `exit_code` beside it."""
        code = self.process.wait(timeout)
        wall = time.monotonic() - self.began
        text = self.out.read_text("utf-8")
        if not text.strip():
            raise RuntimeError(f"collect ended with {code} and no report: {self.err.read_text('utf-8')[-2000:]}")
        return {**json.loads(text), "wall_seconds": round(wall, 3), "exit_code": code}

    def interrupt(self) -> None:
        """Asks it to stop in good order, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def kill(self) -> None:
        """SIGKILL to every process of it, the children first, as when a machine runs out of memory."""
        family = self.family()
        for member in reversed(family):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        self.process.wait(30)
        psutil.wait_procs(family, timeout=30)


@contextmanager
def workspace(**environment: str) -> Iterator[Workspace]:
    """A workspace on disk until the end of the block; `BENCH_FOLDER` names another place than the usual for files."""
    folder = Path(tempfile.mkdtemp(prefix="understudy-bench-", dir=os.environ.get("BENCH_FOLDER")))
    try:
        yield Workspace(folder, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
