"""Asking and understanding: from families and a seed to worded questions, and from a question's text to its problem."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from studio.engine.practice.families import FAMILIES
from studio.engine.practice.problem import ASKED, Family, Problem

STANDARD_LEVEL = 2


@dataclass(frozen=True)
class WordedProblem:
    """A worded problem and the answer that exact match expects."""

    prompt: str
    answer: str
    family: str
    problem: Problem


def ask(families: Sequence[str], count: int, seed: int, level: int = STANDARD_LEVEL) -> Iterator[WordedProblem]:
    """`count` different questions, the families in turn, reproducible from `seed`.

    All of them come from the half of the world that the practice base has not read (see `Problem.half`). A family with
    few problems at a level repeats none: it gives way to the others once `MISSES` draws in a row found nothing new.
    """
    rng = Random(f"{seed}:{level}:{','.join(families)}")
    seen: set[str] = set()
    waiting = list(families)
    made = 0
    while made < count and waiting:
        for name in tuple(waiting):
            if made == count:
                return
            question = _draw_new(FAMILIES[name], rng, level, seen)
            if question is None:
                waiting.remove(name)
                continue
            seen.add(question.prompt)
            made += 1
            yield question


MISSES = 200


def _draw_new(family: Family, rng: Random, level: int, seen: set[str]) -> WordedProblem | None:
    for _ in range(MISSES):
        problem = family.draw(rng, level)
        if problem.half != ASKED:
            continue
        prompt = word(family, problem, rng)
        if prompt not in seen:
            return WordedProblem(prompt, family.work(problem).answer, family.name, problem)
    return None


def word(family: Family, problem: Problem, rng: Random) -> str:
    """One of the family's wordings of a problem."""
    suits = getattr(family, "suits", lambda problem, wording: True)
    wording = rng.choice([wording for wording in family.wordings if suits(problem, wording)])
    return wording.format(**family.express(problem))


def understand(text: str) -> Problem | None:
    """The problem that a question states, or None when no family recognises it."""
    text = " ".join(text.split())
    for family in FAMILIES.values():
        for wording, pattern in _patterns(family.name):
            if match := pattern.fullmatch(text):
                problem = family.understand({**match.groupdict(), "wording": wording})
                if problem is not None:
                    return problem
    return None


@cache
def _patterns(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """A wording is read back by the same string that asks it: each field becomes a named group, later ones repeats."""
    family = FAMILIES[name]
    return tuple((wording, _pattern(wording, family.fields)) for wording in family.wordings)


def _pattern(wording: str, fields: dict[str, str]) -> re.Pattern[str]:
    known: set[str] = set()
    parts = []
    for piece in re.split(r"(\{\w+\})", wording):
        name = piece[1:-1] if piece.startswith("{") else ""
        if not name:
            parts.append(re.escape(piece))
        elif name in known:
            parts.append(f"(?P={name})")
        else:
            known.add(name)
            parts.append(f"(?P<{name}>{fields[name]})")
    return re.compile("".join(parts).rstrip("?.").rstrip("\\") + r"\s*[.?!]?", re.IGNORECASE)
