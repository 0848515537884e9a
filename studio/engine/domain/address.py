"""Where a file or folder is kept, as it is stored: relative to the workspace, or a URL. Never an absolute path.

models/1/kid              in the workspace, wherever that is today
assets://practice-base    shipped with the studio
file:///home/me/base      on this machine, outside the workspace
hf://org/name             a model of the Hugging Face hub
s3://bucket/base          any other fsspec URL
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import url2pathname

from studio.engine.errors import BadInput

SHIPPED = "assets"
FILE = "file"
HUB = "hf"

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.S)


@dataclass(frozen=True)
class Address:
    """`scheme` is empty for what lies in the workspace; `rest` is what follows it. `str()` is what is stored."""

    scheme: str
    rest: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads what `str()` wrote. Raises BadInput for an absolute path, and for one that leaves the workspace."""
        if found := _URL.fullmatch(text):
            return cls(found[1].lower(), found[2])
        return cls("", _within(text, text))

    @classmethod
    def shipped(cls, name: str) -> "Address":
        return cls(SHIPPED, _within(name, name))

    @classmethod
    def of_file(cls, path: Path) -> "Address":
        """The `file://` URL of an absolute path."""
        return cls.parse(path.as_uri())

    @classmethod
    def of_hub(cls, hub_id: str) -> "Address":
        return cls(HUB, hub_id)

    @property
    def relative(self) -> PurePosixPath:
        """The way from the workspace, or from the shipped files, to what is meant."""
        return PurePosixPath(_within(self.rest, str(self)))

    @property
    def local_path(self) -> Path:
        """The path of a `file://` URL on this machine."""
        return Path(url2pathname(urlsplit(str(self)).path))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.rest}" if self.scheme else self.rest


def _within(text: str, whole: str) -> str:
    """The relative path, when it goes down only."""
    path = PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts or "\\" in text or re.match(r"[A-Za-z]:", text):
        raise BadInput(
            f"'{whole}' is no address of a file: it is neither a URL nor a path inside the workspace. "
            "Bring the file again."
        )
    return path.as_posix()
