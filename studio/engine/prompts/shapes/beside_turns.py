"""What rows say beside their list of turns: a system message, and the reply that is wanted after the last of them."""

from typing import Any

from studio.engine.prompts.dialogue import Turn
from studio.engine.prompts.listed_turns import is_turns
from studio.engine.prompts.shapes.shape import text_of
from studio.engine.prompts.shapes.turns import read_turn, read_turns

SYSTEM = ("system", "system_prompt", "system_message")
REPLIES = ("chosen", "preferred_output", "completion")
"""The reply that a file of preferences (TRL, LLaMA-Factory, OpenAI) wants, or one of prompts and completions."""


def with_row(turns: tuple[Turn, ...], row: dict[str, Any]) -> tuple[Turn, ...]:
    """The turns with the row's system message, where they have none, and its reply, where they end with a question."""
    system = next((found for name in SYSTEM if (found := text_of(row.get(name), "system message"))), None)
    if system and not any(turn.is_instruction and turn.text for turn in turns):
        turns = (Turn("system", system), *turns)
    if turns and turns[-1].role == "assistant" and not turns[-1].is_call:
        return turns
    return (*turns, *replied(row))


def replied(row: dict[str, Any]) -> tuple[Turn, ...]:
    """The turns of the reply that a row names apart from its question."""
    for name in REPLIES:
        value = row.get(name)
        if is_turns(value):
            return read_turns(value)
        if isinstance(value, dict) and value:
            return (read_turn(value),)
        if isinstance(value, str) and value.strip():
            return (Turn("assistant", value),)
    return ()


def last_said(row: dict[str, Any]) -> frozenset[str]:
    """The column that `replied` reads."""
    return frozenset(name for name in REPLIES if row.get(name))
