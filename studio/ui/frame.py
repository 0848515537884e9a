"""The frame as HTML: side bar, phone bar, help, and the words its script needs. The server writes it into each page,
so that links, language and the current page are right before any script runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from studio.ui.links import OWN
from studio.ui.rendering import render
from studio.ui.text import LANGUAGES, Texts

STYLES = ("css/colours.css", "css/shell.css", "css/parts.css")
FONTS = ("plex-sans-400.woff2", "plex-sans-600.woff2", "plex-sans-700.woff2")
"""Fetched before the styles ask for them."""
KEYS = {
    "traces": (
        (("a",), "act.keep"), (("x",), "act.reject"), (("e",), "act.edit"), (("u",), "act.undo"),
        (("1–5",), "keys.rate"), (("f",), "keys.flag"), (("j", "↓"), "act.down"), (("k", "↑"), "act.up"),
    ),
    "teachers": ((("t",), "keys.test"), (("j",), "keys.next"), (("k",), "keys.previous")),
}  # fmt: skip
"""A page's own keys, as its script knows them, and the words that its file has for each."""
GROUPS = ("", "data", "model", "judge", "system")


@dataclass(frozen=True)
class Page:
    """One page of the app: its name is its address, its file in `pages/`, its words and its icon."""

    name: str
    group: str = ""
    plain: bool = False
    """Served by a route of its own instead of Gradio."""

    @property
    def path(self) -> str:
        return "/" if self.name == "home" else f"/{self.name}"


@dataclass(frozen=True)
class View:
    """What one request sees of the frame."""

    page: str
    project: str
    projects: Sequence[str]
    running: int
    version: str
    """Changes whenever a shipped file does, so that browsers may keep them for ever."""
    files: Sequence[str] = field(default_factory=list)
    """Further css and scripts of this page, relative to the assets folder."""
    gradio_files: Sequence[str] = field(default_factory=list)
    """What Gradio's script will ask for on this page: fetched at once, not step by step."""
    later_files: Sequence[str] = field(default_factory=list)
    """What the other pages need: fetched while nothing else is done."""
    fetched: str = ""
    """The cookie that says then that the browser has them all; empty where it has."""


def head(t: Texts, view: View, nonce: str) -> str:
    """Before `</head>`: title, icon, styles, scripts."""
    styles = [*STYLES, *(name for name in view.files if name.endswith(".css"))]
    scripts = ["js/shell.js", "js/forms.js", *(name for name in view.files if name.endswith(".js"))]
    own = partial(own_path, version=view.version)
    values = {"fonts": FONTS, "fonts_at": f"{OWN}/fonts", "styles": styles, "scripts": scripts}
    return str(render("frame/head", t=t, view=view, own=own, nonce=nonce, **values))


def before(t: Texts, view: View, pages: Sequence[Page]) -> str:
    """Before the app: everything that stays the same around a page."""
    drawn = render(
        "frame/before",
        t=t,
        view=view,
        pages=pages,
        groups=GROUPS,
        own_keys=[(names, t.of(view.page)(word)) for names, word in KEYS.get(view.page, ())],
        other=next(code for code in LANGUAGES if code != t.language),
        tag=lang_tag(t.language),
        own=partial(own_path, version=view.version),
    )
    return str(drawn)


def lang_tag(language: str) -> str:
    """What `<html lang>` says."""
    return "zh-CN" if language == "zh" else language


def own_path(name: str, version: str) -> str:
    """The address of a file of the assets folder."""
    return f"{OWN}/{name}?v={version}"
