"""Local imitation (The False Promise, arXiv 2305.15717): a handful of questions with answers of one kind, five of them
in each request, and pairs that are similar but different asked for."""

from collections.abc import Sequence
from random import Random

from studio.engine.prompts.invention.asking import Question
from studio.engine.prompts.invention.round import BEYOND_COUNT, Harvest, Invented, Round, listed
from studio.engine.prompts.invention.seeds import Seed

SHOWN = 5
WANTED = 5


def invent(round: Round) -> Harvest:
    requests, asked = round.plan.requests_for(round.wanted), round.cursor.get("asked", 0)
    seeds, rng = round.material.seeds(), round.rng
    harvest = Harvest({"asked": asked + requests})
    questions = [_question(round, seeds, rng, asked + place) for place in range(1, requests + 1)]
    for reply in round.ask("pairs", questions, round.plan.way.parameters):
        for pair in listed(reply, harvest, "question", "answer"):
            _harvest(round, harvest, pair.get("question", "").strip(), pair.get("answer", "").strip())
    return harvest


def _harvest(round: Round, harvest: Harvest, question: str, answer: str) -> None:
    fault = "empty" if not question else "empty_output" if not answer else round.pool.fault(question)
    fault = fault or (None if len(harvest.kept) < round.wanted else BEYOND_COUNT)
    if fault:
        harvest.dropped[fault] += 1
        return
    round.pool.add(question)
    harvest.kept.append(Invented(question, {"method": round.plan.method, "round": round.number, "output": answer}))


def _question(round: Round, seeds: Sequence[Seed], rng: Random, request: int) -> Question:
    shown = rng.sample(seeds, min(SHOWN, len(seeds)))
    examples = [round.wording("example", instruction=seed.text, output=seed.answer) for seed in shown]
    return Question(round.wording("pairs", examples="\n\n".join(examples), request=request, wanted=WANTED))
