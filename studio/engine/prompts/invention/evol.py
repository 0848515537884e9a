"""Evol-Instruct (arXiv 2304.12244): each generation makes every prompt harder in one of five ways, or writes a rarer
one of its field; what says nothing new or cannot be answered is dropped, and its parent is evolved again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from studio.engine.prompts.invention import rules
from studio.engine.prompts.invention.asking import InventionQuestion, InventionReply
from studio.engine.prompts.invention.equality import verdict_of
from studio.engine.prompts.invention.lists import unwrapped
from studio.engine.prompts.invention.round import CUT_OFF, NO_REPLY, Invented, Round, RoundResult

IN_DEPTH = ("constraints", "deepen", "concretize", "reasoning", "complicate")
OPERATIONS = (*IN_DEPTH, "breadth")
NO_GAIN = "no_information_gain"
JUDGED = {"temperature": 0}


@dataclass(frozen=True)
class _Attempt:
    """A parent, by the seed of its line and its own place, and what came of evolving it."""

    seed: int
    task: str | None
    parent: str
    parent_place: int | None
    operation: str
    text: str = ""


def invent(round: Round) -> RoundResult:
    """The next prompts of the generation, a request each; then a judge, then an answer for what is left."""
    generation, place = round.cursor.get("generation", 1), round.cursor.get("place", 0)
    parents = _parents(round, generation, place, place + round.plan.requests_for(round.wanted))
    after = place + len(parents)
    ended = after >= round.material.seed_count
    result = RoundResult({"generation": generation + ended, "place": 0 if ended else after})
    result.is_over = result.cursor["generation"] > round.plan.generations
    replies = round.ask("evolve", [_evolving(round, one) for one in parents], round.plan.way.parameters)
    attempts = list(_evolved(round, result, parents, replies))
    attempts = list(_with_gain(round, result, attempts))
    answers = round.ask("answer", [InventionQuestion(one.text) for one in attempts], round.plan.way.parameters)
    for attempt, answer in zip(attempts, answers, strict=True):
        _take(round, result, attempt, answer, generation)
    return result


def operation_of(seed: int, place: int, generation: int) -> str:
    """How the line of the seed at a place is evolved in a generation: all six ways in a random order before one comes
    again, so that a parent that was left as it is does not get the same request twice."""
    order = list(OPERATIONS)
    for turn in range((generation - 1) // len(order) + 1):
        Random(f"{seed}:{place}:{turn}").shuffle(order)
    return order[(generation - 1) % len(order)]


def _parents(round: Round, generation: int, start: int, stop: int) -> list[_Attempt]:
    seeds = round.material.seeds(start, stop)
    newest = round.material.newest_of(range(start, start + len(seeds)))
    found = []
    for place, seed in enumerate(seeds, start):
        parent_place, parent = newest.get(place, (None, seed.text))
        operation = operation_of(round.plan.seed, place, generation)
        found.append(_Attempt(place, seed.task, parent, parent_place, operation))
    return found


def _evolving(round: Round, attempt: _Attempt) -> InventionQuestion:
    if attempt.operation == "breadth":
        return InventionQuestion(round.wording("breadth", prompt=attempt.parent))
    return InventionQuestion(round.wording("depth", prompt=attempt.parent, manner=round.wording(attempt.operation)))


def _evolved(
    round: Round, result: RoundResult, parents: Sequence[_Attempt], replies: Sequence[InventionReply | None]
) -> Iterator[_Attempt]:
    fresh: set[str] = set()
    for parent, reply in zip(parents, replies, strict=True):
        text = unwrapped(reply.text) if reply else ""
        fault = NO_REPLY if reply is None else CUT_OFF if reply.cut_off else rules.fault_of_evolved(text, parent.parent)
        fault = fault or round.pool.fault(text) or ("duplicate" if text in fresh else None)
        if fault:
            result.dropped[fault] += 1
        else:
            fresh.add(text)
            yield _Attempt(parent.seed, parent.task, parent.parent, parent.parent_place, parent.operation, text)


def _with_gain(round: Round, result: RoundResult, attempts: Sequence[_Attempt]) -> Iterator[_Attempt]:
    questions = [InventionQuestion(round.wording("judge", first=one.parent, second=one.text)) for one in attempts]
    for attempt, verdict in zip(attempts, round.ask("judge", questions, JUDGED), strict=True):
        equal = verdict_of(verdict.text) if verdict is not None else None
        if equal:
            result.dropped[NO_GAIN] += 1
            continue
        if equal is None:
            result.unread_verdicts += 1  # Nobody said that it gained nothing, so it stays.
        yield attempt


def _take(round: Round, result: RoundResult, attempt: _Attempt, answer: InventionReply | None, generation: int) -> None:
    fault = NO_REPLY if answer is None else rules.fault_of_answer(answer.text) or round.pool.fault(attempt.text)
    if fault or answer is None:
        result.dropped[fault or NO_REPLY] += 1
        return
    round.pool.add(attempt.text)
    detail = {
        "method": round.plan.method, "round": round.number, "generation": generation, "operation": attempt.operation,
        "seed": attempt.seed, "parent": attempt.parent_place, "output": answer.text,
    }  # fmt: skip
    result.kept.append(Invented(attempt.text, detail, attempt.task))
