"""Alpaca: `instruction`, an optional `input` below it, and `output`. Self-Instruct's `instances` are read as well."""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.dialogue import NO_RESPONSE
from studio.engine.prompts.record import Answer, NewPrompt, Reply, Unusable
from studio.engine.prompts.shapes.shape import Shape, required_text, text_of, with_input


class Alpaca(Shape):
    name: ClassVar[str] = "alpaca"
    mapping: ClassVar[dict[str, str]] = {
        "prompt": "instruction + input", "system": "system", "answer": "output", "task": "name", "id": "id",
    }  # fmt: skip

    def matches(self, row: dict[str, Any]) -> bool:
        return "instruction" in row and any(name in row for name in ("input", "output", "instances"))

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        instruction = required_text(row.get("instruction"))
        for instance in self._instances(row):
            yield NewPrompt(
                text=with_input(instruction, text_of(instance.get("input"), "input")),
                system=text_of(row.get("system"), "system message"),
                answer=text_of(instance.get("output"), "output"),
                task=text_of(row.get("name"), "name"),
                external_id=text_of(row.get("id"), "id"),
            )

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[Answer]:
        """Files of a model's answers to such tasks hold them as `response` in place of an output."""
        if "output" in row or "instances" in row or "response" not in row:
            yield from super().answers(row, every_turn=every_turn)
            return
        response = text_of(row["response"], "response")
        if response is None:
            raise Unusable(NO_RESPONSE)
        for prompt in self.prompts(row):
            yield Answer(prompt, Reply(response))

    def _instances(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        instances = row.get("instances")
        if instances is None:
            return [row]
        if not isinstance(instances, list) or not all(isinstance(instance, dict) for instance in instances):
            raise Unusable("the instances are not a list of objects")
        return instances or [{}]
