"""Public data files that nobody here wrote import with the counts that their own descriptions give."""

from pathlib import Path

import pytest

from studio.engine.prompts import Prompts

pytestmark = pytest.mark.data


def test_gsm8k_keeps_all_test_problems_and_their_worked_answers(prompts: Prompts, data: Path) -> None:
    report = prompts.import_file(
        data / "gsm8k" / "test.jsonl", "gsm8k", mapping={"prompt": "question", "answer": "answer"}
    )
    assert (report.imported, report.skipped, report.reasons) == (1319, 0, {})
    first = prompts.prompt("gsm8k", 0)
    assert first.text.startswith("Janet’s ducks lay 16 eggs per day.")
    assert first.answer is not None
    assert first.answer.endswith("#### 18")


def test_t0_has_its_distinct_prompts_by_task(prompts: Prompts, data: Path) -> None:
    report = prompts.import_file(data / "t0" / "t0_sample.jsonl.gz", "t0")
    assert (report.imported, report.skipped, report.reasons) == (10_571, 557, {"duplicate": 557})
    assert prompts.source("t0").detail["format"] == "tasks"
    assert max(count for _, count in prompts.mix("t0")) == 40
    assert not any("<|endoftext|>" in (row.answer or "") for row in prompts.page("t0", limit=1000))


@pytest.mark.parametrize(
    ("file", "format", "imported"),
    [
        ("self_instruct/seed_tasks.jsonl", "alpaca", 175),
        ("self_instruct/user_oriented_instructions.jsonl", "alpaca", 252),
        ("koala/koala_test_set.jsonl", "jsonl", 180),
        ("vicuna80/question.jsonl", "jsonl", 80),
        ("human_eval/HumanEval.jsonl.gz", "jsonl", 164),
        ("tulu_human_eval/eval_instances_tulu_1.jsonl", "jsonl", 332),
    ],
)
def test_public_files_are_recognised(prompts: Prompts, data: Path, file: str, format: str, imported: int) -> None:
    report = prompts.import_file(data / file, "new")
    assert (prompts.source("new").detail["format"], report.imported) == (format, imported)


def test_sharegpt_conversations_become_prompts(prompts: Prompts, data: Path) -> None:
    report = prompts.import_file(data / "sharegpt" / "dummy_conversation.json", "sharegpt")
    assert (report.imported + report.skipped, set(report.reasons)) == (500, {"duplicate"})
    first = prompts.prompt("sharegpt", 0)
    assert [turn["role"] for turn in first.messages or []] == ["user", "assistant", "user"]
    assert first.text == "Have a nice day!"


def test_koala_keeps_line_breaks_and_ids(prompts: Prompts, data: Path) -> None:
    prompts.import_file(data / "koala" / "koala_test_set.jsonl", "koala")
    prompt = prompts.prompt("koala", 3)
    assert prompt.external_id == "koala_3"
    assert "\n" in prompt.text
