"""Votes as spreadsheets and other tools write them: the same reader of rows as for prompts, known headers and words."""

import json
from pathlib import Path

import pytest

from studio.engine.errors import BadInput
from studio.engine.evaluation.answer_files import read_votes
from studio.engine.evaluation.arms import read_answers

NOT_TEXT = "holds characters that no text may hold"


@pytest.mark.parametrize(
    ("header", "left", "right"),
    [
        ("item;rater;left;right;vote", "left", "right"),
        ("Item;Rater;Left model;Right model;Winner", "A", "B"),
        ("question_id;judge;model_a;model_b;winner", "model_a", "model_b"),
        ("ID;Annotator;A;B;A/B", "Left", "Right"),
        ("编号;评分者;左侧模型;右侧模型;胜者", "左", "右"),
        ("Frage;Bewerter;Links;Rechts;Gewinner", "links", "rechts"),
    ],
)
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_headers_and_words_of_spreadsheets(tmp_path: Path, header: str, left: str, right: str, delimiter: str) -> None:
    rows = [
        header,
        f"q1;ann;A;B;{left}",
        f"q1;bob;B;A;{right if left != 'A' else 'A'}",
        "q2;ann;A;B;tie",
        "q3;ann;A;B;both bad",
    ]
    path = tmp_path / "votes.csv"
    path.write_text("\ufeff" + "\r\n".join(rows).replace(";", delimiter), encoding="utf-8")
    read = read_votes(path)
    assert [row["vote"] for row in read.rows] == ["left", "right", "tie", "both_bad"]
    assert (read.arms, read.reasons.total()) == (["A", "B"], 0)


def test_what_no_text_may_hold_is_left_out_and_counted(tmp_path: Path) -> None:
    good = {"item": "q1", "rater": "r1", "left": "A", "right": "B", "vote": "left"}
    bad = [{**good, "rater": "r\ud83d"}, {**good, "item": "q\0"}]
    (tmp_path / "v.jsonl").write_text("\n".join(map(json.dumps, [good, *bad])))
    read = read_votes(tmp_path / "v.jsonl")
    assert (len(read.rows), dict(read.reasons)) == (1, {NOT_TEXT: 2})


def test_a_missing_column_says_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("item,rater,first,vote\n1,ann,A,left\n")
    with pytest.raises(BadInput, match=r"no column left, right.* it has: item, rater, first, vote"):
        read_votes(tmp_path / "v.csv")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"prompt": "q", "response": "a"}'),
        ("a.csv", "prompt;response\nq;a\n"),
        ("a.tsv", "question\tanswer\nq\ta\n"),
        ("a.json", '{"data": [{"prompt": "q", "completion": "a"}]}'),
    ],
)
def test_answers_of_an_arm_come_in_any_file_of_rows(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_answers(tmp_path / name) == {"q": "a"}


def test_an_answer_that_cannot_be_stored_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "q", "response": ""}\n{"prompt": "r", "response": "\\ud83d"}\n')
    with pytest.raises(BadInput, match=f"Line 2 of .* {NOT_TEXT}"):
        read_answers(tmp_path / "a.jsonl")
