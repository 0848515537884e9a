"""Alpaca: `instruction`, an optional `input` below it, and `output`; the turns before them are in `history`, in pairs.
Self-Instruct's `instances` are read as well."""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.domain.status import status
from studio.engine.prompts.dialogue import NO_RESPONSE
from studio.engine.prompts.listed_turns import is_turns, listed, unpacked
from studio.engine.prompts.record import ImportedAnswer, ImportedReply, NewPrompt, Unusable
from studio.engine.prompts.shapes.shape import Shape, required_text, text_of, with_input
from studio.engine.prompts.shapes.turns import read_turns

HISTORY = "history"
A_HISTORY = status("row_history")


class Alpaca(Shape):
    name: ClassVar[str] = "alpaca"
    mapping: ClassVar[dict[str, str]] = {
        "prompt": "instruction + input", "system": "system", "answer": "output", "task": "name", "id": "id",
    }  # fmt: skip

    def matches(self, row: dict[str, Any]) -> bool:
        return "instruction" in row and any(name in row for name in ("input", "output", "instances"))

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        instruction, before = required_text(row.get("instruction")), _before(row)
        for instance in self._instances(row):
            text = with_input(instruction, text_of(instance.get("input"), "input"))
            yield NewPrompt(
                text=text,
                system=text_of(row.get("system"), "system message"),
                messages=[*before, {"role": "user", "content": text}] if before else None,
                answer=text_of(instance.get("output"), "output"),
                task=text_of(row.get("name"), "name"),
                external_id=text_of(row.get("id"), "id"),
            )

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[ImportedAnswer]:
        """Files of a model's answers to such tasks hold them as `response` in place of an output."""
        if "output" in row or "instances" in row or "response" not in row:
            yield from super().answers(row, every_turn=every_turn)
            return
        response = text_of(row["response"], "response")
        if response is None:
            raise Unusable(NO_RESPONSE)
        for prompt in self.prompts(row):
            yield ImportedAnswer(prompt, ImportedReply(response))

    def taken(self, row: dict[str, Any]) -> frozenset[str]:
        return super().taken(row) | {
            HISTORY,
            "instances",
            *(() if "output" in row or "instances" in row else ("response",)),
        }

    def _instances(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        instances = row.get("instances")
        if instances is None:
            return [row]
        if not isinstance(instances, list) or not all(isinstance(instance, dict) for instance in instances):
            raise Unusable(status("row_instances"))
        return instances or [{}]


def _before(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns before the question. A history is pairs of what was asked and answered, or a list of turns."""
    given = unpacked(row.get(HISTORY))
    if given is None or given == "" or given == []:
        return []
    turns = listed(given) if isinstance(given, list) else None
    if turns is None or (len(turns) % 2 and not is_turns(given)):
        raise Unusable(A_HISTORY)
    return [turn.as_message() for turn in read_turns(turns)]
