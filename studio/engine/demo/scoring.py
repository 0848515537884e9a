"""Scores a model's answers to unseen problems: exact match, overall and by family, and likeness of style."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.engine.evaluation.style import unigram_f1
from studio.engine.practice.world import Question
from studio.engine.traces.grade import same_answer


@dataclass(frozen=True)
class Score:
    """Shares between 0 and 1 over the same unseen problems."""

    exact_match: float
    by_family: dict[str, float]
    responses: tuple[str, ...]

    def style_similarity(self, teacher: "Score") -> float:
        """Mean unigram F1 between this model's and the teacher's answer to the same problem."""
        pairs = list(zip(self.responses, teacher.responses, strict=True))
        return round(sum(unigram_f1(own, other) for own, other in pairs) / len(pairs), 4)


def score(questions: Sequence[Question], responses: Sequence[str]) -> Score:
    hits: dict[str, list[bool]] = defaultdict(list)
    for question, response in zip(questions, responses, strict=True):
        hits[question.family].append(same_answer(response, question.answer))
    every = [hit for family in hits.values() for hit in family]
    by_family = {family: round(sum(rows) / len(rows), 4) for family, rows in hits.items()}
    return Score(round(sum(every) / len(every), 4), by_family, tuple(responses))


def conversations(questions: Sequence[Question], system_message: str = "") -> list[list[dict[str, Any]]]:
    """Each question as chat messages, after the system message if there is one."""
    before = [{"role": "system", "content": system_message}] if system_message else []
    return [[*before, {"role": "user", "content": question.prompt}] for question in questions]
