"""One rubric question: a judge is asked one criterion with its scale, and its verdict is read out of free text."""

import json
import re
from dataclasses import dataclass
from functools import cached_property

LONGEST = 20_000
"""Characters of a reply, from its end, in which a verdict is looked for; a judge caught in a loop must not hold us."""
LONGEST_REASON = 2_000
_MARKED = re.compile(
    r"(?:^|(?<=[\n.!?。]))[*_#` \t-]*(?:final[ \t]+)?(?:verdict|score|rating|grade|判定|结论|评分|得分)[*_` \t]*[:=：]"
    r"(?P<said>[^\n]*)|\[\[(?P<boxed>[^\]\n]{1,80})\]\]",
    re.I,
)
_REASON = re.compile(
    r"(?:^|\n)[*_#` \t-]*(?:reason|because|explanation|理由|原因)[*_` \t]*[:：](?P<said>.*)", re.I | re.S
)
_OBJECT = re.compile(r"\{[^{}]*\}")
_VERDICT_KEYS, _REASON_KEYS = ("verdict", "score", "rating", "grade"), ("reason", "explanation", "rationale")


@dataclass(frozen=True)
class Level:
    """One answer of the scale; `words` are other ways of saying it."""

    name: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """`level` is the name of a level, None when the reply could not be read; `fault` then says why."""

    level: str | None
    reason: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Rubric:
    criterion: str
    scale: tuple[Level, ...]

    def question(self, about: str) -> str:
        """What a judge is asked about a text: this one criterion, its levels, and how to answer."""
        levels = "\n".join(f"- {level.name}" for level in self.scale)
        return (
            f"{self.criterion}\n\n{about}\n\nChoose one of:\n{levels}\n\n"
            "Give your reason in a sentence or two on a line that begins with 'Reason:', then your choice alone on a "
            "line that begins with 'Verdict:'."
        )

    def read(self, reply: str) -> Verdict:
        """The verdict and the reason of a reply: from an object, behind a marker, or the only level that it names."""
        text = reply[-LONGEST:].strip()
        if not text:
            return Verdict(None, fault="the reply is empty")
        return self._from_object(text) or self._from_marker(text) or self._from_words(text)

    def _from_object(self, text: str) -> Verdict | None:
        for match in reversed([*_OBJECT.finditer(text)]):
            try:
                found = json.loads(match.group())
            except ValueError:
                continue
            said = _first(found, _VERDICT_KEYS)
            levels = self._named(said)
            if levels:
                return Verdict(levels[0], _first(found, _REASON_KEYS)[:LONGEST_REASON])
        return None

    def _from_marker(self, text: str) -> Verdict | None:
        """The last marker that a level follows; of '4 of 5' the first number is meant."""
        for match in reversed([*_MARKED.finditer(text)]):
            levels = self._named(match["said"] or match["boxed"] or "")
            if levels:
                return Verdict(levels[0], _reason(text[: match.start()], text[match.end() :]))
        return None

    def _from_words(self, text: str) -> Verdict:
        named = list(dict.fromkeys(self._named(text)))
        if len(named) == 1:
            return Verdict(named[0], _reason(text, ""))
        if named:
            return Verdict(None, _reason(text, ""), f"the reply names several levels: {', '.join(named)}")
        levels = ", ".join(level.name for level in self.scale)
        return Verdict(None, _reason(text, ""), f"the reply names no level of the scale ({levels})")

    def _named(self, text: str) -> list[str]:
        return [self._level_of[match.group().casefold()] for match in self._pattern.finditer(text)]

    @cached_property
    def _level_of(self) -> dict[str, str]:
        return {word.casefold(): level.name for level in self.scale for word in (level.name, *level.words)}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """All words of the scale, longer ones first, so that 'not equal' is not read as 'equal'."""
        words = sorted(self._level_of, key=len, reverse=True)
        return re.compile("|".join(_bounded(word) for word in words), re.I)


def _bounded(word: str) -> str:
    """A word on its own; in scripts without spaces wherever it stands."""
    if not word.isascii():
        return re.escape(word)
    return rf"(?<![a-z0-9_.-]){re.escape(word)}(?![a-z0-9_]|\.\d)"


def _first(found: dict[str, object], keys: tuple[str, ...]) -> str:
    by_key = {key.lower(): value for key, value in found.items()}
    return next((str(by_key[key]) for key in keys if key in by_key), "")


def _reason(before: str, after: str) -> str:
    """What is marked as the reason, else what stands before the verdict, else what follows it."""
    marked = _REASON.search(before) or _REASON.search(after)
    said = marked["said"] if marked else before if before.strip(" \n*_#") else after
    return said.strip(" \n*_#")[:LONGEST_REASON]
