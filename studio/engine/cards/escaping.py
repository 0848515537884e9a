"""Texts that people, teachers and models wrote, made harmless in markdown: they are read, never obeyed."""

import re

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
"""Control characters, and those that turn the direction of writing around or hide in it."""
_MARKS = re.compile(r"([\\`*_\[\]<>#|~$&@])")
_LINKS = re.compile(r"(?i)(https?|ftp)(://)|\b(www)(\.)")


def one_line(text: object) -> str:
    """The text on one line, without characters that nobody sees."""
    return " ".join(_UNSEEN.sub(" ", str(text)).split())


def inline(text: object) -> str:
    """Words within a line: every mark that markdown or HTML would act on, addresses too, stays a letter."""
    marked = _MARKS.sub(r"\\\1", one_line(text))
    return _LINKS.sub(lambda found: "\\".join(part for part in found.groups() if part), marked)


def code(text: object) -> str:
    """A name in code letters, whatever quotes are in it."""
    words = one_line(text)
    if not words:
        return "(no name)"
    quotes = "`" * (_longest(words) + 1)
    gap = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{quotes}{gap}{words}{gap}{quotes}"


def fenced(text: str) -> str:
    """A block with the text as it is, between fences longer than any that it holds."""
    lines = _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    fence = "`" * max(3, _longest(lines) + 1)
    return f"{fence}text\n{lines}\n{fence}"


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
