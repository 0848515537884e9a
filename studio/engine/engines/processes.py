"""Child processes that work on a model: a bare environment, an end that follows the parent's, crashes told in words."""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TextIO

from studio.engine.engines.model_limits import ModelLimits, deadline
from studio.engine.errors import BadInput, Failed, Stopped, StudioError

_KEPT = (
    "PATH", "HOME", "USER", "LOGNAME", "TMP", "TEMP", "LANG", "LC_", "TZ", "XDG_", "LD_", "DYLD_", "SYSTEMROOT",
    "WINDIR",
    "COMSPEC", "PROGRAM", "APPDATA", "LOCALAPPDATA", "NUMBER_OF_PROCESSORS", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV",
    "PYTHONDONTWRITEBYTECODE", "CUDA", "NVIDIA", "HIP", "ROCR", "GGML", "OMP", "MKL", "OPENBLAS",
)  # fmt: skip
"""Beginnings of the variables that a child may see. Keys and tokens are none of its business."""
SMALL = 50_000_000
"""Parameters up to which one thread is best."""
HUB_VARIABLES = ("HF_", "HUGGINGFACE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT", "REQUESTS_CA")
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}


def bare_environment() -> dict[str, str]:
    """What a process that only reads a model needs of this one: no keys, and Hugging Face told to stay offline."""
    return {key: value for key, value in os.environ.items() if key.upper().startswith(_KEPT)} | _QUIET


def environment(online: bool) -> dict[str, str]:
    """The same; one that may ask the hub also sees how it is reached, and the token for it."""
    kept = bare_environment()
    if online:
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            kept.pop(name, None)
        kept |= {key: value for key, value in os.environ.items() if key.upper().startswith(HUB_VARIABLES)}
    return kept


def threads_for(parameters: int) -> int:
    """Threads for a model of that size: passing a small one's work between threads costs more than the work."""
    return 1 if parameters <= SMALL else os.cpu_count() or 1


def die_with_parent() -> None:
    """Ends this process when its parent has ended, however that was.

    The parent holds the other end of standard input and writes nothing. These children have nothing to put in order,
    and native code in another thread must not delay their end.
    """

    def watch() -> None:
        # Read without Python's buffer, whose lock this thread would still hold when the interpreter shuts down.
        while os.read(0, 1024):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def leave(code: int) -> NoReturn:
    """Ends this process in order, and clears away nothing that it has loaded: that takes a third of a second in any
    process of the studio, and more than one where torch is loaded."""
    threading._shutdown()  # type: ignore[attr-defined]  # As Python does first: other threads come to their end.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # Nobody reads it any more.
            stream.flush()
    os._exit(code)


def run_child(
    module: str,
    arguments: Sequence[object],
    *,
    doing: str,
    limits: ModelLimits,
    should_stop: Callable[[], bool] | None = None,
    online: bool = False,
) -> dict[str, Any]:
    """Runs `python -m module` and returns the JSON object it prints last.

    `doing` names the work in errors. Raises BadInput or Failed as the child reported, BadInput beyond its limits,
    Failed when it crashed, Stopped when it was asked to stop.
    """
    _check(doing, should_stop)
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
    ):
        command = [sys.executable, "-m", module, *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=log, env=environment(online))
        limits.hold(process)
        try:
            with deadline(process, limits.seconds) as until:
                _wait(process, doing, should_stop)
        finally:
            end(process)
        if until.has_passed:
            raise limits.overdue(doing)
        said, last = last_line(out), last_line(log)
        try:
            return _result(process.returncode, said, last, doing)
        except StudioError as exc:
            raise limits.refusal(doing, f"{exc.message} {last}") or exc from None


def report_to_parent(result: dict[str, Any]) -> None:
    """Prints a child's result as its last line."""
    sys.stdout.write("\n" + json.dumps(result) + "\n")
    sys.stdout.flush()


def end(process: "subprocess.Popen[Any]") -> None:
    """Closing its input tells the child to go; it is killed if it stays."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_line(file: TextIO) -> str:
    file.seek(0)
    lines = [line.strip() for line in file.read().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def how_it_ended(code: int) -> str:
    """An exit code or signal in words, with what it most likely means."""
    if code >= 0:
        return f"exit code {code}"
    if -code == 9:
        return "SIGKILL, most likely for want of memory: close other programs or choose a smaller model"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if -code == getattr(signal, "SIGILL", None):
        return f"{name}: llama-cpp-python was built for another processor. Build it for any: {_rebuild()}"
    return f"{name} in native code: the file may be damaged or of a kind this version cannot run"


def _wait(process: "subprocess.Popen[Any]", doing: str, should_stop: Callable[[], bool] | None) -> None:
    while True:
        try:
            process.wait(0.25)
            return
        except subprocess.TimeoutExpired:
            _check(doing, should_stop)


def _check(doing: str, should_stop: Callable[[], bool] | None) -> None:
    if should_stop is not None and should_stop():
        raise Stopped(f"{doing} was stopped. Nothing half done is left behind.")


def _result(code: int, said: str, last: str, doing: str) -> dict[str, Any]:
    try:
        result = json.loads(said)
    except ValueError:
        result = None
    if isinstance(result, dict) and "error" in result:
        raise (BadInput if result.get("bad_input") else Failed)(str(result["error"]))
    if code == 0 and isinstance(result, dict):
        return result
    raise Failed(f"{doing} failed ({how_it_ended(code)}).{' It said: ' + last[:300] if last else ''}")


def _rebuild() -> str:
    import importlib.metadata  # Not needed in a child that parses, which starts sooner without it.

    version = importlib.metadata.version("llama-cpp-python")
    options = "--force-reinstall --no-deps --no-cache-dir"
    return f"CMAKE_ARGS=-DGGML_NATIVE=OFF pip install {options} llama-cpp-python=={version}"
