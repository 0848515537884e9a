"""What a shape is, and the two small questions all shapes ask of a value: is it text, and is there anything in it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import isfinite
from typing import Any, ClassVar

from studio.engine.domain.status import status
from studio.engine.prompts.dialogue import EMPTY_PROMPT, NO_RESPONSE, REASONING, Dialogue, Turn, answers_of, question_of
from studio.engine.prompts.record import ImportedAnswer, ImportedReply, NewPrompt, Record, Skip, Unusable, kind_of


class Shape(ABC):
    """One way to write prompts in rows. A shape says `prompts`, and `answers` where those are not the known answers."""

    name: ClassVar[str]
    mapping: ClassVar[dict[str, str]]
    """Which column each field is taken from, for people to read."""
    is_conversations: ClassVar[bool] = False

    def taken(self, row: dict[str, Any]) -> frozenset[str]:
        """The columns of a row that are read. Whatever else it holds is counted as not read."""
        return frozenset(part for column in self.mapping.values() for part in column.split(" + "))

    @abstractmethod
    def matches(self, row: dict[str, Any]) -> bool:
        """Whether a row looks like this shape."""

    def gathered(self, records: Iterable[Record | Skip]) -> Iterator[Record | Skip]:
        """The file's rows as this shape reads them; one that spreads conversations over rows joins them."""
        yield from records

    @abstractmethod
    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        """The prompts in a row, usually one. Raises `Unusable`."""

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[ImportedAnswer]:
        """The prompts in a row with what was answered to them. Raises `Unusable`."""
        for prompt in self.prompts(row):
            if prompt.answer is None:
                raise Unusable(NO_RESPONSE)
            yield ImportedAnswer(replace(prompt, answer=None), ImportedReply(prompt.answer))

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
        known = reply.text if self.knows_answers and reply and reply.is_learned else None
        return replace(prompt, answer=known) if known else prompt

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[ImportedAnswer]:
        for dialogue in self.dialogues(row):
            yield from answers_of(dialogue, every_turn=every_turn)

    @abstractmethod
    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]: ...


def dialogue_of(answer: ImportedAnswer) -> Dialogue:
    """A prompt and its answer as a conversation, with nothing of either lost."""
    prompt = answer.prompt
    system = [Turn("system", prompt.system)] if prompt.system else []
    asked = [_turn(message) for message in prompt.messages or ()] or [Turn("user", prompt.text)]
    fields = ("answer", "task", "family", "system_name", "collection", "detail")
    about = {field: getattr(prompt, field) for field in fields}
    reasoning = {REASONING: answer.reply.reasoning} if answer.reply.reasoning else {}
    turns = (*system, *asked, Turn("assistant", answer.reply.text, reasoning))
    return Dialogue(turns, prompt.external_id, about=about, last=answer.reply)


def text_of(value: object, field: str) -> str | None:
    """A text or a number as text, None for what is absent. Raises `Unusable` for lists, objects and truth values."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise Unusable(status("field_not_text", field=field), status("it_is", what=kind_of(value)))


def required_text(value: object) -> str:
    """Like `text_of`, for the prompt."""
    text = text_of(value, "prompt")
    if text is None:
        raise Unusable(EMPTY_PROMPT if isinstance(value, str) else status("row_no_prompt"))
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
