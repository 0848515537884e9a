"""What may be a name: one rule for each place that a name must be safe in."""

import re
import unicodedata

from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.errors import BadInput

LONGEST_NAME = 80
"""Characters of a name that is given here: of a project, teacher, system message, run, study or dataset."""
LONGEST_FOLDER = 64
"""Of a model, which is also a folder."""
LONGEST_SOURCE = 100
"""Of a source of prompts."""
LONGEST_BROUGHT = 100
_NAME = re.compile(r"[^\W_][\w .()+-]{0,79}")
_DATASET = re.compile(r"\w(?:[\w .-]{0,78}\w)?")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows gives to no file, whatever their ending."""


def composed(name: str) -> str:
    """A name without outer space, its accents written in the one way in which names are kept."""
    return unicodedata.normalize("NFC", name.strip())


def spellings(name: str) -> set[str]:
    """How a name that somebody writes may be kept: as it is, by an earlier version, or composed."""
    return {name.strip(), composed(name)}


def folded(name: str) -> str:
    """The same for names that differ only in upper and lower case, or in how their accents are written."""
    return composed(composed(name).casefold())


def checked_project_name(name: str) -> str:
    """The name as it is kept. Raises BadInput."""
    name = composed(name)
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name in (".", ".."):
        raise BadInput(
            f"'{name[:LONGEST_NAME]}' cannot be the name of a project. "
            f"Use 1 to {LONGEST_NAME} printable characters on one line, other than '.' and '..'.",
            field="name",
        )
    return name


def checked_source_name(name: str) -> str:
    """The name as it is kept. Raises BadInput."""
    name = composed(name)
    if not name or len(name) > LONGEST_SOURCE or not name.isprintable():
        raise BadInput(f"A prompt source needs a name of 1 to {LONGEST_SOURCE} printable characters.", field="name")
    return name


def checked_name(kind: str, name: str) -> str:
    """The name as it is kept, safe in a command, a link or a file name. Raises BadInput."""
    name = composed(name)
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
    """The name as it is kept, which reads like no version. Raises BadInput."""
    name = composed(name)
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
    if device := _DEVICE.fullmatch(name):
        raise BadInput(
            f"'{name}' cannot name a model: Windows keeps '{device[1]}' for a device. Choose another name.",
            field="name",
        )
    return name


def checked_brought_name(kind: str, name: str) -> str:
    """A name that comes with answers from elsewhere, where almost anything is one, as it is kept. Raises BadInput."""
    name = composed(name)
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
