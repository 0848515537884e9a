"""Finds English on a Chinese page."""

import re
from collections.abc import Iterable
from typing import Any

from studio.engine.traces import TraceFilter

ENGLISH = re.compile(r"(?<![\w./-])[A-Za-z][a-z’']*(?: [A-Za-z’'][a-z’']*){2,}")
"""Three English words in a row, outside of paths and ids."""

ALLOWED = (
    "Click to upload", "number input for", "range slider for", "Reset to default value", "Code input container",
    "Show in English", "understudy 0.",
)  # fmt: skip
"""What Gradio itself says to a screen reader, in words that it lets nobody change; the way to English; and the
diagnostics, which are sent to others."""

SEEN = """() => {
  const said = new Set();
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest("script, style, code, pre, textarea")) continue;
    const own = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join(" ");
    for (const text of [own, element.title, element.placeholder, element.ariaLabel])
      if (text && text.trim()) said.add(text.trim());
  }
  return [...said];
}"""
"""Every text of the page, also those that are folded away."""


def words_of_others(studio: Any) -> list[str]:
    """Prompts, answers and system messages: nobody's to translate."""
    details = studio.traces.details([row.id for row in studio.traces.page(TraceFilter()).rows])
    texts = [text for one in details for text in (one.text.prompt, one.text.response, one.trace.response_preview)]
    return [*texts, *(message.text for message in studio.system_messages.list())]


def english_on(page: Any, theirs: Iterable[str] = ()) -> list[str]:
    """What a page says in English; `theirs` are words of others."""
    own = [" ".join(text.split()) for text in theirs]
    said = [" ".join(text.split()) for text in page.evaluate(SEEN)]
    ours = [text for text in said if not text.startswith(ALLOWED) and not any(text.rstrip("…") in one for one in own)]
    return [text for text in ours if ENGLISH.search(text)]
