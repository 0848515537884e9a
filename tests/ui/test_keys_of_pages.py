"""The help of a page names every key that its script knows, in words of the page."""

import re

import pytest

from studio.engine.settings import Settings
from studio.ui.frame import KEYS
from studio.ui.text import LANGUAGES, Texts

SCRIPTS = Settings().assets / "js"
FOR_ALL = {"Enter", "Escape", "Ctrl", "Tab", "?", "/", "g"}
"""Keys that mean the same on every page; the help names them apart."""
ARROWS = {"ArrowDown": "↓", "ArrowUp": "↑", "ArrowRight": "", "ArrowLeft": ""}
"""Left and right are as up and down."""


@pytest.mark.parametrize("page", [path.stem for path in SCRIPTS.glob("*.js") if path.stem not in ("shell", "early")])
def test_the_help_names_the_keys_of_a_page(page: str) -> None:
    script = (SCRIPTS / f"{page}.js").read_text(encoding="utf-8")
    known = set(re.findall(r'event\.key === "(\w+)"', script))
    if table := re.search(r"const keys = \{(.*?)\};", script, re.DOTALL):
        known |= set(re.findall(r"(\w+): (?:acts|undo|\(\))", table[1]))
    if "[1-5]" in script:
        known |= {"1–5"}
    told = {name for names, _ in KEYS.get(page, ()) for name in names}
    assert {ARROWS.get(key, key) for key in known - FOR_ALL} - {""} == told


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_key_has_words(language: str) -> None:
    for page, keys in KEYS.items():
        assert all(Texts(language, page)(word) for _, word in keys)
