"""Marks what a search found, in text or in HTML that is safe already.

marked(text, "long division")                     # escaped, with <mark> around each place
marked(markdown.render(answer), query)            # the same between the tags of the HTML
"""

import html
import re

from markupsafe import Markup

from studio.engine.traces import matches_in
from studio.ui.rendering import render

TAG = re.compile(r"(<[^>]*>)")
"""Our HTML escapes `>` in an attribute's value."""


def marked(text: str | Markup, query: str) -> str | Markup:
    """The text with its matches marked, as it came where there is none. Only what stands between tags is looked at; a
    match that a tag divides is not marked."""
    if not query or not text:
        return text
    pieces: list[tuple[bool, str | Markup]] = []
    for place, part in enumerate(TAG.split(text) if isinstance(text, Markup) else [text]):
        if place % 2:
            pieces.append((False, Markup(part)))
        else:
            pieces += _pieces(html.unescape(part) if isinstance(text, Markup) else part, query)
    return render("parts/marked", pieces=pieces) if any(is_found for is_found, _ in pieces) else text


def _pieces(text: str, query: str) -> list[tuple[bool, str | Markup]]:
    pieces: list[tuple[bool, str | Markup]] = []
    at = 0
    for begin, end in matches_in(text, query):
        pieces += [(False, text[at:begin]), (True, text[begin:end])]
        at = end
    return [*pieces, (False, text[at:])]
