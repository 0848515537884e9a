"""What a terminal may be sent: file names, column names and what teachers say are outside words, and a terminal obeys
the control characters in them (colours, its title, what it has shown already)."""

import unicodedata

KEPT = "\n\t"
_UNSAFE = ("Cc", "Cf", "Cs")
"""Control characters, invisible ones that turn the reading direction, and halves of characters."""
_JOINERS = "\u200c\u200d"
"""Invisible too, but part of how Persian and many emoji are written."""


def plain(text: str) -> str:
    """The text with a visible mark in place of every character that a terminal would act upon."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join("\ufffd" if _is_unsafe(character) else character for character in text)


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE and character not in KEPT and character not in _JOINERS


def is_text(argument: str) -> bool:
    """Whether an argument of the command line is text: bytes that are no UTF-8 arrive as halves of characters."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
