"""The log file of a job: where it is, and its last lines as a person would want to read them."""

import re
from pathlib import Path

from studio.engine.settings import Settings

_BYTES_PER_LINE = 400
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def log_path(settings: Settings, job_id: int) -> Path:
    return settings.logs / f"job-{int(job_id)}.log"


def last_lines(path: Path, count: int) -> str:
    """The last `count` lines, without terminal codes; of a bar that redraws itself only its last state."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = max(0, size - count * _BYTES_PER_LINE)
        file.seek(start)
        text = file.read().decode(errors="replace")
    lines = [_plain(line) for line in text.split("\n")]
    if start > 0:
        lines = lines[1:]  # The first one was cut somewhere in the middle.
    return "\n".join(lines[-count - 1 :]).strip("\n")


def _plain(line: str) -> str:
    return _CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2])
