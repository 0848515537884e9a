"""Answers that were copied from a web page, as ShareGPT's were: HTML becomes markdown, and code stays as it was."""

import re
from typing import Any

_OPENS = re.compile(r"\s*<(div|p|ol|ul|pre|h[1-6]|table|blockquote)\b[^<>]*>", re.IGNORECASE)
_CLOSES = re.compile(r"</(div|p|ol|ul|pre|h[1-6]|table|blockquote)\s*>\s*\Z", re.IGNORECASE)
_LANGUAGE = re.compile(r"language-([\w+#.-]+)")
_CONDITION = re.compile(r"<!\[(?:if|endif)\b[^\]<>]*\]>", re.IGNORECASE)
FENCE = "```"


def is_html(text: str) -> bool:
    """Whether a text is a piece of a web page: it begins and ends with a block's tags and has no markdown fence."""
    return bool(_OPENS.match(text)) and bool(_CLOSES.search(text)) and FENCE not in text


def as_markdown(text: str) -> str:
    return str(_converter().convert(_without_sections(text))).strip()


def _without_sections(text: str) -> str:
    """Conditions for old browsers go; other marked sections become the text that they look like. The parser would
    search for the end of each through the whole rest, which takes the square of their number."""
    return _CONDITION.sub("", text).replace("<![", "&lt;![")


def _converter() -> Any:
    from markdownify import ATX, MarkdownConverter

    class Converter(MarkdownConverter):
        def convert_pre(self, el: Any, text: str, parent_tags: Any) -> str:
            """A block of code, with its language and without the page's own button and caption."""
            code = el.find("code") or el
            named = _LANGUAGE.search(" ".join(code.get("class") or ()))
            body = code.get_text().strip("\n")
            fence = FENCE if FENCE not in body else FENCE + "`"
            return f"\n\n{fence}{named.group(1) if named else ''}\n{body}\n{fence}\n\n"

        def convert_button(self, el: Any, text: str, parent_tags: Any) -> str:
            return ""

    # Nothing is escaped: the text is for a student to read, not for a page to show.
    return Converter(
        heading_style=ATX, bullets="-", escape_asterisks=False, escape_underscores=False, escape_misc=False
    )
