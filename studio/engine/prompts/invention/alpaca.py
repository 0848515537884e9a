"""Stanford Alpaca's variant: twenty whole tasks in one request, three seeds shown, one instance each, and no question
whether a task is classification. The filters of instructions and instances are Self-Instruct's."""

from collections.abc import Sequence
from random import Random

from studio.engine.prompts.invention import lists, rules
from studio.engine.prompts.invention.asking import InventionQuestion
from studio.engine.prompts.invention.round import BEYOND_COUNT, Invented, Round, RoundResult, listed, with_input
from studio.engine.prompts.invention.rules import Instance
from studio.engine.prompts.invention.seeds import Seed

SHOWN = 3
WANTED = 20


def invent(round: Round) -> RoundResult:
    requests, asked = round.plan.requests_for(round.wanted), round.cursor.get("asked", 0)
    seeds, rng = round.material.seeds(), round.rng
    result = RoundResult({"asked": asked + requests})
    questions = [_question(round, seeds, rng, asked + place) for place in range(1, requests + 1)]
    for reply in round.ask("tasks", questions, round.plan.way.parameters):
        found = listed(reply, result, "instruction", "input", "output")
        # A bare list of instructions is taken as it is: the answer is asked for when answers are collected.
        is_bare = not any("output" in task for task in found)
        for task in found:
            _take(round, result, task, is_bare)
    return result


def _take(round: Round, result: RoundResult, task: lists.Fields, is_bare: bool) -> None:
    instruction = task["instruction"].strip() if "instruction" in task else ""
    instance = Instance(lists.given_input(task.get("input")), task.get("output", ""))
    fault = (
        rules.fault_of_instruction(instruction, ascii_start=round.plan.ascii_start)
        or (None if is_bare else rules.fault_of_instance(instance))
        or round.pool.fault(instruction)
        or (None if len(result.kept) < round.wanted else BEYOND_COUNT)
    )
    if fault:
        result.dropped[fault] += 1
        return
    round.pool.add(instruction)
    detail = {
        "method": round.plan.method, "round": round.number, "input": instance.input, "output": instance.output,
    }  # fmt: skip
    result.kept.append(Invented(with_input(instruction, instance.input), detail))


def _question(round: Round, seeds: Sequence[Seed], rng: Random, request: int) -> InventionQuestion:
    shown = rng.sample(seeds, min(SHOWN, len(seeds)))
    examples = [_example(round, number, seed) for number, seed in enumerate(shown, 1)]
    first = len(shown) + 1
    values = {"request": request, "wanted": WANTED, "first": first, "last": first + WANTED - 1}
    return InventionQuestion(round.wording("tasks", examples="\n\n".join(examples), **values))


def _example(round: Round, number: int, seed: Seed) -> str:
    given = seed.instances[0].input if seed.instances else ""
    return round.wording(
        "example", number=number, instruction=seed.instruction, input=given or "(none)", output=seed.answer or "(...)"
    )
