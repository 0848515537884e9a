"""Reading a frozen dataset: nothing is left out silently."""

import json
from pathlib import Path
from typing import Any

import pytest
from training_rooms import conversations, lines_of

from studio.engine.errors import BadInput


@pytest.fixture
def read(tiny_base: Path, tmp_path: Path) -> Any:
    from studio.engine.training.base import open_tokenizer
    from studio.engine.training.formatting import Formatter
    from studio.engine.training.rows import read_rows
    from studio.engine.training.spec import StageSpec
    from studio.engine.training.stage_settings import StageSettings

    def call(lines: list[str], max_length: int = 512, template: str | None = None, **keys: Any) -> Any:
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        known = {"name": "s", "dataset": "d-v1", "epochs": 1, "learning_rate": 1e-3}
        tokenizer = open_tokenizer(tiny_base)
        tokenizer.chat_template = template or tokenizer.chat_template
        stage = StageSpec(StageSettings.model_validate(known | keys), file)
        return read_rows(stage, Formatter(tokenizer), max_length)

    return call


def chat(answer: str, question: str = "Q") -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def test_splits_are_kept_apart_and_counted(read: Any) -> None:
    rows = read(lines_of(conversations(10, 2), tests=3))
    assert (len(rows.train), len(rows.test)) == (7, 3)
    assert rows.counts == {"used": 7, "test": 3}


def test_what_is_trained_on_and_evaluated_does_not_depend_on_the_order_in_which_answers_arrived(read: Any) -> None:
    lines = lines_of(conversations(10, 2), tests=5)
    there, back = (read(order, eval_rows=2, evaluations=1) for order in (lines, lines[::-1]))
    assert [list(row.ids) for row in there.train] == [list(row.ids) for row in back.train]
    assert [list(row.ids) for row in there.test] == [list(row.ids) for row in back.test] and len(there.test) == 2


def test_long_rows_are_dropped_and_counted(read: Any) -> None:
    rows = read(lines_of([chat("1"), chat("1 " * 90)]), max_length=40)
    assert rows.counts == {"used": 1, "too_long": 1, "test": 0}


def test_long_rows_are_cut_when_asked_and_counted(read: Any) -> None:
    rows = read(lines_of([chat("1"), chat("1 " * 90), chat("1", "2 " * 90)]), max_length=40, too_long="cut")
    assert rows.counts == {"used": 2, "cut": 1, "too_long": 1, "test": 0}
    assert max(rows.lengths) == 40


def test_nothing_left_is_refused_with_the_remedy(read: Any) -> None:
    with pytest.raises(
        BadInput, match=r"None of the 2 conversations of 'd-v1' fits into max_length 8\. Raise max_length"
    ):
        read(lines_of([chat("1 2 3 4 5 6 7 8 9"), chat("9 8 7 6 5 4 3 2 1")]), max_length=8)
    with pytest.raises(BadInput, match="no conversation to train on"):
        read(lines_of([chat("1")], tests=1))


def test_a_template_that_leaves_the_mask_open_is_refused(read: Any) -> None:
    hides = (
        "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] if loop.last else '..' }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    with pytest.raises(BadInput, match=r"uncertain which tokens of 2 conversations in 'd-v1'.*generation"):
        read(lines_of([chat("1") + chat("2"), chat("3") + chat("4")]), template=hides)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"messages": 3}', json.dumps({"messages": [{"role": "user", "content": 4}]})]
)
def test_a_broken_line_is_named_by_its_number(read: Any, line: str) -> None:
    with pytest.raises(BadInput, match="Line 2 of the dataset 'd-v1'"):
        read([*lines_of([chat("1")]), line])


def test_a_dataset_whose_file_is_gone_is_named(read: Any, tmp_path: Path) -> None:
    from studio.engine.training.rows import read_messages

    with pytest.raises(BadInput, match="is gone"):
        read_messages(tmp_path / "none.jsonl", 1)
