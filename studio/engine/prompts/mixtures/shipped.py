"""The mixtures that come with the studio: examples to read, to edit and to run."""

from dataclasses import dataclass
from pathlib import Path

from studio.engine.errors import NotFound
from studio.engine.prompts.mixtures.mixture import Mixture
from studio.engine.prompts.mixtures.mixture_file import read


@dataclass(frozen=True)
class Shipped:
    """`text` is the file with its remarks."""

    name: str
    text: str
    mixture: Mixture


def shipped(assets: Path) -> list[Shipped]:
    """All of them, by name, from the folder of assets."""
    return [_shipped(file) for file in sorted((assets / "mixtures").glob("*.yaml"))]


def shipped_named(assets: Path, name: str) -> Shipped:
    """One of them. Raises NotFound."""
    for one in shipped(assets):
        if one.name == name:
            return one
    raise NotFound(
        f"No mixture named '{name}' is shipped. There are: {', '.join(one.name for one in shipped(assets))}."
    )


def _shipped(file: Path) -> Shipped:
    text = file.read_text(encoding="utf-8")
    return Shipped(file.stem, text, read(text, f"The mixture {file.name}"))
