"""Model output is untrusted. `render` makes safe HTML of it, `plain` shows it exactly as it came.

    gr.HTML(markdown.render(trace.response))      # in a handler: return markdown.render(text)
    gr.HTML(markdown.plain(prompt.text))

Raw HTML stays visible text; links lead to http, https and mailto only; pictures are named, never fetched; the text can
set no style, id or class of its own. An asterisk inside a calculation, as in 3*3, stays one: a grader must not read 33.
Both return Markup, which the other parts do not escape again.
"""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape

from studio.ui import rendering

SAFE_LINKS = ("http://", "https://", "mailto:")
TIMES = re.compile(r"(?<=[0-9A-Za-z)%.])\*(?=[0-9A-Za-z($.])|(?<=[0-9)])\*\*(?=[0-9(])")
"""Asterisks with something of a calculation on both sides: times, or to the power of."""


class _Renderer(RendererHTML):
    """Draws the few elements whose markup the text could otherwise shape."""

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        label, source = token.content or "image", token.attrs.get("src", "")
        return str(rendering.render("parts/picture", label=label, source=source))

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return str(rendering.render("parts/preformatted", text=tokens[idx].content)) + "\n"

    code_block = fence

    @staticmethod
    def renderAttrs(token: Token) -> str:  # noqa: N802  (the name is markdown-it's)
        """A link leads outside. Of an ordered list only the first number survives, of anything else nothing: a table's
        alignment would be an inline style."""
        if token.type == "link_open":
            target = escape(str(token.attrs.get("href", "")))
            return f' href="{target}" target="_blank" rel="noopener noreferrer nofollow"'
        start = token.attrs.get("start") if token.type == "ordered_list_open" else None
        return f' start="{int(start)}"' if start is not None else ""


def render(text: str | None) -> Markup:
    """Safe HTML in a `<div class="md">`. Empty or missing text gives an empty div."""
    return rendering.render("parts/markdown", html=Markup(_parser().render(text or "")))


def plain(text: str | None) -> Markup:
    """The text as it came, line breaks and spaces kept."""
    return rendering.render("parts/plain", text=text or "")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.before("emphasis", "times", _times)
    parser.core.ruler.push("lowered", _lower_headings)
    parser.validateLink = _is_safe  # type: ignore[method-assign]
    return parser


def _times(state: StateInline, silent: bool) -> bool:
    found = TIMES.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.pending += found[0]
    state.pos = found.end()
    return True


def _is_safe(url: str) -> bool:
    return url.strip().lower().startswith(SAFE_LINKS)


def _lower_headings(state: StateCore) -> None:
    """Headings of a text sit below the page's own h1 and h2."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
