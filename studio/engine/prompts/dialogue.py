"""A conversation before it is a prompt: its turns with all that they carry, and the prompt and answers in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from studio.engine.domain.messages import KEPT_HERE
from studio.engine.domain.status import status
from studio.engine.prompts.record import ImportedAnswer, ImportedReply, NewPrompt, Unusable

WEIGHT, REASONING = KEPT_HERE
CARRIED = ("name", "tool_calls", "tool_call_id", "function_call", WEIGHT, REASONING)
"""What a turn may hold beside role and text: OpenAI's names, the traffic with tools, how much it counts in the loss (0
leaves it out), and what was thought before it was said."""
RESULTS = ("tool", "function")
EMPTY_PROMPT = status("row_empty_prompt")
NO_USER_TURN = status("row_no_user_turn")
NOT_ALTERNATING = status("row_not_alternating")
NO_RESPONSE = status("row_no_response")
A_TOOL_CALL = status("row_tool_call")
NOT_LEARNED = status("row_not_learned")


@dataclass(frozen=True)
class Turn:
    """What one side said: `role` is system, user, assistant, tool or function; only a tool call is without text."""

    role: str
    text: str | None
    carried: dict[str, Any] = field(default_factory=dict)

    @property
    def is_call(self) -> bool:
        return "tool_calls" in self.carried or "function_call" in self.carried

    @property
    def is_instruction(self) -> bool:
        """Whether it instructs. A system turn with a name is an example in place."""
        return self.role == "system" and "name" not in self.carried

    @property
    def is_learned(self) -> bool:
        """Whether training may learn it: a file can give a turn the weight 0."""
        return self.carried.get(WEIGHT, 1) != 0

    def as_message(self) -> dict[str, Any]:
        return {"role": self.role, "content": self.text, **self.carried}


@dataclass(frozen=True)
class Dialogue:
    """A conversation with what its row says about it."""

    turns: tuple[Turn, ...]
    id: str | None = None
    line: int = 0
    about: dict[str, Any] = field(default_factory=dict)
    """Further fields of its prompts: task, known answer, collection ..."""
    last: ImportedReply | None = None
    """What a log says about its last turn."""
    language: str | None = None
    """The language its row names, as in ISO 639-1."""
    as_is: bool = False
    """Whether it was cleaned: nothing is trimmed any more, and the order of its turns is settled."""

    @property
    def instructions(self) -> tuple[Turn, ...]:
        """The turns of the system message: those before the first question. A later one changes what follows it, so it
        stays in its place."""
        return tuple(turn for turn in self.turns[: self._first_asked] if turn.is_instruction)

    @property
    def system(self) -> str:
        return "\n\n".join(turn.text or "" for turn in self.instructions)

    @property
    def spoken(self) -> tuple[Turn, ...]:
        first = self._first_asked
        return (*(turn for turn in self.turns[:first] if not turn.is_instruction), *self.turns[first:])

    @property
    def _first_asked(self) -> int:
        return next((place for place, turn in enumerate(self.turns) if turn.role == "user"), len(self.turns))

    def at(self, line: int) -> "Dialogue":
        return replace(self, line=line)

    def with_spoken(self, spoken: Sequence[Turn], **changes: Any) -> "Dialogue":
        """The same conversation with other turns after its system message."""
        return replace(self, turns=(*self.instructions, *spoken), **changes)


def question_of(dialogue: Dialogue) -> tuple[NewPrompt, Turn | None]:
    """The last question with all before it, and the turn that answered it, None when it ends with the question.

    A reply before the first question is trimmed; after that the turns must alternate. Raises `Unusable`.
    """
    spoken = list(dialogue.spoken)
    while spoken and spoken[0].role == "assistant" and not dialogue.as_is:
        spoken.pop(0)
    reply = spoken.pop() if spoken and spoken[-1].role == "assistant" else None
    if not any(turn.role == "user" for turn in spoken):
        raise Unusable(NO_USER_TURN)
    if spoken[-1].role == "assistant" or (not dialogue.as_is and not is_in_order(spoken)):
        raise Unusable(NOT_ALTERNATING)
    text = next(turn.text or "" for turn in reversed(spoken) if turn.role == "user")
    if not text.strip():
        raise Unusable(EMPTY_PROMPT)
    says_more = len(spoken) > 1 or bool(spoken[0].carried)
    messages = [turn.as_message() for turn in spoken] if says_more else None
    found = NewPrompt(text=text, system=dialogue.system or None, messages=messages, external_id=dialogue.id)
    return replace(found, **dialogue.about), reply


def answers_of(dialogue: Dialogue, *, every_turn: bool = False) -> Iterator[ImportedAnswer]:
    """The last reply with the history it answered; with `every_turn` each reply of the assistant. Raises `Unusable`."""
    if every_turn:
        yield from _every_answer(dialogue)
        return
    prompt, turn = question_of(dialogue)
    if turn is None or not (turn.text or "").strip():
        raise Unusable(A_TOOL_CALL if turn and turn.is_call else NO_RESPONSE)
    if not turn.is_learned:
        raise Unusable(NOT_LEARNED)
    last = dialogue.last or ImportedReply("")
    yield ImportedAnswer(
        prompt, replace(last, text=turn.text or "", reasoning=last.reasoning or turn.carried.get(REASONING))
    )


def _every_answer(dialogue: Dialogue) -> Iterator[ImportedAnswer]:
    found, unlearned = False, False
    spoken = dialogue.spoken
    for end, turn in enumerate(spoken, 1):
        if turn.role != "assistant" or not (turn.text or "").strip():
            continue
        if not any(before.role == "user" for before in spoken[:end]):
            continue
        if not turn.is_learned:
            unlearned = True
            continue
        found = True
        last = dialogue.last if end == len(spoken) else None
        yield from answers_of(dialogue.with_spoken(spoken[:end], last=last))
    if not found:
        raise Unusable(NOT_LEARNED if unlearned else NO_RESPONSE)


def is_in_order(turns: Sequence[Turn]) -> bool:
    """Whether the turns alternate: a user's first; a call's results go before the answer."""
    spoken = [turn for turn in turns if turn.role != "system"]
    if not spoken or spoken[0].role != "user":
        return False
    return all(_may_follow(before, after) for before, after in pairwise(spoken))


def _may_follow(before: Turn, after: Turn) -> bool:
    if before.role == after.role == "user":
        return before.carried.get("name") != after.carried.get("name")
    if after.role in RESULTS:
        return before.role in RESULTS or (before.role == "assistant" and before.is_call)
    if before.role in RESULTS:
        return after.role == "assistant"
    return before.role != after.role
