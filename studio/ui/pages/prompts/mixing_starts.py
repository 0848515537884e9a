"""What a mixture may begin as: one proposed from the sources, a shipped one, that of an earlier sample, or a file."""

from pathlib import Path
from typing import TYPE_CHECKING

from studio.engine.errors import NotFound
from studio.engine.prompts.mixtures import MAX_BYTES, read_file
from studio.ui.pages.prompts import mixing_form
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

OF_SOURCE = "source:"


def starts(t: Texts, here: "Studio") -> list[tuple[str, str]]:
    """What a mixture may begin as: one proposed from the sources, a shipped one, or that of an earlier sample."""
    made = [source.name for source in here.prompts.sources() if source.detail.get("mixture")]
    return [
        (t("mixture.proposed"), ""),
        *((t("mixture.shipped", name=one.name), one.name) for one in here.mixtures.shipped()),
        *((t("mixture.of.source", name=name), f"{OF_SOURCE}{name}") for name in made),
    ]


def text_of(here: "Studio", wanted: str) -> str:
    """The text of one of the starts. Raises NotFound."""
    if not wanted:
        return mixing_form.proposal(here.prompts.sources()).as_yaml()
    if not wanted.startswith(OF_SOURCE):
        return here.mixtures.shipped_named(wanted).text
    detail = here.prompts.source(wanted.removeprefix(OF_SOURCE)).detail
    if "mixture" not in detail:
        raise NotFound(f"The source '{wanted.removeprefix(OF_SOURCE)}' was not made from a mixture.")
    return mixing_form.from_value({**detail["mixture"], "seed": detail["seed"]}).as_yaml()


def text_in(path: Path) -> str:
    """An uploaded file's text, with its remarks. Raises BadInput when it is no mixture."""
    read_file(path)
    return path.read_text(encoding="utf-8")[:MAX_BYTES]
