"""Self-Instruct (arXiv 2212.10560): new instructions from a few shown ones, then whether each is a classification task,
then its instances, the answer first where it is. Every reply goes through the paper's filters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from studio.engine.prompts.invention import lists, rules
from studio.engine.prompts.invention.asking import InventionQuestion, InventionReply
from studio.engine.prompts.invention.round import (
    BEYOND_COUNT,
    CUT_OFF,
    NO_REPLY,
    Invented,
    Round,
    RoundResult,
    listed,
    with_input,
)
from studio.engine.prompts.invention.rules import Instance
from studio.engine.prompts.invention.seeds import Seed

SHOWN, OF_THEM_INVENTED = 8, 2
WANTED = 8
SHOWN_VERDICTS = 8
VERDICT = {"temperature": 0}
INSTANCES = {"temperature": 0, "presence_penalty": 1.5}
"""Section A.1 of the paper: only the instructions are sampled."""


@dataclass(frozen=True)
class _Task:
    instruction: str
    is_classification: bool = False


def invent(round: Round) -> RoundResult:
    """One round: at most as many instructions go on to have instances made as prompts are missing."""
    requests, asked = round.plan.requests_for(round.wanted), round.cursor.get("asked", 0)
    result = RoundResult({"asked": asked + requests})
    seeds, rng = round.material.seeds(), round.rng
    questions = [_instructions_question(round, seeds, rng, asked + place) for place in range(1, requests + 1)]
    replies = round.ask("instructions", questions, round.plan.way.parameters)
    tasks = list(_sound_tasks(round, result, replies))
    verdicts = round.ask("classification", _verdict_questions(round, seeds, rng, tasks), VERDICT)
    tasks = [_Task(task.instruction, _is_yes(said)) for task, said in zip(tasks, verdicts, strict=True)]
    examples = round.ask("instances", [_instance_question(round, task) for task in tasks], INSTANCES)
    for task, reply in zip(tasks, examples, strict=True):
        _take(round, result, task, reply)
    return result


def instances_in(reply: InventionReply) -> tuple[list[Instance], int]:
    """(instances in a reply, how many were cut off). A reply that names no field is an output without an input."""
    found = lists.fields(reply.text, "input", "output", "label")
    if not found:
        return [Instance("", reply.text.strip())], 0
    instances = [
        Instance(lists.given_input(one.get("input")), one.get("output") or one.get("label") or "") for one in found
    ]
    cut = 1 if reply.cut_off and instances else 0
    return instances[: len(instances) - cut], cut


def _sound_tasks(round: Round, result: RoundResult, replies: Sequence[InventionReply | None]) -> Iterator[_Task]:
    room = round.wanted
    for reply in replies:
        for record in listed(reply, result, "instruction"):
            instruction = record.get("instruction", "")
            fault = rules.fault_of_instruction(instruction, ascii_start=round.plan.ascii_start)
            fault = fault or round.pool.fault(instruction) or (None if room else BEYOND_COUNT)
            if fault:
                result.dropped[fault] += 1
            else:
                room -= 1
                round.pool.add(instruction, is_kept=False)
                yield _Task(instruction)


def _take(round: Round, result: RoundResult, task: _Task, reply: InventionReply | None) -> None:
    found, cut = instances_in(reply) if reply else ([], 0)
    kept, faults = rules.sound_instances(found)
    result.dropped.update(faults if reply else [NO_REPLY])
    result.dropped.update([CUT_OFF] * cut)
    if not kept:
        return result.spent.append(task.instruction)
    room = round.wanted - len(result.kept)
    result.dropped.update([BEYOND_COUNT] * (len(kept) - room))
    round.pool.kept.append(task.instruction)
    for instance in kept[:room]:
        detail = {
            "method": round.plan.method, "round": round.number, "classification": task.is_classification,
            "input": instance.input, "output": instance.output,
        }  # fmt: skip
        result.kept.append(Invented(with_input(task.instruction, instance.input), detail))
    return None


def _instructions_question(round: Round, seeds: Sequence[Seed], rng: Random, request: int) -> InventionQuestion:
    shown = rng.sample(round.pool.kept, min(OF_THEM_INVENTED, len(round.pool.kept)))
    shown += [seed.instruction for seed in rng.sample(seeds, min(SHOWN - len(shown), len(seeds)))]
    rng.shuffle(shown)
    lines = [
        round.wording("example", number=number, instruction=" ".join(one.split()))
        for number, one in enumerate(shown, 1)
    ]
    first = len(shown) + 1
    values = {"request": request, "wanted": WANTED, "first": first, "last": first + WANTED - 1}
    return InventionQuestion(round.wording("instructions", examples="\n".join(lines), **values))


def _verdict_questions(
    round: Round, seeds: Sequence[Seed], rng: Random, tasks: Sequence[_Task]
) -> list[InventionQuestion]:
    """The same examples for every task of a round, as many of either kind, where the seeds say what they are."""
    marked = {kind: [seed for seed in seeds if seed.is_classification is kind] for kind in (True, False)}
    each = min(SHOWN_VERDICTS // 2, *map(len, marked.values()))
    shown = [(seed, kind) for kind, ones in marked.items() for seed in rng.sample(ones, each)]
    rng.shuffle(shown)
    examples = [
        round.wording("classification-example", instruction=seed.instruction, verdict="Yes" if kind else "No")
        for seed, kind in shown
    ]
    before = "".join(f"{example}\n\n" for example in examples)
    return [
        InventionQuestion(round.wording("classification", examples=before, instruction=task.instruction))
        for task in tasks
    ]


def _instance_question(round: Round, task: _Task) -> InventionQuestion:
    template = "output-first" if task.is_classification else "input-first"
    return InventionQuestion(round.wording(template, instruction=task.instruction))


def _is_yes(reply: InventionReply | None) -> bool:
    said = reply.text.strip(" \n\t*_\"'`。.").lower() if reply else ""
    return said.removeprefix("classification:").lstrip().startswith(("yes", "是"))
