"""What may be a name: one rule for each place that a name must be safe in."""

import re

from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.errors import BadInput

LONGEST_NAME = 80
"""Characters of a name that is given here: of a teacher, system message, run, study or dataset."""
LONGEST_FOLDER = 64
"""Of a model, which is also a folder."""
LONGEST_SOURCE = 100
"""Of a source of prompts."""
LONGEST_BROUGHT = 100
_NAME = re.compile(r"[^\W_][\w .()+-]{0,79}")
_DATASET = re.compile(r"\w(?:[\w .-]{0,78}\w)?")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_name(kind: str, name: str) -> str:
    """The name without outer space, safe in a command, a link or a file name. Raises BadInput."""
    name = name.strip()
    if not name:
        raise BadInput(
            f"An empty text cannot name a {kind}. Use 1 to 80 letters, digits, spaces, dots, dashes or underscores.",
            field="name",
        )
    _check_length(name, LONGEST_NAME, kind)
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"'{name[:80]}' cannot name a {kind}. Use 1 to 80 letters, digits, spaces, dots, dashes or underscores, "
            "beginning with a letter or a digit.",
            field="name",
        )
    return name


def name_like(text: str, usual: str) -> str:
    """A name that `checked_name` takes, as near to a text as can be; `usual` where nothing of it can stay."""
    return re.sub(r"[^\w .()+-]+", "-", text).lstrip("_ .()+-").strip()[:LONGEST_NAME] or usual


def checked_dataset_name(name: str) -> str:
    """The name without outer space, which reads like no version. Raises BadInput."""
    name = name.strip()
    if not name:
        raise BadInput(
            "An empty text cannot name a dataset. Use up to 80 letters, digits, spaces, dots and hyphens.", field="name"
        )
    _check_length(name, LONGEST_NAME, "dataset")
    if not _DATASET.fullmatch(name):
        raise BadInput(
            f"'{name[:80]}' cannot name a dataset: use up to 80 letters, digits, spaces, dots and hyphens.",
            field="name",
        )
    if DatasetVersion.parse(name):
        raise BadInput(
            f"'{name}' reads like a version. Leave the -v number out: versions of a dataset count themselves.",
            field="name",
        )
    return name


def checked_model_name(name: str) -> str:
    """The name, when it can also be a folder's name on every system. Raises BadInput."""
    if not name:
        raise BadInput(
            "An empty text cannot name a model. Use up to 64 letters from A to Z, digits, dots, dashes and "
            "underscores.",
            field="name",
        )
    _check_length(name, LONGEST_FOLDER, "model")
    if not _FOLDER.fullmatch(name) or name.endswith("."):
        raise BadInput(
            f"'{name[:64]}' cannot name a model: use up to 64 letters from A to Z, digits, dots, dashes and "
            "underscores, no spaces, starting with a letter or digit and not ending with a dot.",
            field="name",
        )
    return name


def checked_brought_name(kind: str, name: str) -> str:
    """A name that comes with answers from elsewhere, where almost anything is one. Raises BadInput."""
    if not name or len(name) > LONGEST_BROUGHT or not name.isprintable():
        raise BadInput(
            f"The name of the {kind} is 1 to {LONGEST_BROUGHT} printable characters on one line.", field=kind
        )
    return name


def _check_length(name: str, longest: int, kind: str) -> None:
    if len(name) > longest:
        raise BadInput(
            f"The name of a {kind} has at most {longest} characters; '{name[:40]}...' has {len(name):,}. Shorten it.",
            field="name",
        )
