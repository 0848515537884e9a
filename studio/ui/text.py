"""Every word of the pages, in every language, from `assets/translations/*.yaml`.

A page named `traces` has its words in `traces.yaml`; words that pages share are in `shell.yaml`.

    title: {en: Traces, zh: 解释轨迹}
    kept:  {en: {one: "{n} trace kept", other: "{n} traces kept"}, zh: "已保留 {n} 条轨迹"}

    t = Texts("zh", "traces")
    t("title"); t("kept", n=1200)        # the page's own words first, then the shared ones; 1200 is shown as 1,200
"""

import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.engine.settings import Settings
from studio.ui.catalogue import LANGUAGES as LANGUAGES
from studio.ui.catalogue import catalogue as catalogue
from studio.ui.sentences import Sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from studio.engine.row_types import Job

SHARED = "shell"
REASONS = ("why", "what")
"""Values of a status that say something themselves."""


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

    def said_by(self, job: "Job") -> str:
        """What a job says of itself now."""
        return self.status(job.status, job.message)

    def title_of(self, job: "Job") -> str:
        """What a job is called."""
        return self.status(job.titled, job.title)

    def status(self, kept: dict[str, Any] | None, otherwise: str = "") -> str:
        """A status as a row keeps it, in words; `otherwise` for one that this version has no words for."""
        if not kept or not self.of("status").has(str(kept.get("code"))):
            return otherwise
        values = {
            key: self.status(value) if isinstance(value, dict) else self._value(key, value)
            for key, value in kept["values"].items()
        }
        return self.of("status")(kept["code"], **values)

    def told(self, sentence: str | None) -> str:
        """A sentence of the engine, such as an error's or one that a row keeps, in words; words of others as they
        are."""
        return Sentences(self.language, self.folder).told(sentence or "")

    def fault_of(self, job: "Job | None") -> str:
        """Why a job failed; empty for one that did not."""
        return self.told(job.error) if job is not None else ""

    def name_of(self, kind: str, name: str) -> str:
        """What the pages call something that comes with the studio, such as `message` or `family`; anything else is
        called by its name."""
        word = f"{kind}.{name}"
        return self.of("names")(word) if self.of("names").has(word) else name

    def choices(self, kind: str, names: "Iterable[str]") -> list[tuple[str, str]]:
        """Names with what the pages call them, as a box of Gradio takes them."""
        return [(self.name_of(kind, name), name) for name in names]

    def said(self, kept: dict[str, Any] | str) -> str:
        """What the engine kept, in words: a status as a row keeps it, or words of others as they are."""
        return self.status(kept) if isinstance(kept, dict) else kept

    def joined(self, *sentences: str) -> str:
        """Sentences after one another, without those that are empty."""
        return ("" if self.language == "zh" else " ").join(filter(None, sentences))

    def _value(self, key: str, value: Any) -> Any:
        """A value of a status: a reason may be a sentence."""
        return self.told(value) if key in REASONS and isinstance(value, str) else value

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
