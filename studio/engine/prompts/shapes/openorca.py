"""OpenOrca: `id`, `system_prompt`, `question`, `response`. The beginning of the id names the collection: flan.1234.

The responses are a teacher's, so they are answers to bring in and not known answers.
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.dialogue import NO_RESPONSE
from studio.engine.prompts.record import ImportedAnswer, ImportedReply, NewPrompt, Unusable
from studio.engine.prompts.shapes.shape import Shape, required_text, text_of

_COLLECTION = re.compile(r"[A-Za-z]\w{0,39}(?=\.)")


class OpenOrca(Shape):
    name: ClassVar[str] = "openorca"
    mapping: ClassVar[dict[str, str]] = {
        "prompt": "question", "system": "system_prompt", "response": "response", "task": "id", "id": "id",
    }  # fmt: skip

    def matches(self, row: dict[str, Any]) -> bool:
        return {"system_prompt", "question"} <= row.keys()

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        id = text_of(row.get("id"), "id")
        found = _COLLECTION.match(id or "")
        collection = found.group().lower() if found else None
        yield NewPrompt(
            text=required_text(row.get("question")),
            system=text_of(row.get("system_prompt"), "system message"),
            task=collection,
            collection=collection,
            external_id=id,
        )

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[ImportedAnswer]:
        response = text_of(row.get("response"), "response")
        if response is None:
            raise Unusable(NO_RESPONSE)
        for prompt in self.prompts(row):
            yield ImportedAnswer(prompt, ImportedReply(response))
