"""The files of words in `assets/translations`, read once."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = {"en": "English", "zh": "中文"}
"""Code and own name of each language, the default first."""

FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""As safe and ten times as fast, where PyYAML came with its C part."""


@cache
def catalogue(folder: Path, page: str) -> dict[str, dict[str, Any]]:
    """All entries of one file: key -> language -> text or {one, other}. Empty when the page has no file yet."""
    path = folder / f"{page}.yaml"
    if not path.is_file():
        return {}
    loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=FastLoader) or {}
    return {str(key): _languages(entry) for key, entry in loaded.items()}


def _languages(entry: Any) -> dict[str, Any]:
    return entry if isinstance(entry, dict) else dict.fromkeys(LANGUAGES, entry)
