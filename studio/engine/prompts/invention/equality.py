"""The verdict of a judge on two prompts: equal or not. It is read from the form that was asked for and from nothing
else, so that "they do not have the same depth" is never taken for "the same"."""

import json
import re

LONGEST = 20_000
"""Characters of a reply, from its end, in which the verdict is looked for."""
EQUAL = frozenset(("equal", "the same", "same", "yes", "相等", "相同", "一样", "是"))
NOT_EQUAL = frozenset(
    ("not equal", "unequal", "not the same", "different", "no", "不相等", "不相同", "不同", "不等", "不一样", "否")
)
_MARKED = re.compile(
    r"^[\W_]*(?:final\s+)?(?:verdict|判定|结论)[*_`\s]*[:：=](?P<said>.*)$", re.IGNORECASE | re.MULTILINE
)
_AROUND = " \t\r\n*_`#\"'.。!！[]()（）{}<>“”‘’\\"


def verdict_of(reply: str) -> bool | None:
    """True for equal, False for not equal, None for a reply without a verdict in its form: a line `Verdict: ...`, an
    object with the key, or nothing but the verdict. Several that differ are none."""
    text = reply[-LONGEST:].strip()
    said = [match["said"] for match in _MARKED.finditer(text)] or [_of_object(text) or text]
    found = {_level(one) for one in said}
    return found.pop() if len(found) == 1 else None


def _level(said: str) -> bool | None:
    word = " ".join(said.strip(_AROUND).casefold().replace("_", " ").replace("-", " ").split())
    return True if word in EQUAL else False if word in NOT_EQUAL else None


def _of_object(text: str) -> str | None:
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        found = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    said = next((found[key] for key in found if key.casefold() == "verdict"), None) if isinstance(found, dict) else None
    return said if isinstance(said, str) else None
