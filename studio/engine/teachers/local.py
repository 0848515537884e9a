"""Teachers that live on this machine: `practice://` and `replay:///file.jsonl` become real servers while needed.

The address kept in the database names what answers, not a port, so a teacher's identity never depends on one. A file in
the workspace is named from there, `replay://file.jsonl`, so that it does not depend on where the workspace is either.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from studio.engine.engines import ModelLimits, bare_environment, deadline
from studio.engine.errors import BadInput, TeacherFault
from studio.engine.settings import Settings
from studio.engine.store import Addresses, References
from studio.engine.store.tables import Teacher

PRACTICE_URL = "practice://"
REPLAY = "replay://"
START_SECONDS = 60.0


def is_local(base_url: str) -> bool:
    return base_url.startswith((PRACTICE_URL, REPLAY))


def kind_of(teacher: Teacher) -> str:
    """`practice` or `replay` for an embedded teacher, `api` for one that is reached over HTTP."""
    return teacher.base_url.partition("://")[0] if is_local(teacher.base_url) else "api"


def replay_of(base_url: str, settings: Settings) -> tuple[Path, dict[str, str]]:
    """The file and the column mapping that a replay address names. Raises NotAllowed for one that may not be named."""
    named = _file_in(base_url)
    path = Path(named) if Path(named).is_absolute() else Addresses(settings).path(named)
    columns = parse_qs(urlsplit(base_url).query)
    return References(settings).source(path), {key: values[-1] for key, values in columns.items()}


def kept_url(base_url: str, settings: Settings) -> str:
    """The address as it is stored: a replay file in the workspace is named from there, all else is as it was given.

    Raises BadInput when there is no such file, NotAllowed when this instance does not let its users name it.
    """
    if not base_url.startswith(REPLAY):
        return base_url
    named = _file_in(base_url)
    places = (replay_of(base_url, settings)[0], References(settings).source(named))
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise BadInput(f"There is no file of recorded answers at {places[0]}. Check the path.")
    address = Addresses(settings).of(path)
    kept = path.as_posix() if address.scheme else str(address)
    query = urlsplit(base_url).query
    return base_url if kept == named else f"{REPLAY}{quote(kept, safe='/:')}{'?' + query if query else ''}"


def _file_in(base_url: str) -> str:
    parts = urlsplit(base_url)
    return unquote(parts.netloc + parts.path)


def check_local(teacher: Teacher, settings: Settings) -> None:
    """Raises BadInput when a file of recorded answers is not there, NotAllowed when it may not be named."""
    if is_local(teacher.base_url):
        _command(teacher.base_url, settings)


@contextmanager
def served(teacher: Teacher | str, settings: Settings) -> Iterator[str]:
    """A base URL that answers over HTTP for as long as the block lasts: http(s) addresses are their own."""
    base_url = teacher if isinstance(teacher, str) else teacher.base_url
    if not is_local(base_url):
        yield base_url
        return
    process = subprocess.Popen(
        # It listens at a path that only this process is told, and knows no keys.
        [sys.executable, "-m", *_command(base_url, settings), "--until-input-ends"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        env=bare_environment(),
    )  # fmt: skip
    limits = ModelLimits.for_size(_size_of(base_url, settings))
    limits.hold(process)
    try:
        with deadline(process, limits.seconds):
            address = _announced(process)
        yield address
    finally:
        _end(process)


def _size_of(base_url: str, settings: Settings) -> int:
    """Bytes that a local teacher reads: what was recorded, or nothing."""
    return replay_of(base_url, settings)[0].stat().st_size if base_url.startswith(REPLAY) else 0


def _command(base_url: str, settings: Settings) -> list[str]:
    if base_url.startswith(PRACTICE_URL):
        return ["studio.engine.practice.server"]
    path, mapping = replay_of(base_url, settings)
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
