"""Starts a model's server as a child process and ends it. A crash in native code there becomes one sentence here."""

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from studio.engine.errors import BadInput, Failed
from studio.engine.models.processes import bare_environment, end, how_it_ended, last_line
from studio.engine.models.source import ModelRef

HEALTH_SECONDS = 30.0


@dataclass
class ModelProcess:
    """A running server. `base_url` ends in /v1."""

    name: str
    process: "subprocess.Popen[str]"
    log: TextIO
    base_url: str = ""

    def why_gone(self) -> str | None:
        """One sentence when the process has ended, else None."""
        try:
            code = self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return None
        said = last_line(self.log)[:200]
        words = f"The process that ran model '{self.name}' ended unexpectedly ({how_it_ended(code)})."
        return f"{words} It said: {said}" if said else f"{words} Start it again."


@contextmanager
def running(model: ModelRef) -> Iterator[ModelProcess]:
    """The model's server while the block lasts. Raises BadInput when it cannot be loaded, Failed on a crash."""
    room, path = ("llama_server", model.gguf_path) if model.gguf_path else ("torch_server", model.path)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"studio.engine.inference.{room}", str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8",
            env=bare_environment(),
        )  # fmt: skip
        served = ModelProcess(model.name, process, log)
        try:
            served.base_url = _announced(served)
            _check_health(served)
            yield served
        finally:
            end(process)


def _announced(served: ModelProcess) -> str:
    assert served.process.stdout is not None
    for line in served.process.stdout:
        if line.startswith("http"):
            return line.strip()
        if line.startswith('{"error"'):
            raise BadInput(str(json.loads(line)["error"]))
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
