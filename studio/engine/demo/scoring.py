"""Scores a model's answers to unseen problems: exact match, overall and by family, and likeness of style."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from studio.engine import scoring
from studio.engine.practice import WordedProblem
from studio.engine.scoring import EXACT_MATCH, unigram_f1


@dataclass(frozen=True)
class PracticeScore:
    """Shares between 0 and 1 over the same unseen problems."""

    exact_match: float
    by_family: dict[str, float]
    responses: tuple[str, ...]

    def style_similarity(self, teacher: "PracticeScore") -> float:
        """Mean unigram F1 between this model's and the teacher's answer to the same problem."""
        pairs = list(zip(self.responses, teacher.responses, strict=True))
        return round(sum(unigram_f1(own, other) for own, other in pairs) / len(pairs), 4)


def score(questions: Sequence[WordedProblem], responses: Sequence[str]) -> PracticeScore:
    hits: dict[str, list[bool]] = defaultdict(list)
    for question, response in zip(questions, responses, strict=True):
        right = EXACT_MATCH.score(question.prompt, response, question.answer).is_right
        hits[question.family].append(right is True)
    every = [hit for family in hits.values() for hit in family]
    by_family = {family: round(sum(rows) / len(rows), 4) for family, rows in hits.items()}
    return PracticeScore(round(sum(every) / len(every), 4), by_family, tuple(responses))


def questions_of(questions: Sequence[WordedProblem]) -> list[scoring.Question]:
    """Each problem as it is asked: its prompt alone."""
    return [scoring.Question([{"role": "user", "content": question.prompt}]) for question in questions]
