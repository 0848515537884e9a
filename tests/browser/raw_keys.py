"""Finds keys of translations that a page shows in place of their words."""

import re
from typing import Any

from studio.engine.settings import Settings
from studio.ui.text import catalogue
from tests.browser.chinese import SEEN

FOLDER = Settings().assets / "translations"
OURS = {key for file in FOLDER.glob("*.yaml") for key in catalogue(FOLDER, file.stem) if "." in key}
GRADIO_S = re.compile(
    r"(?:audio|blocks|chatbot|checkbox|code|color_picker|common|dataframe|dropdown|errors|file|image|label|number|plot|"
    r"radio|slider|status|upload_text|video)\.[a-z_]+"
)

WATCH = """() => { window.told = []; new MutationObserver((changes) => {
  for (const change of changes)
    for (const { textContent: text } of [change.target, ...change.addedNodes])
      if (text?.length < 80) told.push(text.trim());
}).observe(document.body, { childList: true, subtree: true, characterData: true }); }"""
"""Keeps in `told` what a page says for a moment only, such as to a screen reader."""


def is_raw(text: str) -> bool:
    return text in OURS or GRADIO_S.fullmatch(text) is not None


def raw_keys_on(page: Any) -> list[str]:
    return [text for text in page.evaluate(SEEN) if is_raw(text)]
