"""Every word of the pages, in every language, from `assets/translations/*.yaml`.

A page named `traces` has its words in `traces.yaml`; words that pages share are in `shell.yaml`.

    title: {en: Traces, zh: 解释轨迹}
    kept:  {en: {one: "{n} trace kept", other: "{n} traces kept"}, zh: "已保留 {n} 条轨迹"}

    t = Texts("zh", "traces")
    t("title"); t("kept", n=1200)        # the page's own words first, then the shared ones; 1200 is shown as 1,200
"""

import string
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from studio.engine.settings import Settings

LANGUAGES = {"en": "English", "zh": "中文"}
"""Code and own name of each language, the default first."""

SHARED = "shell"

FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""As safe and ten times as fast, where PyYAML came with its C part."""


class MissingTextError(KeyError):
    """A page asked for a word that the catalogue does not have."""


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if not format_spec and isinstance(value, int) and not isinstance(value, bool):
            return f"{value:,}"
        return str(super().format_field(value, format_spec))


class Texts:
    """The words of one page in one language. The result is plain text: the parts escape it."""

    def __init__(self, language: str = "en", page: str = SHARED, folder: Path | None = None) -> None:
        self.language = language if language in LANGUAGES else "en"
        self.page = page
        self.folder = folder or Settings().assets / "translations"

    def __call__(self, key: str, **values: Any) -> str:
        """The text for a key, with `{name}` replaced. Raises MissingTextError, or KeyError for a value left out."""
        entry = self._entry(key)
        if entry is None:
            raise MissingTextError(f"{key} ({self.page}.yaml, {self.language})")
        if isinstance(entry, dict):
            entry = entry["one" if values.get("n") == 1 and "one" in entry else "other"]
        return _Formatter().format(str(entry), **values) if values else str(entry)

    def has(self, key: str) -> bool:
        return self._entry(key) is not None

    def of(self, page: str) -> "Texts":
        """The same language, another page's words."""
        return Texts(self.language, page, self.folder)

    def _entry(self, key: str) -> Any:
        for name in (self.page, SHARED):
            entry = catalogue(self.folder, name).get(key)
            if entry is not None:
                return entry.get(self.language)
        return None


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
