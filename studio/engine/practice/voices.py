"""How the practice teacher speaks: the intent read from a system message, and the answer said in that manner."""

import re
from enum import StrEnum

from studio.engine.practice.families import FAMILIES
from studio.engine.practice.problem import Work
from studio.engine.practice.world import understand

PLAIN, THOROUGH = "practice-plain", "practice-thorough"
PRACTICE_MODELS = (PLAIN, THOROUGH)


class Intent(StrEnum):
    SILENT = "silent"
    BRIEF = "brief"
    HELPFUL = "helpful"
    DETAILED = "detailed"
    STEPS = "step by step"
    JUSTIFY = "justify a choice"
    CHILD = "explain to a child"


_SIGNS: tuple[tuple[Intent, str], ...] = (
    (Intent.CHILD, r"child|five.year|years? old|kid\b|young|simple words|beginner"),
    (Intent.JUSTIFY, r"option|choice|choose|alternative|why (?:the )?others?|multiple.choice"),
    (Intent.STEPS, r"step|reason|think|show (?:your|the) work|work(?:ing)? (?:it )?out|justif|explain how|how you"),
    (
        Intent.BRIEF,
        r"brief|short|concise|only the (?:final )?answer|just the (?:final )?answer|nothing else|without expl"
        r"|no expl|do not explain|terse|final answer only|answer only|answer alone",
    ),
    (Intent.DETAILED, r"detail|thorough|long|explain|explanation|teacher|elaborat|complete|full"),
)


def intent_of(system_message: str) -> Intent:
    """What a system message asks for, by the words it uses; an explicit wish for brevity outranks the rest."""
    text = system_message.lower()
    if not text.strip():
        return Intent.SILENT
    brief = dict(_SIGNS)[Intent.BRIEF]
    if re.search(brief, text) and not re.search(r"not (?:too )?(?:brief|short)|short steps", text):
        return Intent.BRIEF
    return next((intent for intent, words in _SIGNS if re.search(words, text)), Intent.HELPFUL)


def answer(model: str, system_message: str, question: str) -> str:
    """The practice teacher's whole answer to one question under one system message."""
    problem = understand(question)
    if problem is None:
        return NOT_UNDERSTOOD
    work = FAMILIES[problem.family].work(problem)
    return speak(work, intent_of(system_message), thorough=model == THOROUGH)


NOT_UNDERSTOOD = (
    "I am a practice teacher, a program and not a language model. I can only solve the problems of my own families "
    f"({', '.join(FAMILIES)}), and this does not look like one of them."
)


def speak(work: Work, intent: Intent, *, thorough: bool) -> str:
    """The parts of a worked solution that the intent calls for; the thorough model says how it reads the result too."""
    final = f"The answer is {work.answer}."
    conclusion = f"So {work.conclusion}."
    match intent:
        case Intent.BRIEF:
            return final
        case Intent.SILENT | Intent.HELPFUL:
            parts = [work.reading, conclusion] if thorough else [_capital(f"{work.conclusion}.")]
        case Intent.STEPS:
            parts = [work.plan, *work.steps, work.reading, conclusion] if thorough else [*work.steps, conclusion]
        case Intent.JUSTIFY:
            parts = [*work.steps, conclusion, work.others]
            parts = [work.plan, *parts] if thorough else parts
        case Intent.CHILD:
            parts = ["Let us do this together.", work.picture, *work.steps, conclusion]
            parts = [*parts, "Well done for following along!"] if thorough else parts
        case Intent.DETAILED:
            numbered = [f"Step {index}: {step}" for index, step in enumerate(work.steps, 1)]
            parts = [work.plan, *numbered, work.reading, conclusion]
            parts = [work.picture, *parts] if thorough else parts
    return " ".join(part for part in [*parts, final] if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
