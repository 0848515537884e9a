"""The language of a card: its headings and fixed sentences are written in English in the code, and put into another
language by their template. Names, figures and what people recorded are the same in every language.

words = Words.of(settings.assets, "zh")
words("Commercial use: **{use}**.", use="yes")
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from studio.engine.domain.yaml_text import load
from studio.engine.errors import BadInput

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh")
BETWEEN = {ENGLISH: (", ", " and ", " "), "zh": ("、", "和", "")}
"""Between names, before the last of them, between sentences."""


@dataclass(frozen=True)
class Words:
    """`known` are the sentences of the language by their English template."""

    language: str = ENGLISH
    known: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, assets: Path, language: str) -> Self:
        """Raises `BadInput` for a language in which no card is written."""
        if language not in LANGUAGES:
            raise BadInput(f"Cards are written in {' or '.join(LANGUAGES)}, not in '{language[:20]}'.")
        return cls(
            language, {} if language == ENGLISH else _read(assets / "translations" / "cards" / f"{language}.yaml")
        )

    def __call__(self, template: str, **values: Any) -> str:
        return self.known.get(template, template).format(**values)

    def listed(self, names: Iterable[str]) -> str:
        """Names in a row, the last after an 'and'."""
        comma, last, _ = BETWEEN[self.language]
        *first, end = names
        return f"{comma.join(first)}{last}{end}" if first else end

    def joined(self, names: Iterable[str]) -> str:
        return BETWEEN[self.language][0].join(names)

    def sentences(self, said: Iterable[str]) -> str:
        return BETWEEN[self.language][2].join(said)


@lru_cache
def _read(path: Path) -> Mapping[str, str]:
    return {one["say"]: one["zh"] for one in load(path.read_text(encoding="utf-8"))}
