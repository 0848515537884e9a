"""Votes given elsewhere: whole or not at all, malformed rows counted, the later of two votes counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from studio.engine.errors import BadInput, NameTaken
from studio.engine.store.tables import Study, Vote

if TYPE_CHECKING:
    from tests.engine.evaluation.conftest import Room

HEAD = "item,rater,left,right,vote\n"


def written(tmp_path: Path, text: str, name: str = "votes.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_becomes_a_closed_study(room: Room, tmp_path: Path) -> None:
    file = written(tmp_path, HEAD + "1,ann,A,B,left\n1,bob,B,A,left\n2,ann,A,B,tie\n3,ann,B,A,both_bad\n")
    report = room.studies.import_votes(file, "old")
    assert report == {
        "study": "old", "arms": ["A", "B"], "votes": 4, "raters": 2, "items": 3, "skipped": 0, "reasons": {},
    }  # fmt: skip
    found = room.studies.results("old")
    assert (found["first"], found["wins"], found["losses"], found["ties"], found["both_bad"]) == ("A", 1, 1, 1, 1)
    assert found["win_rate"] == 0.5
    assert found["agreement"]["pairs"] == 1 and found["agreement"]["raw"] == 0
    assert found["position"] == {"left": 2, "right": 0, "p_value": 0.5, "identifiable": True}
    assert (found["items"], found["raters"], found["empty"], found["identical"]) == (3, 2, 0, 0)
    assert found["length_controlled_win_rate"] is None
    assert room.studies.get("old").state == "closed"


def test_jsonl_gives_the_same(room: Room, tmp_path: Path) -> None:
    rows = [{"item": n, "rater": "ann", "left": "A", "right": "B", "vote": "right"} for n in range(3)]
    file = written(tmp_path, "\n".join(map(json.dumps, rows)), "votes.jsonl")
    assert room.studies.import_votes(file, "old")["votes"] == 3
    assert room.studies.results("old", "B")["wins"] == 3


def test_malformed_rows_are_counted_and_left_out(room: Room, tmp_path: Path) -> None:
    good = '{"item": 1, "rater": "ann", "left": "A", "right": "B", "vote": "Left"}'
    lines = [good, "{broken", "[1]", '{"item": 2, "rater": "ann"}', good.replace('"B"', '"A"').replace("1", "7")]
    report = room.studies.import_votes(written(tmp_path, "\n".join(lines), "v.jsonl"), "old")
    assert report["votes"] == 1
    assert report["reasons"] == {"not valid JSON": 1, "not an object": 1, "incomplete": 1, "same arm twice": 1}
    assert report["skipped"] == 4


def test_a_raters_later_vote_replaces_the_earlier(room: Room, tmp_path: Path) -> None:
    file = written(tmp_path, HEAD + "1,ann,A,B,left\n1,ann,B,A,left\n")
    report = room.studies.import_votes(file, "old")
    assert (report["votes"], report["reasons"]) == (1, {"replaced by a later vote": 1})
    assert room.studies.results("old")["losses"] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "1,ann,A,B,left\n2,ann,A,B,best\n", "Line 3 of .* has the vote 'best', which is none of left"),
        ("item,rater,left,vote\n1,ann,A,left\n", "has no column right"),
        ("", "no column"),
        (HEAD, "holds no vote"),
        (HEAD + "1,,A,B,left\n", "holds no vote"),
    ],
)
def test_unusable_files_change_nothing(room: Room, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        room.studies.import_votes(written(tmp_path, text), "old")
    with room.database.session() as session:
        assert session.exec(select(Study)).all() == []
        assert session.exec(select(Vote)).all() == []


def test_missing_binary_and_taken(room: Room, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        room.studies.import_votes(tmp_path / "none.csv", "old")
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BadInput, match="cannot be read"):
        room.studies.import_votes(binary, "old")
    file = written(tmp_path, HEAD + "1,ann,A,B,left\n")
    room.studies.import_votes(file, "old")
    with pytest.raises(NameTaken):
        room.studies.import_votes(file, "old")


def test_an_imported_study_cannot_be_opened_to_raters(room: Room, tmp_path: Path) -> None:
    room.studies.import_votes(written(tmp_path, HEAD + "1,ann,A,B,left\n"), "old")
    with pytest.raises(BadInput, match="imported"):
        room.studies.reopen("old")


@pytest.mark.data
def test_the_llmfao_crowd(room: Room, data: Path, tmp_path: Path) -> None:
    with (data / "llmfao/crowd-comparisons.csv").open(newline="") as source:
        rows = list(csv.DictReader(source))
    file = tmp_path / "llmfao.jsonl"
    names = {"id": "item", "worker": "rater", "winner": "vote", "left": "left", "right": "right"}
    file.write_text("\n".join(json.dumps({new: row[old] for old, new in names.items()}) for row in rows))
    report = room.studies.import_votes(file, "llmfao")
    assert (report["votes"], report["raters"], len(report["arms"]), report["skipped"]) == (8931, 124, 59, 0)
    found = room.studies.results("llmfao")
    assert found["agreement"]["krippendorff_alpha"] == pytest.approx(0.29, abs=0.005)
    assert found["bradley_terry"][0]["name"] == "GPT 4"
    assert found["win_rate"] is None
