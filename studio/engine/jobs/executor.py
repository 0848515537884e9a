"""Where a claimed job's process runs. `LocalExecutor` starts a child process on this machine."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from studio.engine.engines import ModelLimits
from studio.engine.errors import Failed
from studio.engine.jobs.logs import last_lines, log_path
from studio.engine.jobs.queue import LEASE, ClaimedJob
from studio.engine.settings import Settings


class Running(Protocol):
    """A job's process, wherever it is."""

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""

    def put_down(self) -> None:
        """Asks it to end early and leave the job to be continued."""

    def kill(self) -> None:
        """Ends it at once."""

    def last_words(self) -> str:
        """How its process ended, for a job that did not say it itself."""


class Executor(Protocol):
    """Starts the process of a job that was claimed."""

    def start(self, claim: ClaimedJob, *, lease: float = LEASE, follow_parent: bool = False) -> Running:
        """With `follow_parent` the process stops when the one that called this is gone."""


class LocalExecutor:
    """Child processes of this machine, one log file per job. `program` is the module that runs a job by its number."""

    def __init__(self, settings: Settings, program: str) -> None:
        self._settings = settings
        self._program = program

    def start(self, claim: ClaimedJob, *, lease: float = LEASE, follow_parent: bool = False) -> "LocalProcess":
        assert claim.job.id is not None
        log = log_path(self._settings, claim.job.id)
        command = [sys.executable, "-m", self._program, str(claim.job.id), "--epoch", str(claim.epoch)]
        command += ["--lease", str(lease)] + (["--parent", str(os.getpid())] if follow_parent else [])
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as file:
                file.write(_headline(claim).encode())
                file.flush()
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env=_environment(self._settings),
                    start_new_session=True,  # Ctrl-C in the terminal asks the job to stop; it must not break it off.
                )
        except OSError as exc:
            raise Failed(f"Job {claim.job.id} could not be started ({exc.strerror}). Its log would be {log}.") from exc
        ModelLimits.of_machine().hold(process)
        return LocalProcess(process, log)


class LocalProcess:
    """A child process of this machine."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def poll(self) -> int | None:
        return self._process.poll()

    def put_down(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def last_words(self) -> str:
        code = self._process.wait()
        if code < 0:
            name = signal.Signals(-code).name if -code in {*signal.Signals} else f"signal {-code}"
            if -code == getattr(signal, "SIGKILL", 9):
                return f"Its process was ended by {name}, often because memory ran out."
            return f"Its process was ended by {name}."
        line = last_lines(self._log, 1).strip()
        return f"Its process ended with exit code {code}" + (f": {line[:300]}" if line else ".")


def _headline(claim: ClaimedJob) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"--- {now}: {claim.job.title} (job {claim.job.id}, start {claim.job.tries})\n"


def _environment(settings: Settings) -> dict[str, str]:
    """The parent's environment, with the settings it was given rather than those it would read."""
    given = {f"UNDERSTUDY_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
    return {**os.environ, **given, "PYTHONUNBUFFERED": "1"}
