"""ShareGPT: `conversations`, a list of turns with `from` and `value`. The last question with all before is the prompt.

What the chat model replied is not kept as a known answer: nobody says that it is right.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from studio.engine.prompts.record import NewPrompt
from studio.engine.prompts.shapes.shape import text_of
from studio.engine.prompts.shapes.turns import conversation


class ShareGPT:
    name: ClassVar[str] = "sharegpt"
    mapping: ClassVar[dict[str, str]] = {"prompt": "conversations", "system": "conversations", "id": "id"}

    def matches(self, row: dict[str, Any]) -> bool:
        return isinstance(row.get("conversations"), list)

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        turns = row.get("conversations")
        plain = isinstance(turns, list) and any(isinstance(turn, dict) and "from" in turn for turn in turns)
        keys = {"role_key": "from", "text_key": "value"} if plain else {"role_key": "role", "text_key": "content"}
        prompt, _ = conversation(turns, **keys)
        yield replace(prompt, system=prompt.system or text_of(row.get("system"), "system message"),
                      external_id=text_of(row.get("id"), "id"))  # fmt: skip
