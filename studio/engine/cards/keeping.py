"""Cards on disk: a seal tells a card that the studio wrote from a file of somebody else, which is never overwritten."""

import re
from hashlib import sha256
from pathlib import Path

from studio.engine.store import write_whole

_SEAL = re.compile(r"<!-- understudy card ([0-9a-f]{64}) -->\n\Z")


def sealed(text: str) -> str:
    """The text with its digest in a comment at the end: changed by hand, it is the person's who changed it."""
    return f"{text}<!-- understudy card {_digest(text)} -->\n"


def is_ours(path: Path) -> bool:
    """Whether the file is a card as the studio wrote it."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return False
    found = _SEAL.search(text)
    return found is not None and found[1] == _digest(text[: found.start()])


def keep(path: Path, text: str) -> bool:
    """Writes a sealed card, whole or not at all. False when the place is taken by a file that is not ours."""
    if (path.exists() or path.is_symlink()) and not is_ours(path):
        return False
    write_whole(path, sealed(text))
    return True


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
