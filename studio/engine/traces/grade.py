"""Exact match of final answers: finds the answer a text ends in, and says whether two texts end in the same one.

The rules are fixed and shallow on purpose. A marker ('#### 18', 'A: 18', 'The answer is 18.', a box) is believed before
anything else; without one a short text is its own answer and a longer one ends in its last number.
"""

import re
import unicodedata

from studio.engine.traces.numbers import NUMBER, numbers_of, same_numbers, without_numbers

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
_ANNOTATION = re.compile(r"<<[^<>\n]*>>")


def final_answer(text: str) -> str:
    """The answer that a text ends in, without its marker and dressing; the empty string for an empty text.

    Of several markers the last one counts, since a worked answer may correct itself.
    """
    text = _plain(text)
    found = _marked(text)
    if found is None:
        found = _unmarked(text)
    return _tidy(found)


def same_answer(a: str, b: str) -> bool:
    """Whether two texts end in the same answer.

    Numbers are compared as numbers ($1,000 = 1000 = 1000.0), several of them in order; words without regard to case; an
    option by its letter ('B' = 'B) 45'). A unit may be left out by one side, but two different units differ.
    """
    first, second = final_answer(a).casefold(), final_answer(b).casefold()
    if not first or not second:
        return False
    if first == second:
        return True
    return _same_option(first, second) or _same_value(first, second)


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


def _tidy(answer: str) -> str:
    """Without formula signs, quotes and closing punctuation; of an equation only the right-hand side."""
    answer = re.sub(r"\\(?:text|mathrm|mbox)\s*\{([^{}]*)\}", r"\1", answer)
    answer = re.sub(r"\\d?frac\s*\{([^{}]+)\}\s*\{([^{}]+)\}", r"\1/\2", answer)
    answer = re.sub(r"\\[()\[\],;!]|\\\s", " ", answer).replace("\\$", "$").replace("\\%", "%")
    answer = re.split(r",?\s(?:because|since)\b", answer.rpartition("=")[2][-LONGEST:])[0]
    answer = " ".join(answer.split()).lstrip(_QUOTES + ":;,").rstrip(_QUOTES + ":;,。.!?")
    return answer.strip("$ ") if answer.endswith("$") else answer


def _same_option(first: str, second: str) -> bool:
    """Whether both name the same option: by letter where both give one, else by what stands beside the letter."""
    one, other = _option(first), _option(second)
    if one is None and other is None:
        return False
    if one and other:
        return one[0] == other[0]
    (_, rest), plain = (one, second) if one else (other or ("", ""), first)
    return bool(rest) and (rest == plain or _same_value(rest, plain))


def _option(answer: str) -> tuple[str, str] | None:
    if match := _LETTER.fullmatch(answer):
        return match["letter"], ""
    match = _OPTION.fullmatch(answer)
    return (match["letter"], match["rest"].strip()) if match else None


def _same_value(first: str, second: str) -> bool:
    """Whether the numbers agree and the words beside them do not contradict each other."""
    if not same_numbers(numbers_of(first), numbers_of(second)):
        return False
    words, others = (set(re.findall(r"[^\W\d_]+", without_numbers(text))) for text in (first, second))
    return words <= others or others <= words
