"""ShareGPT: `conversations`, a list of turns with `from` and `value`. The last question with all before is the prompt.

What the chat model replied is not kept as a known answer: nobody says that it is right.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from studio.engine.prompts.dialogue import Dialogue, Turn
from studio.engine.prompts.shapes.shape import Conversations, text_of
from studio.engine.prompts.shapes.turns import read_turns


class ShareGPT(Conversations):
    name: ClassVar[str] = "sharegpt"
    mapping: ClassVar[dict[str, str]] = {"prompt": "conversations", "system": "conversations", "id": "id"}

    def matches(self, row: dict[str, Any]) -> bool:
        return isinstance(row.get("conversations"), list)

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        listed = row.get("conversations")
        plain = isinstance(listed, list) and any(isinstance(turn, dict) and "from" in turn for turn in listed)
        keys = {"role_key": "from", "text_key": "value"} if plain else {"role_key": "role", "text_key": "content"}
        turns = read_turns(listed, **keys)
        system = text_of(row.get("system"), "system message")
        if system and not any(turn.is_instruction and turn.text for turn in turns):
            turns = (Turn("system", system), *turns)
        yield Dialogue(turns, text_of(row.get("id"), "id"))
