"""A prompt as a rater reads it: a conversation with its earlier turns marked, and the tools that were called."""

import json
from typing import Any

from studio.engine.store.tables import Prompt


def as_read(prompt: Prompt) -> str:
    """The text of a prompt, or its turns one after another."""
    if not prompt.messages:
        return prompt.text
    return "\n\n".join(f"{_speaker(turn)}: {_said(turn)}" for turn in prompt.messages)


def _speaker(turn: dict[str, Any]) -> str:
    role = str(turn.get("role") or "user")
    return f"{role} ({turn['name']})" if turn.get("name") else role


def _said(turn: dict[str, Any]) -> str:
    """A turn's words, with the tools it calls: a turn that only calls one has no words."""
    content = turn.get("content")
    words = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False) if content else ""
    return "\n".join(part for part in (words, *map(_called, turn.get("tool_calls") or ())) if part)


def _called(call: Any) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return f"[calls {json.dumps(call, ensure_ascii=False)}]"
    arguments = function.get("arguments") or ""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f"[calls {function.get('name') or 'a tool'}({given})]"
