"""What somebody gave, as a message may repeat it: short, however large it is and however often it holds itself."""

import reprlib

LONGEST = 60


def shown(value: object) -> str:
    """The value's repr in at most 60 characters, made without walking through all of it."""
    short = reprlib.Repr()
    short.maxlevel, short.maxdict, short.maxlist, short.maxtuple, short.maxset = 3, 4, 4, 4, 4
    short.maxstring = short.maxother = short.maxlong = LONGEST
    text = short.repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
