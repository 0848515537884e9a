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
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape

SAFE_LINKS = ("http://", "https://", "mailto:")
TIMES = re.compile(r"(?<=[0-9A-Za-z)%.])\*(?=[0-9A-Za-z($.])|(?<=[0-9)])\*\*(?=[0-9(])")
"""Asterisks with something of a calculation on both sides: times, or to the power of."""


class _Renderer(RendererHTML):
    """Draws the few elements whose markup the text could otherwise shape."""

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        label, source = token.content or "image", token.attrs.get("src", "")
        return str(Markup('<span class="md-image">🖼 {} <small>({})</small></span>').format(label, source))

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<pre><code>{escape(tokens[idx].content)}</code></pre>\n"

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<pre><code>{escape(tokens[idx].content)}</code></pre>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        target = escape(str(tokens[idx].attrs.get("href", "")))
        return f'<a href="{target}" target="_blank" rel="noopener noreferrer nofollow">'

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<{_lower(tokens[idx].tag)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"</{_lower(tokens[idx].tag)}>\n"

    @staticmethod
    def renderAttrs(token: Token) -> str:  # noqa: N802  (the name is markdown-it's)
        """Only the first number of an ordered list survives; a table's alignment would be an inline style."""
        start = token.attrs.get("start") if token.type == "ordered_list_open" else None
        return f' start="{int(start)}"' if start is not None else ""


def render(text: str | None) -> Markup:
    """Safe HTML in a `<div class="md">`. Empty or missing text gives an empty div."""
    return Markup(f'<div class="md">{_parser().render(text or "")}</div>')


def plain(text: str | None) -> Markup:
    """The text as it came, line breaks and spaces kept."""
    return Markup('<div class="plain">{}</div>').format(text or "")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.before("emphasis", "times", _times)
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


def _lower(tag: str) -> str:
    """Headings of a text sit below the page's own h1 and h2."""
    return f"h{min(6, int(tag[1]) + 2)}"
