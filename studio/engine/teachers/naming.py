"""What may be a name: short, printable, and safe to write in a command, a link or a file name."""

import re

from studio.engine.errors import BadInput

_NAME = re.compile(r"[^\W_][\w .()+-]{0,79}")


def checked_name(kind: str, name: str) -> str:
    """The name without outer space; raises BadInput when it cannot be one."""
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"'{name[:80]}' cannot name a {kind}. Use 1 to 80 letters, digits, spaces, dots, dashes or underscores, "
            "beginning with a letter or a digit."
        )
    return name
