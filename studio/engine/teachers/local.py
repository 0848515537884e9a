"""Teachers that live on this machine: `practice://` and `replay:///file.jsonl` become real servers while needed.

The address kept in the database names what answers, not a port, so a teacher's identity never depends on one.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from studio.engine.errors import BadInput, TeacherFault
from studio.engine.store.tables import Teacher

PRACTICE_URL = "practice://"
START_SECONDS = 60.0


def is_local(base_url: str) -> bool:
    return base_url.startswith((PRACTICE_URL, "replay://"))


def kind_of(teacher: Teacher) -> str:
    """`practice` or `replay` for an embedded teacher, `api` for one that is reached over HTTP."""
    return teacher.base_url.partition("://")[0] if is_local(teacher.base_url) else "api"


def replay_url(path: Path, mapping: dict[str, str] | None = None) -> str:
    """The address of a file of recorded answers: `replay:///abs/file.jsonl?prompt=COLUMN&response=COLUMN`."""
    query = f"?{urlencode(mapping)}" if mapping else ""
    return f"replay://{quote(path.resolve().as_posix(), safe='/:')}{query}"


def replay_of(base_url: str) -> tuple[Path, dict[str, str]]:
    """The file and the column mapping that a replay address names."""
    parts = urlsplit(base_url)
    path = Path(unquote(parts.netloc + parts.path))
    return path, {key: values[-1] for key, values in parse_qs(parts.query).items()}


@contextmanager
def served(teacher: Teacher | str) -> Iterator[str]:
    """A base URL that answers over HTTP for as long as the block lasts: http(s) addresses are their own."""
    base_url = teacher if isinstance(teacher, str) else teacher.base_url
    if not is_local(base_url):
        yield base_url
        return
    process = subprocess.Popen(
        [sys.executable, "-m", *_command(base_url), "--until-input-ends"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    try:
        yield _announced(process)
    finally:
        _end(process)


def _command(base_url: str) -> list[str]:
    if base_url.startswith(PRACTICE_URL):
        return ["studio.engine.practice.server"]
    path, mapping = replay_of(base_url)
    if not path.is_file():
        raise BadInput(
            f"The file of recorded answers {path} is not there. Put it back or give the teacher another one."
        )
    options = [part for key, value in mapping.items() for part in ("--map", f"{key}={value}")]
    return ["studio.engine.teachers.replay", str(path), *options]


def _announced(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline().strip()
    if not line.startswith("http"):
        process.wait(START_SECONDS)
        said = process.stderr.read().strip().splitlines()
        raise TeacherFault(f"The local teacher did not start: {said[-1] if said else 'it ended without a word'}")
    return line


def _end(process: subprocess.Popen[str]) -> None:
    """Closing its input asks the child to stop; one that does not is ended."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
