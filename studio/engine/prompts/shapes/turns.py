"""A list of turns as files hold it, read into a conversation; a turn of anything but text is refused by its name."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from studio.engine.domain.status import status
from studio.engine.prompts.dialogue import CARRIED, REASONING, RESULTS, WEIGHT, Dialogue, Turn, question_of
from studio.engine.prompts.listed_turns import listed
from studio.engine.prompts.record import NewPrompt, Unusable

CALLS = "calls"
"""A turn that is nothing but calls of functions, in the files of LLaMA-Factory and others."""
ROLES = {
    "system": "system",
    "developer": "system",
    "system_prompt": "system",
    "human": "user",
    "user": "user",
    "prompter": "user",
    "customer": "user",
    "student": "user",
    "instruction": "user",
    "question": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "chatbot": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "agent": "assistant",
    "claude": "assistant",
    "gemini": "assistant",
    "llama": "assistant",
    "mistral": "assistant",
    "qwen": "assistant",
    "deepseek": "assistant",
    "vicuna": "assistant",
    "response": "assistant",
    "answer": "assistant",
    "output": "assistant",
    "tool": "tool",
    "observation": "tool",
    "tool_response": "tool",
    "tool_result": "tool",
    "tool_output": "tool",
    "function_response": "tool",
    "function_result": "tool",
    "ipython": "tool",
    "environment": "tool",
    "function": "function",
    "function_call": CALLS,
    "tool_call": CALLS,
    "tool_calls": CALLS,
}
ROLE_KEYS = ("role", "from", "speaker", "sender", "author")
TEXT_KEYS = ("content", "value", "text", "message", "utterance")
REASONING_KEYS = (REASONING, "reasoning", "thinking")
MARKS = (WEIGHT, "train", "training", "trainable", "loss", "learn")
"""By what files say whether a turn is to be learned from: OpenAI's weight, Axolotl's train, ms-swift's loss."""
KNOWN_KEYS = frozenset((*ROLE_KEYS, *TEXT_KEYS, *REASONING_KEYS, *MARKS, *CARRIED, "refusal"))
"""What of a turn is read. Whatever else it holds is counted."""
OTHER_PARTS = {
    "image": status("row_turn_image"),
    "image_url": status("row_turn_image"),
    "input_image": status("row_turn_image"),
    "audio": status("row_turn_audio"),
    "input_audio": status("row_turn_audio"),
    "video": status("row_turn_video"),
    "video_url": status("row_turn_video"),
    "file": status("row_turn_file"),
    "input_file": status("row_turn_file"),
}
THINKING_PARTS = ("thinking", "reasoning")
NO_CONVERSATION = status("row_no_conversation")
WITHOUT_TEXT = status("row_turn_no_text")


def read_turns(turns: object) -> tuple[Turn, ...]:
    """The turns of a list, which may be written as a text of JSON. Raises `Unusable`."""
    found = listed(turns)
    if found is None:
        raise Unusable(NO_CONVERSATION)
    read = tuple(read_turn(turn) for turn in found)
    return tuple(_answering(read)) if any(turn.role == "tool" for turn in read) else read


def read_turn(turn: object) -> Turn:
    """One turn with whatever it carries. Raises `Unusable`."""
    if not isinstance(turn, dict):
        raise Unusable(status("row_turn_object"))
    role = _role(turn)
    if turn.get("audio"):
        raise Unusable(OTHER_PARTS["audio"])
    carried = {key: turn[key] for key in CARRIED if turn.get(key) and key not in (WEIGHT, REASONING)}
    carried |= _marks(turn) | _reasoning(turn)
    value = next((turn[key] for key in TEXT_KEYS if turn.get(key) is not None), None)
    if role == CALLS:
        return _calling(value, carried, turn.get("content"))
    if not value and turn.get("refusal"):
        value = turn["refusal"]
    if value is None and role == "assistant" and ("tool_calls" in carried or "function_call" in carried):
        return Turn(role, None, carried)
    return Turn(role, "" if value is None and role in RESULTS else _content(value), carried)


def role_of(said: object) -> str | None:
    """The role that a name stands for, however it is written; None for one that nobody uses."""
    name = str(said).strip().strip("<|>#[]*: ").lower().replace(" ", "_").replace("-", "_")
    return ROLES.get(name)


def conversation(turns: object) -> tuple[NewPrompt, str | None]:
    """The prompt of a list of turns and the reply that followed its last question, None when it ends with the question.

    Raises `Unusable`.
    """
    prompt, reply = question_of(Dialogue(read_turns(turns)))
    return prompt, reply.text if reply else None


def _role(turn: dict[str, Any]) -> str:
    said = next((turn[key] for key in ROLE_KEYS if turn.get(key) is not None), "")
    if isinstance(said, dict):  # As in the exports of ChatGPT: {"author": {"role": "user"}}.
        said = said.get("role", "")
    role = role_of(said)
    if role is None:
        raise Unusable(status("row_turn_role"), f"'{str(said)[:40]}'")
    return role


def _marks(turn: dict[str, Any]) -> dict[str, Any]:
    """The weight of a turn in the loss, by any of its names; 1 is what every turn has, and is not written down."""
    for key in MARKS:
        value = turn.get(key)
        if isinstance(value, bool | int | float) and (key == WEIGHT or isinstance(value, bool) or value in (0, 1)):
            weight = (
                value if isinstance(value, float) and not value.is_integer() else int(value) if value == value else 1
            )
            return {} if weight == 1 else {WEIGHT: weight}
    return {}


def _reasoning(turn: dict[str, Any]) -> dict[str, Any]:
    said = next((turn[key] for key in REASONING_KEYS if isinstance(turn.get(key), str) and turn[key].strip()), None)
    if said is None and isinstance(turn.get("content"), list):
        parts = [part for part in turn["content"] if isinstance(part, dict) and part.get("type") in THINKING_PARTS]
        said = "\n".join(str(part.get("thinking", part.get("text", ""))) for part in parts) or None
    return {} if said is None else {REASONING: said}


def _answering(turns: Iterable[Turn]) -> Iterable[Turn]:
    """Results say which call they answer: where a file leaves that to their order, they get the ids of the calls."""
    open_calls: list[str] = []
    for turn in turns:
        if "tool_calls" in turn.carried:
            calls = turn.carried["tool_calls"]
            open_calls = [str(call["id"]) for call in calls if isinstance(call, dict) and call.get("id")]
        elif turn.role == "tool" and open_calls:
            id = open_calls.pop(0)
            turn = (
                turn if "tool_call_id" in turn.carried else replace(turn, carried={**turn.carried, "tool_call_id": id})
            )
        yield turn


def _calling(value: object, carried: dict[str, Any], said: object) -> Turn:
    """A turn that calls functions: `{"name": ..., "arguments": ...}`, a list of such, or either as a text of JSON."""
    if "tool_calls" in carried:  # What we write ourselves keeps the calls whole beside the usual text.
        return Turn("assistant", said if isinstance(said, str) else None, carried)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Unusable(status("row_turn_call")) from None
    calls = value if isinstance(value, list) else [value]
    if not calls or not all(isinstance(call, dict) and isinstance(_function(call).get("name"), str) for call in calls):
        raise Unusable(status("row_turn_call"))
    return Turn("assistant", None, {**carried, "tool_calls": [_call(call, n) for n, call in enumerate(calls, 1)]})


def _call(call: dict[str, Any], number: int) -> dict[str, Any]:
    function = _function(call)
    arguments = function.get("arguments", function.get("parameters", {}))
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    id = str(call.get("id") or f"call_{number}")
    return {"id": id, "type": "function", "function": {"name": function["name"], "arguments": text}}


def _function(call: dict[str, Any]) -> dict[str, Any]:
    inner = call.get("function")
    return inner if isinstance(inner, dict) else call


def _content(value: object) -> str:
    """A turn's text; OpenAI's list of parts is joined when every part is text."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("parts"), list):
        value = value["parts"]
    if isinstance(value, list):
        return "\n".join(_parts(value))
    raise Unusable(WITHOUT_TEXT)


def _parts(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, dict) and part.get("type") in THINKING_PARTS:
            continue  # It is carried beside the text.
        text = part.get("text", part.get("refusal")) if isinstance(part, dict) else part
        if not isinstance(text, str):
            kind = str(part.get("type", "")) if isinstance(part, dict) else type(part).__name__
            if kind in OTHER_PARTS:
                raise Unusable(OTHER_PARTS[kind])
            raise Unusable(status("row_turn_more"), kind[:40])
        yield text
