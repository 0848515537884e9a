"""How raters read a prompt that is a conversation, also one in which tools are called."""

from studio.engine.evaluation.conversation_text import as_read
from studio.engine.store.tables import Prompt

CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}


def read(*turns: dict) -> str:
    return as_read(Prompt(project_id=1, source_id=1, position=0, digest=b"", text="last", messages=[*turns] or None))


def test_a_turn_that_only_calls_a_tool_shows_the_call():
    said = read(
        {"role": "user", "content": "Is it cold?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "name": "weather", "content": "-3"},
        {"role": "user", "content": "So?"},
    )
    assert said == (
        'user: Is it cold?\n\nassistant: [calls weather({"city": "Oslo"})]\n\ntool (weather): -3\n\nuser: So?'
    )
    assert "None" not in said


def test_words_come_before_the_call_and_odd_calls_are_shown_as_they_are():
    odd = {"function": {"arguments": {"a": 1}}}
    said = read({"role": "assistant", "content": "Let me look.", "tool_calls": [odd, "what"]})
    assert said == 'assistant: Let me look.\n[calls a tool({"a": 1})]\n[calls "what"]'


def test_parts_and_missing_words_are_no_none():
    assert read({"role": "user", "content": [{"type": "text", "text": "Hi"}]}).startswith('user: [{"type": "text"')
    assert read({"role": "assistant"}) == "assistant: "
    assert read() == "last"
