"""The engine's sentences in the words of a page.

The engine says what is wrong in one English sentence: the command line prints it, errors carry it, rows keep it, child
processes send it. `assets/translations/sentences/*.yaml` has each of them as a template, by which it is known again:

    Sentences("zh", folder).told("There is no file a.csv. Check the path.")     # 没有文件 a.csv。请检查路径。

A value between quotes is somebody's word and stays as it is; any other may be a sentence or a word of its own. What no
template fits, such as a provider's message, stays as it is. A test collects the templates from the source.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path

import yaml

from studio.engine.domain.permissions import Action
from studio.engine.domain.status import WORDS
from studio.ui.catalogue import FastLoader, catalogue

FOLDER = "sentences"
LONGEST = 4000
"""Characters; a longer text is no sentence of the engine."""
DEEPEST = 4
"""How deep sentences stand in each other."""
MOST_BESIDE = 12
"""Sentences side by side that are looked at; an engine's refusal has a few."""
MOST_IN_ONE = 4
"""Sentences that one template may hold when more follow it."""
TITLE, ACTION = "title", "action"
"""Holes that what a job is called, and what somebody may not do, stand in: words that mean this nowhere else."""
HOLE = re.compile(r"\{([a-z]\w*)\}")
BETWEEN = re.compile(r"(?<=[.?!])\s+")
ANEW = re.compile(r" [A-Z]")


@dataclass(frozen=True)
class Template:
    """A sentence with named holes: `literals` stand around them, one more than there are `names`; `weight` is how many
    characters are fixed. Of those that fit the heaviest is the one that was meant."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    en: str
    zh: str
    weight: int

    @classmethod
    def of(cls, say: str, en: str, zh: str) -> "Template":
        parts = HOLE.split(say)
        return cls(tuple(parts[::2]), tuple(parts[1::2]), en, zh, sum(map(len, parts[::2])))

    def quoted(self, place: int) -> bool:
        """Whether the hole at that place stands between quotes."""
        return self.literals[place].endswith("'") and self.literals[place + 1].startswith("'")

    def values(self, text: str) -> list[str] | None:
        """What stands in the holes of a text, or None when the text is another sentence. Linear in its length."""
        first, *rest = self.literals
        if not rest:
            return [] if text == first else None
        last = rest[-1]
        if len(text) < self.weight or not text.startswith(first) or not text.endswith(last):
            return None
        end, at, found = len(text) - len(last), len(first), []
        for literal in rest[:-1]:
            place = text.find(literal, at, end)
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(literal)
        values = [*found, text[at:end]]
        return values if at <= end and self._may_begin_with(values[0]) else None

    def _may_begin_with(self, value: str) -> bool:
        """A sentence that begins with a hole does not begin with another sentence, unless its own words begin anew."""
        return bool(self.literals[0]) or bool(ANEW.match(self.literals[1])) or not BETWEEN.search(value)


class Sentences:
    """What the engine says, in one language."""

    def __init__(self, language: str, folder: Path) -> None:
        self.language, self._folder = language, folder
        self._templates = templates(folder)
        self._in_their_place = {TITLE: titles(folder), ACTION: actions(folder)}
        self._joint = " " if language == "en" else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sentences) and (self.language, self._folder) == (other.language, other._folder)

    def __hash__(self) -> int:
        return hash((self.language, self._folder))

    def told(self, text: str) -> str:
        """The text in the page's words; as it is where no template fits."""
        return _told(self, text) if 0 < len(text) <= LONGEST else text

    def put(self, text: str) -> str:
        """The same, not asked for before."""
        return self._told(text, DEEPEST)

    def _told(self, text: str, deep: int) -> str:
        stripped = text.strip()
        whole = self._whole(stripped, deep)
        if whole is None:
            whole = self._one_by_one(stripped, deep)
        return text if whole == stripped else self._spaced(text, whole)

    def _one_by_one(self, text: str, deep: int) -> str:
        """Sentences side by side: the longest head that a template fits, or the first sentence as it is, then the
        rest. After `MOST_BESIDE` of them the rest stays as it is."""
        said, rest = "", text
        for _ in range(MOST_BESIDE):
            ends = [*islice(BETWEEN.finditer(rest), MOST_IN_ONE)]
            if not ends:
                break
            head, after = self._head(rest, ends, deep)
            said, rest = said + head, rest[after:]
            whole = self._whole(rest, deep)
            if whole is not None:
                return said + whole
        return said + rest

    def _head(self, text: str, ends: list[re.Match[str]], deep: int) -> tuple[str, int]:
        """What the text begins with, in words, and where the rest begins."""
        for end in reversed(ends):
            head = self._whole(text[: end.start()], deep)
            if head is not None:
                return head + self._joint, end.end()
        return text[: ends[0].end()], ends[0].end()

    def _spaced(self, text: str, told: str) -> str:
        """English keeps the spaces around a text; Chinese needs none."""
        return text.replace(text.strip(), told, 1) if self.language == "en" else told

    def _whole(self, text: str, deep: int) -> str | None:
        return self._said_by(self._templates, text, deep)

    def _said_by(self, templates: Iterable[Template], text: str, deep: int) -> str | None:
        for template in templates:
            values = template.values(text)
            if values is not None:
                return self._filled(template, values, deep)
        return None

    def _filled(self, template: Template, values: list[str], deep: int) -> str:
        given: dict[str, str] = {}
        for place, (name, value) in enumerate(zip(template.names, values, strict=True)):
            if template.quoted(place) or deep == 0:
                given[name] = value
            elif name in self._in_their_place:
                given[name] = self._said_by(self._in_their_place[name], value, 0) or value
            else:
                given[name] = self._told(value, deep - 1)
        words = template.en if self.language == "en" else template.zh
        return HOLE.sub(lambda hole: given.get(hole[1], hole[0]), words)


@lru_cache(maxsize=2_000)
def _told(sentences: Sentences, text: str) -> str:
    """Pages ask for the same sentences at every reading."""
    return sentences.put(text)


@cache
def templates(folder: Path) -> tuple[Template, ...]:
    """Every template of the catalogue, and what a row may be left out for, the heaviest first."""
    made = [Template.of(entry["say"], entry.get("page", entry["say"]), entry["zh"]) for entry in entries(folder)]
    return _heaviest_first([*made, *_statuses(folder, "row_")])


@cache
def titles(folder: Path) -> tuple[Template, ...]:
    """What jobs are called, the heaviest first."""
    return _heaviest_first(_statuses(folder, "title_"))


@cache
def actions(folder: Path) -> tuple[Template, ...]:
    """What somebody may or may not do."""
    words = catalogue(folder, "names")
    known = [(action.value, words[f"action.{action.value}"]) for action in Action]
    return tuple(Template.of(value, entry["en"], entry["zh"]) for value, entry in known)


def _statuses(folder: Path, begins: str) -> Iterator[Template]:
    for code, entry in catalogue(folder, "status").items():
        if code.startswith(begins):
            yield Template.of(WORDS[code], entry["en"], entry["zh"])


def _heaviest_first(made: Iterable[Template]) -> tuple[Template, ...]:
    return tuple(sorted(made, key=lambda template: template.weight, reverse=True))


def entries(folder: Path, name: str = "*") -> Iterator[dict[str, str]]:
    """The entries of one file of the catalogue, or of all: `say`, `zh`, and `page` where a page's English differs."""
    for path in sorted((folder / FOLDER).glob(f"{name}.yaml")):
        yield from yaml.load(path.read_text(encoding="utf-8"), Loader=FastLoader)
