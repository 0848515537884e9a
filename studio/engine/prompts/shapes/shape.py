"""What a shape is, and the two small questions all shapes ask of a value: is it text, and is there anything in it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import isfinite
from typing import Any, ClassVar

from studio.engine.prompts.dialogue import EMPTY_PROMPT, NO_RESPONSE, Dialogue, Turn, answers_of, question_of
from studio.engine.prompts.record import Answer, NewPrompt, Record, Reply, Skip, Unusable


class Shape:
    """One way to write prompts in rows. A shape says `prompts`, and `answers` where those are not the known answers."""

    name: ClassVar[str]
    mapping: ClassVar[dict[str, str]]
    """Which column each field is taken from, for people to read."""
    is_conversations: ClassVar[bool] = False

    def matches(self, row: dict[str, Any]) -> bool:
        """Whether a row looks like this shape."""
        raise NotImplementedError

    def gathered(self, records: Iterable[Record | Skip]) -> Iterator[Record | Skip]:
        """The file's rows as this shape reads them; one that spreads conversations over rows joins them."""
        yield from records

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        """The prompts in a row, usually one. Raises `Unusable`."""
        raise NotImplementedError

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[Answer]:
        """The prompts in a row with what was answered to them. Raises `Unusable`."""
        for prompt in self.prompts(row):
            if prompt.answer is None:
                raise Unusable(NO_RESPONSE)
            yield Answer(replace(prompt, answer=None), Reply(prompt.answer))

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        """The conversations in a row, which the cleaning rules are for: a question with its answer, here."""
        for answer in self.answers(row):
            yield dialogue_of(answer)


class Conversations(Shape):
    """A shape whose rows are conversations: it says `dialogues`, and prompts and answers follow."""

    is_conversations = True
    knows_answers: ClassVar[bool] = False
    """Whether what was replied is the answer wanted, as in a fine-tuning file. What a chat model said is not."""

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        for dialogue in self.dialogues(row):
            yield self.prompt(dialogue)

    def prompt(self, dialogue: Dialogue) -> NewPrompt:
        prompt, reply = question_of(dialogue)
        return replace(prompt, answer=reply.text or None) if self.knows_answers and reply else prompt

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[Answer]:
        for dialogue in self.dialogues(row):
            yield from answers_of(dialogue, every_turn=every_turn)

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        raise NotImplementedError


def dialogue_of(answer: Answer) -> Dialogue:
    """A prompt and its answer as a conversation, with nothing of either lost."""
    prompt = answer.prompt
    system = [Turn("system", prompt.system)] if prompt.system else []
    asked = [_turn(message) for message in prompt.messages or ()] or [Turn("user", prompt.text)]
    fields = ("answer", "task", "family", "system_name", "collection", "detail")
    about = {field: getattr(prompt, field) for field in fields}
    turns = (*system, *asked, Turn("assistant", answer.reply.text))
    return Dialogue(turns, prompt.external_id, about=about, last=answer.reply)


def text_of(value: object, field: str) -> str | None:
    """A text or a number as text, None for what is absent. Raises `Unusable` for lists, objects and truth values."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    kind = {list: "a list", dict: "an object", bool: "true or false"}.get(type(value), type(value).__name__)
    raise Unusable(f"the {field} is not text", f"it is {kind}")


def required_text(value: object, field: str = "prompt") -> str:
    """Like `text_of`, for a field without which there is no prompt."""
    text = text_of(value, field)
    if text is None:
        raise Unusable(EMPTY_PROMPT if isinstance(value, str) else f"no {field}")
    return text


def count_of(value: object) -> int:
    """A count as a log gives it; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def with_input(instruction: str, given: str | None) -> str:
    """An instruction with what it is about below it."""
    if given is None or given.strip().lower() in ("", "<noinput>"):
        return instruction
    return f"{instruction}\n\n{given}"


def _turn(message: dict[str, Any]) -> Turn:
    carried = {key: value for key, value in message.items() if key not in ("role", "content")}
    return Turn(message["role"], message["content"], carried)
