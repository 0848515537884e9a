"""Whether a prompt offers options to choose from, which decides if a multiple-choice system message may be drawn."""

import re

_HEADING = re.compile(
    r"(?:options?|choices|answers|alternatives)(?: are| given)? ?(?:\([^)\n]{0,40}\))? ?:|选项\s*[:：]|\(choices are ",
    re.I,
)
"""A list with a title: "Options:", "Choices:", "Possible answers:"."""
_LETTERS = tuple(
    re.compile(pattern)
    for pattern in (r"\(([A-E])\)", r"(?:^|[\s,;])([A-E])\)", r"(?:^|\n)[ \t]*([A-E])[.:][ \t]", r"\[([A-E])\]")
)
"""Options with letters: (A) (B), A) B), or lines that begin with A. and B."""


def offers_options(text: str) -> bool:
    """By its form alone: a list with a title such as "Options:", or at least the letters A and B in one style of label.

    Whether a question with options inside its sentence is one cannot be told from its form; such prompts count as
    open ones.
    """
    if _HEADING.search(text):
        return True
    return any({"A", "B"} <= set(pattern.findall(text)) for pattern in _LETTERS)
