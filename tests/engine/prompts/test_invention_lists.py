"""Replies as models write them: any way of numbering, fields with and without marks, JSON that breaks off."""

import pytest

from studio.engine.prompts.invention.lists import fields, given_input, items, records, unwrapped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9. Name a river.\n10) Sort these.\n11: Add", ["Name a river.", "Sort these.", "Add"]),
        ("Sure! Here they are:\n\n1. **Bold**\n2. Two\nlines", ["Bold", "Two\nlines"]),
        ("1. One\n   1. inner\n   2. inner\n2. Two", ["One\n   1. inner\n   2. inner", "Two"]),
        ("1. Always\n1. the same\n1. number", ["Always", "the same", "number"]),
        ("9. Steps:\n1. a\n2. b\n10. Next", ["Steps:\n1. a\n2. b", "Next"]),
        ("**9.** A\n**10.** B", ["A", "B"]),
        ("Task 9: A\nTask 10: B", ["A", "B"]),
        ("9、写一首诗\n10、翻译", ["写一首诗", "翻译"]),
        ("9. A\n11. B", ["A", "B"]),
        ("- A\n- B", ["A", "B"]),
        ('["A", "B"]', ["A", "B"]),
        ('{"tasks": ["A", "B"]}', ["A", "B"]),
        ('[List 3]\n9. Say "hello" twice\n10. Sort these', ['Say "hello" twice', "Sort these"]),
        ('```json\n["A", "B", "C', ["A", "B"]),
        ("First one\nSecond one\nThird one", ["First one", "Second one", "Third one"]),
        ("I am sorry, but I cannot help with that.", []),
        ("3.5 litres are how much?", []),
        ("", []),
    ],
)
def test_items_of_a_list(text: str, expected: list[str]) -> None:
    assert items(text) == expected


TASK = ("instruction", "input", "output")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "1. Instruction: Add.\n1. Input:\n<noinput>\n1. Output:\n3\n###\n2. Instruction: Cut",
            [{"instruction": "Add.", "input": "<noinput>", "output": "3"}, {"instruction": "Cut"}],
        ),
        (
            "**Instruction:** A\n**Input:** none\n**Output:** B\n\n2.\n**Instruction:** C\n**Output:** D",
            [{"instruction": "A", "input": "none", "output": "B"}, {"instruction": "C", "output": "D"}],
        ),
        (
            "1. Do it\nInput: a\nOutput: b\n2. Go",
            [{"instruction": "Do it", "input": "a", "output": "b"}, {"instruction": "Go"}],
        ),
        (
            '[{"instruction": "A", "input": "", "output": 1}, {"instruction": "B", "outp',
            [{"instruction": "A", "input": "", "output": "1"}],
        ),
        ("{'tasks': [{'Instruction': 'A', 'output': None,}]}", [{"instruction": "A", "output": ""}]),
        ('{"instruction": "A", "input": [1, 2]}', [{"instruction": "A", "input": "[1, 2]"}]),
        ("指令：写\n输入：无\n输出：好", [{"instruction": "写", "input": "无", "output": "好"}]),
        ("No.", []),
    ],
)  # fmt: skip
def test_records_of_tasks(text: str, expected: list[dict[str, str]]) -> None:
    assert records(text, *TASK) == expected


def test_fields_come_in_any_order_and_only_those_asked_for_are_found() -> None:
    text = "Example 1\nInput: a\nOutput: Answer: b\nA: c\n\nExample 2\nOutput: d"
    assert fields(text, "input", "output") == [{"input": "a", "output": "Answer: b\nA: c"}, {"output": "d"}]
    assert fields("Label: glad\nInput: x\nLabel: sad\nInput: y", "input", "label") == [
        {"label": "glad", "input": "x"}, {"label": "sad", "input": "y"},
    ]  # fmt: skip
    assert fields("Q: hi\nA: there", "question", "answer") == [{"question": "hi", "answer": "there"}]
    assert fields("only words", "input", "output") == []


def test_code_inside_a_reply_stays_and_a_fence_around_it_goes() -> None:
    code = "Output: see\n```python\nx = 1\n```\nand run it"
    assert fields(code, "output") == [{"output": "see\n```python\nx = 1\n```\nand run it"}]
    assert unwrapped("```\nPrompt: Say it.\n```") == "Say it."
    assert unwrapped('**Harder version:** "Say it twice."') == "Say it twice."


@pytest.mark.parametrize("text", ["", "<noinput>", "(none)", "N/A", "none.", "无", None])
def test_ways_to_say_that_there_is_no_input(text: str | None) -> None:
    assert given_input(text) == ""
