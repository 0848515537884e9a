"""A conversation before it is a prompt: its turns with all that they carry, and the prompt and answers in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from studio.engine.prompts.record import Answer, NewPrompt, Reply, Unusable

CARRIED = ("name", "tool_calls", "tool_call_id", "function_call")
"""What a turn may hold beside role and text: OpenAI's names, and the traffic with tools."""
RESULTS = ("tool", "function")
EMPTY_PROMPT = "the prompt is empty"
NO_USER_TURN = "no user turn"
NOT_ALTERNATING = "the turns do not alternate"
NO_RESPONSE = "no response"
A_TOOL_CALL = "the answer is a tool call"


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
        """Part of the system message. A system turn with a name is an example in place, and stays where it is."""
        return self.role == "system" and "name" not in self.carried

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
    last: Reply | None = None
    """What a log says about its last turn."""
    language: str | None = None
    """The language its row names, as in ISO 639-1."""
    as_is: bool = False
    """Whether it was cleaned: nothing is trimmed any more, and the order of its turns is settled."""

    @property
    def system(self) -> str:
        return "\n\n".join(turn.text or "" for turn in self.turns if turn.is_instruction)

    @property
    def spoken(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if not turn.is_instruction)

    def at(self, line: int) -> "Dialogue":
        return replace(self, line=line)

    def with_spoken(self, spoken: Sequence[Turn], **changes: Any) -> "Dialogue":
        """The same conversation with other turns after its system message."""
        return replace(self, turns=(*(turn for turn in self.turns if turn.is_instruction), *spoken), **changes)


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


def answers_of(dialogue: Dialogue, *, every_turn: bool = False) -> Iterator[Answer]:
    """The last reply with the history it answered; with `every_turn` each reply of the assistant. Raises `Unusable`."""
    if every_turn:
        yield from _every_answer(dialogue)
        return
    prompt, turn = question_of(dialogue)
    if turn is None or not (turn.text or "").strip():
        raise Unusable(A_TOOL_CALL if turn and turn.is_call else NO_RESPONSE)
    yield Answer(prompt, replace(dialogue.last or Reply(""), text=turn.text or ""))


def _every_answer(dialogue: Dialogue) -> Iterator[Answer]:
    found = False
    spoken = dialogue.spoken
    for end, turn in enumerate(spoken, 1):
        if turn.role != "assistant" or not (turn.text or "").strip():
            continue
        if not any(before.role == "user" for before in spoken[:end]):
            continue
        found = True
        last = dialogue.last if end == len(spoken) else None
        yield from answers_of(dialogue.with_spoken(spoken[:end], last=last))
    if not found:
        raise Unusable(NO_RESPONSE)


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
