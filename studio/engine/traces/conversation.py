"""A trace as a conversation: what the teacher was asked and said, and what of it a student is shown."""

from studio.engine.domain.messages import Message, Messages, split_instructions


def conversation(
    *, prompt: str, messages: Messages | None, system_message: str, response: str, keep_system_message: bool
) -> list[Message]:
    """The turns of a trace in order, the answer last.

    Without its system message by default: the student is to explain of its own accord what the teacher explained only
    because it was told to (prompt erasing, as in Orca 2, arXiv 2311.11045).
    """
    turns = [
        {**turn, "role": str(turn["role"]), "content": str(turn["content"] or "")}
        for turn in split_instructions(messages or ({"role": "user", "content": prompt},))[1]
    ]
    if keep_system_message and system_message.strip():
        turns.insert(0, {"role": "system", "content": system_message})
    if turns and turns[-1]["role"] == "assistant":
        turns.pop()
    return [*turns, {"role": "assistant", "content": response}]


def opening_of(prompt: str, messages: Messages | None) -> str:
    """What a conversation starts from: two that start alike must not be divided between training and test."""
    first = next((turn for turn in messages or () if turn.get("role") == "user"), None)
    return str(first["content"]) if first else prompt
