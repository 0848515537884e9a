"""Local imitation (The False Promise, arXiv 2305.15717): a handful of questions with answers of one kind, five of them
in each request, and pairs that are similar but different asked for."""

from collections.abc import Sequence
from random import Random

from studio.engine.prompts.invention.asking import InventionQuestion
from studio.engine.prompts.invention.round import BEYOND_COUNT, Invented, Round, RoundResult, listed
from studio.engine.prompts.invention.seeds import Seed

SHOWN = 5
WANTED = 5


def invent(round: Round) -> RoundResult:
    requests, asked = round.plan.requests_for(round.wanted), round.cursor.get("asked", 0)
    seeds, rng = round.material.seeds(), round.rng
    result = RoundResult({"asked": asked + requests})
    questions = [_question(round, seeds, rng, asked + place) for place in range(1, requests + 1)]
    for reply in round.ask("pairs", questions, round.plan.way.parameters):
        for pair in listed(reply, result, "question", "answer"):
            _take(round, result, pair.get("question", "").strip(), pair.get("answer", "").strip())
    return result


def _take(round: Round, result: RoundResult, question: str, answer: str) -> None:
    fault = "empty" if not question else "empty_output" if not answer else round.pool.fault(question)
    fault = fault or (None if len(result.kept) < round.wanted else BEYOND_COUNT)
    if fault:
        result.dropped[fault] += 1
        return
    round.pool.add(question)
    result.kept.append(Invented(question, {"method": round.plan.method, "round": round.number, "output": answer}))


def _question(round: Round, seeds: Sequence[Seed], rng: Random, request: int) -> InventionQuestion:
    shown = rng.sample(seeds, min(SHOWN, len(seeds)))
    examples = [round.wording("example", instruction=seed.text, output=seed.answer) for seed in shown]
    return InventionQuestion(round.wording("pairs", examples="\n\n".join(examples), request=request, wanted=WANTED))
