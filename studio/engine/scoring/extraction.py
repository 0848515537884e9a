"""The answer that a text ends in, and of which kind it is, apart from any verdict on it.

The rules are fixed and shallow on purpose. A marker ('#### 18', 'A: 18', 'The answer is 18.', a box) is believed before
anything else; without one a short text is its own answer and a longer one ends in its last number.
"""

import re
import unicodedata
from enum import StrEnum

from studio.engine.scoring.numbers import NUMBER, without_numbers

SHORT = 60
"""Characters up to which a text without a marker is taken whole."""
TAIL = 20_000
LONGEST = 1_000
"""Characters of a text, from its end, that are searched for an answer, and of an answer: a model caught in a loop can
write without end, and grading it must not."""

_MARKERS = (
    re.compile(r"####[ \t]*(?P<answer>[^\n]+)"),
    re.compile(r"^[ \t]*(?:final[ \t]+)?(?:a|ans|answer)[ \t]*:[ \t]*\n*(?P<answer>[^\n]+)", re.I | re.M),
    re.compile(
        r"\banswer[ \t]*(?:is|was|will[ \t]+be|:|=)[ \t]*:?[ \t]*\n*(?P<answer>(?:[^\n.!?]|[.!?](?=\w))+)", re.I
    ),
    re.compile(r"答案(?:应该|应)?(?:是|为|:)[ \t]*:?\s*(?P<answer>(?:[^\n。!?.]|\.(?=\w))+)"),
)
_OPTION = re.compile(r"\(?(?P<letter>[a-z])(?:\)|\.(?=\s|$))\s*(?P<rest>.*)", re.S)
_LETTER = re.compile(r"\(?(?P<letter>[a-z])\)?")
_LIST = re.compile(r"[\s,;&$€£¥\[\](){}]|\b(?:and|then)\b|和")
_QUOTES = " \"'“”‘’*_#"
_ITEM = re.compile(r"^\s*(?:\d+[.):、]|[-*•])\s+")
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？]")
_ANNOTATION = re.compile(r"<<[^<>\n]*>>")


class Kind(StrEnum):
    """What a final answer is made of."""

    NUMBER = "number"
    OPTION = "option"
    TEXT = "text"


def final_answer(text: str) -> str:
    """The answer that a text ends in, without its marker and dressing; the empty string for an empty text.

    Of several markers the last one counts, since a worked answer may correct itself.
    """
    text = _plain(text)
    found = _marked(text)
    if found is None:
        found = _unmarked(text)
    return _tidy(found)


def kind_of(known: str) -> Kind:
    """The kind of a known answer: a lone letter is an option, anything that names a number is a number, else text."""
    answer = final_answer(known)
    if option_of(answer.casefold()):
        return Kind.OPTION
    return Kind.NUMBER if NUMBER.search(answer) else Kind.TEXT


def final_of_kind(text: str, kind: Kind) -> str | None:
    """The final answer of a text if it has a recognisable one of that kind, else None.

    Without a marker a number counts in the last sentence only, unless it numbers an item of a list, and words when they
    are all that a short text says.
    """
    plain = _plain(text)
    marked = _marked(plain)
    last_line = plain.rpartition("\n")[2]
    if kind is Kind.NUMBER:
        answer = _tidy(_last_number(last_line) if marked is None else marked)
        return answer if NUMBER.search(answer) else None
    answer = _tidy(_unmarked(last_line) if marked is None else marked)
    if kind is Kind.OPTION:
        return answer if option_of(answer.casefold()) else None
    said = marked is not None or (len(plain) <= SHORT and last_line == plain)
    return answer if answer and said else None


def option_of(answer: str) -> tuple[str, str] | None:
    """The letter of an option and what stands beside it ('b) 45' is b and 45), of an answer in lower case."""
    if match := _LETTER.fullmatch(answer):
        return match["letter"], ""
    match = _OPTION.fullmatch(answer)
    return (match["letter"], match["rest"].strip()) if match else None


def _plain(text: str) -> str:
    text = text[-TAIL:].replace("\r\n", "\n")
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2044", "/").replace("\u2212", "-")
    text = _ANNOTATION.sub("", text)
    return re.sub(r"\*\*|__|`", "", text).strip()


def _marked(text: str) -> str | None:
    """What follows the last marker, or None when the text has none."""
    found = [(match.start(), match["answer"]) for marker in _MARKERS for match in marker.finditer(text)]
    found += _boxes(text)
    found = [(start, answer) for start, answer in found if _tidy(answer)]
    return max(found)[1] if found else None


def _boxes(text: str) -> list[tuple[int, str]]:
    """The contents of every \\boxed{...}, braces balanced, with where each begins."""
    found: list[tuple[int, str]] = []
    opened: list[tuple[int, int]] = []
    for match in re.finditer(r"(?P<box>\\boxed\s*)?\{|\}", text):
        if match.group() != "}":
            opened.append((match.start() if match["box"] else -1, match.end()))
        elif opened:
            start, inside = opened.pop()
            if start >= 0:
                found.append((start, text[inside : match.start()]))
    return found


def _unmarked(text: str) -> str:
    """A short text whole when it names at most one number or lists several; else the last number, if there is one."""
    numbers = list(NUMBER.finditer(text))
    listed = not _LIST.sub("", without_numbers(text)).strip(" .")
    if not numbers or listed or (len(text) <= SHORT and len(numbers) == 1):
        return text
    return numbers[-1].group()


def _last_number(line: str) -> str:
    """The numbers that a line consists of, with a word for their unit, else the last one of its last sentence."""
    line = _ITEM.sub("", line)
    if len(without_numbers(line).split()) <= 1:
        return line
    numbers = [match.group() for match in NUMBER.finditer(_SENTENCE_END.split(line.rstrip(" .!?。"))[-1])]
    return numbers[-1] if numbers else ""


def _tidy(answer: str) -> str:
    """Without formula signs, quotes and closing punctuation; of an equation only the right-hand side."""
    answer = re.sub(r"\\(?:text|mathrm|mbox)\s*\{([^{}]*)\}", r"\1", answer)
    answer = re.sub(r"\\d?frac\s*\{([^{}]+)\}\s*\{([^{}]+)\}", r"\1/\2", answer)
    answer = re.sub(r"\\[()\[\],;!]|\\\s", " ", answer).replace("\\$", "$").replace("\\%", "%")
    answer = re.split(r",?\s(?:because|since)\b", answer.rpartition("=")[2][-LONGEST:])[0]
    answer = " ".join(answer.split()).lstrip(_QUOTES + ":;,").rstrip(_QUOTES + ":;,。.!?")
    return answer.strip("$ ") if answer.endswith("$") else answer
