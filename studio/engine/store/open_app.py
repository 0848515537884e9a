"""Where the app of a workspace answers: its own name under `.localhost`, and the address of the one that is open.

Cookies do not know ports: whatever else runs on 127.0.0.1 would be sent ours. So each workspace has a random name under
`.localhost`, which browsers take for this machine without asking anybody. The app that is open leaves its address in
the workspace, for the links that other processes print.
"""

import contextlib
import json
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from studio.engine.settings import Settings
from studio.engine.store.lease import has_ended, holder_name

FILE, HOST_FILE = "open.json", "host"
PLAIN_HOST = "127.0.0.1"
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
LOOKS = 25
_NAME = re.compile(rf"studio-[{LETTERS}]{{10}}\.localhost")


def host_of(settings: Settings) -> str:
    """The name that the app answers to: the workspace's own, made on first use, unless `plain_host` is set."""
    return PLAIN_HOST if settings.plain_host else _name_of(settings.workspace)


@contextlib.contextmanager
def opened_on(settings: Settings, port: int) -> Iterator[None]:
    """Says, while it lasts, that this process serves the workspace on that port."""
    path = settings.workspace / FILE
    said = json.dumps({"address": f"http://{host_of(settings)}:{port}", "holder": holder_name()})
    path.write_text(said, encoding="utf-8")
    try:
        yield
    finally:
        if path.is_file() and path.read_text(encoding="utf-8") == said:  # Another app may have been opened since.
            path.unlink()


def address_of(settings: Settings, port: int | None = None) -> str:
    """`http://NAME:PORT` of the app that is open on the workspace; where none is, or with a port, the one it would take
    with these settings."""
    found = open_address(settings) if port is None else None
    return found or f"http://{host_of(settings)}:{port or settings.port}"


def open_address(settings: Settings) -> str | None:
    """The address of the app that is open on the workspace; None where none is."""
    try:
        said = json.loads((settings.workspace / FILE).read_text(encoding="utf-8"))
        address, holder = str(said["address"]), str(said["holder"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if has_ended(holder) else address


def _name_of(workspace: Path) -> str:
    """The kept name. Whichever of two processes comes first makes it; a file that holds none is written anew."""
    path = workspace / HOST_FILE
    for _ in range(LOOKS):
        with contextlib.suppress(FileExistsError), path.open("x", encoding="ascii") as file:
            file.write(f"studio-{''.join(secrets.choice(LETTERS) for _ in range(10))}.localhost")
        kept = path.read_bytes().decode("ascii", "replace")
        if _NAME.fullmatch(kept):
            return kept
        time.sleep(0.02)  # Another process is just writing it.
    path.unlink(missing_ok=True)
    return _name_of(workspace)
