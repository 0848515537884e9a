"""Starts a model's server as a child process and ends it. A crash in native code there becomes one sentence here."""

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from studio.engine.engines.model_limits import ModelLimits, deadline
from studio.engine.engines.processes import bare_environment, end, how_it_ended, last_line
from studio.engine.errors import BadInput, Failed

HEALTH_SECONDS = 30.0


@dataclass
class ModelProcess:
    """A running server. `base_url` ends in /v1."""

    name: str
    process: "subprocess.Popen[str]"
    log: TextIO
    limits: ModelLimits
    base_url: str = ""

    def why_gone(self) -> str | None:
        """One sentence when the process has ended, else None."""
        try:
            code = self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return None
        said = last_line(self.log)[:200]
        if refusal := self.limits.refusal(f"Running model '{self.name}'", said):
            return refusal.message
        words = f"The process that ran model '{self.name}' ended unexpectedly ({how_it_ended(code)})."
        return f"{words} It said: {said}" if said else f"{words} Start it again."


@contextmanager
def running(name: str, path: Path) -> Iterator[ModelProcess]:
    """The server of a Hugging Face folder or a GGUF file while the block lasts; errors call the model by `name`.

    Raises BadInput when it cannot be loaded, or not within its limits, Failed on a crash.
    """
    server = "torch_server" if path.is_dir() else "llama_server"
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"studio.engine.engines.{server}", str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8",
            env=bare_environment(),
        )  # fmt: skip
        served = ModelProcess(name, process, log, ModelLimits.for_model(path))
        served.limits.hold(process)
        try:
            served.base_url = _announced(served)
            _check_health(served)
            yield served
        finally:
            end(process)


def _announced(served: ModelProcess) -> str:
    assert served.process.stdout is not None
    doing, limits = f"Loading model '{served.name}'", served.limits
    with deadline(served.process, limits.seconds) as until:
        line = next((line for line in served.process.stdout if line.startswith(("http", '{"error"'))), "")
    if until.has_passed:
        raise limits.overdue(doing)
    if line.startswith("http"):
        return line.strip()
    said = str(json.loads(line)["error"]) if line else ""
    if refusal := limits.refusal(doing, f"{said} {last_line(served.log)}"):
        raise refusal
    if said:
        raise BadInput(said)
    raise Failed(served.why_gone() or f"The process that runs model '{served.name}' closed its output. Try again.")


def _check_health(served: ModelProcess) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{served.base_url}/models", timeout=HEALTH_SECONDS):
            return
    except OSError as exc:
        raise Failed(
            served.why_gone() or f"Model '{served.name}' started but does not answer ({exc}). Try again."
        ) from exc
