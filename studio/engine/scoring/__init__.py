"""What an answer is worth, whoever gave it: final answers and scorers, text measures, agreement, rubric questions, and
the answers that were given, each asked for once."""

from studio.engine.scoring.agreement import Agreement, agreement
from studio.engine.scoring.answers import Answers, AnswerSettings, AnswerSubject, Question
from studio.engine.scoring.exact_match import EXACT_MATCH, same_answer, same_where_known
from studio.engine.scoring.extraction import final_answer
from studio.engine.scoring.rouge import common_length, f_measure, rouge_l
from studio.engine.scoring.rubric import Level, Rubric, Verdict
from studio.engine.scoring.score import Score, Scorer
from studio.engine.scoring.scorers import SCORERS, scorer_named
from studio.engine.scoring.text_measures import unigram_f1

__all__ = [
    "EXACT_MATCH",
    "SCORERS",
    "Agreement",
    "AnswerSettings",
    "AnswerSubject",
    "Answers",
    "Level",
    "Question",
    "Rubric",
    "Score",
    "Scorer",
    "Verdict",
    "agreement",
    "common_length",
    "f_measure",
    "final_answer",
    "rouge_l",
    "same_answer",
    "same_where_known",
    "scorer_named",
    "unigram_f1",
]
