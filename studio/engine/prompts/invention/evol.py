"""Evol-Instruct (arXiv 2304.12244): each generation makes every prompt harder in one of five ways, or writes a rarer
one of its field; what says nothing new or cannot be answered is dropped, and its parent is evolved again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from studio.engine.prompts.invention import rules
from studio.engine.prompts.invention.asking import Question, Reply
from studio.engine.prompts.invention.lists import unwrapped
from studio.engine.prompts.invention.round import CUT_OFF, NO_REPLY, Harvest, Invented, Round

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


def invent(round: Round) -> Harvest:
    """The next prompts of the generation, a request each; then a judge, then an answer for what is left."""
    generation, place = round.cursor.get("generation", 1), round.cursor.get("place", 0)
    parents = _parents(round, generation, place, place + round.plan.requests_for(round.wanted))
    after = place + len(parents)
    ended = after >= round.material.seed_count
    harvest = Harvest({"generation": generation + ended, "place": 0 if ended else after})
    harvest.is_over = harvest.cursor["generation"] > round.plan.generations
    replies = round.ask("evolve", [_evolving(round, one) for one in parents], round.plan.way.parameters)
    attempts = list(_evolved(round, harvest, parents, replies))
    attempts = list(_with_gain(round, harvest, attempts))
    answers = round.ask("answer", [Question(one.text) for one in attempts], round.plan.way.parameters)
    for attempt, answer in zip(attempts, answers, strict=True):
        _harvest(round, harvest, attempt, answer, generation)
    return harvest


def operation_of(seed: int, place: int, generation: int) -> str:
    """How the line of the seed at a place is evolved in a generation: all six ways in a random order before one comes
    again, so that a parent that was left as it is does not get the same request twice."""
    order = list(OPERATIONS)
    for turn in range((generation - 1) // len(order) + 1):
        Random(f"{seed}:{place}:{turn}").shuffle(order)
    return order[(generation - 1) % len(order)]


def is_equal(verdict: str) -> bool:
    """Whether the judge says that nothing was gained. A verdict that cannot be read keeps the prompt."""
    said = verdict.lower()
    if any(word in said for word in ("not equal", "unequal", "not the same", "different", "不相等", "不同", "不等")):
        return False
    return any(word in said for word in ("equal", "same", "相等", "相同")) or said.strip(" *\"'.").startswith("yes")


def _parents(round: Round, generation: int, start: int, stop: int) -> list[_Attempt]:
    seeds = round.material.seeds(start, stop)
    newest = round.material.newest_of(range(start, start + len(seeds)))
    found = []
    for place, seed in enumerate(seeds, start):
        parent_place, parent = newest.get(place, (None, seed.text))
        operation = operation_of(round.plan.seed, place, generation)
        found.append(_Attempt(place, seed.task, parent, parent_place, operation))
    return found


def _evolving(round: Round, attempt: _Attempt) -> Question:
    if attempt.operation == "breadth":
        return Question(round.wording("breadth", prompt=attempt.parent))
    return Question(round.wording("depth", prompt=attempt.parent, manner=round.wording(attempt.operation)))


def _evolved(
    round: Round, harvest: Harvest, parents: Sequence[_Attempt], replies: Sequence[Reply | None]
) -> Iterator[_Attempt]:
    fresh: set[str] = set()
    for parent, reply in zip(parents, replies, strict=True):
        text = unwrapped(reply.text) if reply else ""
        fault = NO_REPLY if reply is None else CUT_OFF if reply.cut_off else rules.fault_of_evolved(text, parent.parent)
        fault = fault or round.pool.fault(text) or ("duplicate" if text in fresh else None)
        if fault:
            harvest.dropped[fault] += 1
        else:
            fresh.add(text)
            yield _Attempt(parent.seed, parent.task, parent.parent, parent.parent_place, parent.operation, text)


def _with_gain(round: Round, harvest: Harvest, attempts: Sequence[_Attempt]) -> Iterator[_Attempt]:
    questions = [Question(round.wording("judge", first=one.parent, second=one.text)) for one in attempts]
    for attempt, verdict in zip(attempts, round.ask("judge", questions, JUDGED), strict=True):
        if verdict is not None and is_equal(verdict.text):
            harvest.dropped[NO_GAIN] += 1
        else:
            yield attempt


def _harvest(round: Round, harvest: Harvest, attempt: _Attempt, answer: Reply | None, generation: int) -> None:
    fault = NO_REPLY if answer is None else rules.fault_of_answer(answer.text) or round.pool.fault(attempt.text)
    if fault or answer is None:
        harvest.dropped[fault or NO_REPLY] += 1
        return
    round.pool.add(attempt.text)
    detail = {
        "method": round.plan.method, "round": round.number, "generation": generation, "operation": attempt.operation,
        "seed": attempt.seed, "parent": attempt.parent_place, "output": answer.text,
    }  # fmt: skip
    harvest.kept.append(Invented(attempt.text, detail, attempt.task))
