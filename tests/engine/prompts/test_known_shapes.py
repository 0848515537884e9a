"""Dolly, OpenAssistant's trees, OpenOrca and a provider's logs become prompts, each recognised without being named."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.prompts import Prompts
from studio.engine.prompts.importing import settle
from studio.engine.prompts.record import ImportedAnswer, Skip


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def answers(path: Path, **options: Any) -> tuple[list[ImportedAnswer], list[str]]:
    """(answers, reasons of the rows left out) of a file of answers."""
    rows = list(settle(path, answers=True, **options).answers())
    return [row[1] for row in rows if not isinstance(row, Skip)], [str(row) for row in rows if isinstance(row, Skip)]


def test_dolly_joins_context_and_keeps_its_category(prompts: Prompts, tmp_path: Path) -> None:
    rows = [
        {
            "instruction": "Who wrote it?",
            "context": "Emma is by Austen.",
            "response": "Austen",
            "category": "closed_qa",
        },
        {"instruction": "Sing.", "context": "", "response": "La", "category": "creative_writing"},
    ]
    prompts.import_file(lines(tmp_path / "a.jsonl", *rows), "new")
    first, second = prompts.iterate("new")
    assert (first.text, first.answer, first.task) == ("Who wrote it?\n\nEmma is by Austen.", "Austen", "closed_qa")
    assert (second.text, prompts.source("new").detail["format"]) == ("Sing.", "dolly")
    found, _ = answers(tmp_path / "a.jsonl")
    assert [(answer.reply.text, answer.prompt.answer) for answer in found] == [("Austen", None), ("La", None)]


def test_openorca_ids_name_the_collection(prompts: Prompts, tmp_path: Path) -> None:
    rows = [
        {"id": "flan.564327", "system_prompt": "Think first.", "question": "2 + 2?", "response": "It is 4."},
        {"id": "77", "system_prompt": "", "question": "3 + 3?", "response": "It is 6."},
    ]
    prompts.import_file(lines(tmp_path / "a.jsonl", *rows), "new")
    first, second = prompts.iterate("new")
    assert (first.collection, first.task, first.external_id) == ("flan", "flan", "flan.564327")
    assert (first.system, first.answer, second.collection, second.system) == ("Think first.", None, None, None)
    found, _ = answers(tmp_path / "a.jsonl")
    assert [answer.reply.text for answer in found] == ["It is 4.", "It is 6."]


# --- OpenAssistant


def message(id: str, parent: str | None, role: str, text: str, rank: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "message_id": id, "parent_id": parent, "role": role, "text": text, "rank": rank, "lang": "en",
        "message_tree_id": "t1", **more,
    }  # fmt: skip


ROWS = [
    message("c", "b", "prompter", "And then?", 0),
    message("a", None, "prompter", "Tell a story"),
    message("bad", "a", "assistant", "No.", 1),
    message("b", "a", "assistant", "Once upon a time", 0),
    message("d", "c", "assistant", "The end"),
    message("e", "a", "assistant", "spam", -1, deleted=True),
    message("f", "e", "prompter", "why?"),
    message("x", None, "prompter", "Another", message_tree_id="t2"),
]


def test_oasst_messages_in_any_order_give_the_best_ranked_path(prompts: Prompts, tmp_path: Path) -> None:
    report = prompts.import_file(lines(tmp_path / "a.jsonl", *ROWS), "new")
    first, second = prompts.iterate("new")
    assert [turn["content"] for turn in first.messages or []] == ["Tell a story", "Once upon a time", "And then?"]
    assert (first.external_id, first.answer, second.text) == ("t1", None, "Another")
    assert report.reasons == {
        "a deleted or refused message": 1, "not on the best-ranked path of its tree": 1,
        "the message it replies to is missing": 1,
    }  # fmt: skip
    found, left = answers(tmp_path / "a.jsonl")
    assert [answer.reply.text for answer in found] == ["The end"]
    assert "no response" in left


def test_oasst_trees_are_read_alike(tmp_path: Path) -> None:
    end = {"text": "The end", "role": "assistant", "replies": []}
    replies = [
        {"text": "No.", "role": "assistant", "rank": 1, "replies": []},
        {"text": "Spam", "role": "assistant", "rank": 0, "deleted": True, "replies": []},
        {
            "text": "Once",
            "role": "assistant",
            "rank": 0,
            "replies": [{"text": "So?", "role": "prompter", "replies": [end]}],
        },
    ]
    tree = {"message_tree_id": "t1", "prompt": {"text": "Tell", "role": "prompter", "replies": replies}}
    (answer,), left = answers(lines(tmp_path / "trees.jsonl", tree))
    assert [turn["content"] for turn in answer.prompt.messages or []] == ["Tell", "Once", "So?"]
    assert (answer.reply.text, left) == ("The end", [])


def test_oasst_messages_that_reply_to_each_other_end(tmp_path: Path) -> None:
    circle = [
        message("a", "b", "prompter", "one"),
        message("b", "a", "assistant", "two"),
        message("c", None, "prompter", "q"),
    ]
    _, left = answers(lines(tmp_path / "a.jsonl", *circle))
    assert len(left) == 3


# --- a provider's logs

REQUEST = {
    "model": "gpt-4o",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"}],
}
RESPONSE = {
    "id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 20, "completion_tokens": 7},
    "choices": [
        {"message": {"role": "assistant", "content": "2", "reasoning_content": "one and one"}, "finish_reason": "stop"}
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        {"request": REQUEST, "response": RESPONSE},
        {"request": json.dumps(REQUEST), "response": json.dumps(RESPONSE)},
        {"request": {"method": "POST", "body": REQUEST}, "response": {"status_code": 200, "body": RESPONSE}},
        {**REQUEST, "response": RESPONSE},
    ],
)
def test_a_log_keeps_system_message_model_usage_and_finish_reason(tmp_path: Path, row: dict[str, Any]) -> None:
    (answer,), left = answers(lines(tmp_path / "log.jsonl", row))
    assert (answer.prompt.text, answer.prompt.system, left) == ("1+1?", "Be brief.", [])
    reply = answer.reply
    assert (reply.text, reply.reasoning, reply.model) == ("2", "one and one", "gpt-4o-2024-08-06")
    assert (reply.finish_reason, reply.input_tokens, reply.output_tokens) == ("stop", 20, 7)


def test_each_choice_is_an_answer_and_the_request_is_paid_once(tmp_path: Path) -> None:
    choices = [{"message": {"content": text, "role": "assistant"}, "finish_reason": "length"} for text in ("a", "b")]
    row = {"request": REQUEST, "response": {**RESPONSE, "choices": choices}}
    found, _ = answers(lines(tmp_path / "log.jsonl", row))
    assert [(one.reply.text, one.reply.output_tokens) for one in found] == [("a", 7), ("b", 0)]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"error": {"message": "Rate limit\nreached"}}, "the provider answered with an error (Rate limit reached)"),
        ({"status_code": 500, "body": {}}, "the provider answered with an error (HTTP 500)"),
        ({"choices": []}, "no response"),
        (None, "no response"),
        ({"choices": [{"delta": {"content": "pie"}}]}, "a piece of a streamed answer"),
        ({"choices": [{"message": {"role": "assistant", "tool_calls": [{"id": "c"}]}}]}, "the answer is a tool call"),
        ({"choices": [{"message": {"role": "assistant", "content": "  "}}]}, "no response"),
    ],
)  # fmt: skip
def test_a_log_without_an_answer_says_why(tmp_path: Path, response: Any, reason: str) -> None:
    rows = [{"request": REQUEST, "response": RESPONSE}] * 2 + [{"request": REQUEST, "response": response}]
    found, left = answers(lines(tmp_path / "log.jsonl", *rows))
    assert (len(found), left) == (2, [reason])


def test_a_log_is_a_source_of_prompts_also_where_it_failed(prompts: Prompts, tmp_path: Path) -> None:
    other = {**REQUEST, "messages": [{"role": "user", "content": "2+2?"}]}
    rows = [{"request": REQUEST, "response": RESPONSE}, {"request": other, "response": {"choices": [], "error": "x"}}]
    prompts.import_file(lines(tmp_path / "log.jsonl", *rows), "new", format="provider")
    assert [row.text for row in prompts.iterate("new")] == ["1+1?", "2+2?"]


def test_a_batch_is_read_with_its_input(prompts: Prompts, tmp_path: Path) -> None:
    asked = [{"custom_id": f"r{n}", "method": "POST", "url": "/v1/chat/completions", "body": REQUEST} for n in (1, 2)]
    done = {"id": "b", "custom_id": "r2", "error": None, "response": {"status_code": 200, "body": RESPONSE}}
    failed = {"custom_id": "r1", "response": None, "error": {"code": "batch_expired", "message": "expired"}}
    unknown = {**done, "custom_id": "r9"}
    output, given = lines(tmp_path / "out.jsonl", done, failed, unknown), lines(tmp_path / "in.jsonl", *asked)
    (answer,), left = answers(output, batch_input=given)
    assert (answer.prompt.text, answer.prompt.external_id, answer.reply.text) == ("1+1?", "r2", "2")
    assert left == ["the provider answered with an error (expired)", "the question is not in the batch's input"]
    _, alone = answers(output)
    assert alone[0] == "the question is not in the batch's input (name that file with --batch-input)"
    prompts.import_file(given, "asked")
    assert prompts.prompt("asked", 0).text == "1+1?"
    with pytest.raises(BadInput, match="not a batch's input file"):
        answers(output, batch_input=lines(tmp_path / "else.jsonl", {"a": 1}))
