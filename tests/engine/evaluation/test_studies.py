"""A study from its arguments to frozen, masked, shuffled pairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from studio.engine.errors import BadInput, Failed, NameTaken, NotFound
from studio.engine.evaluation.leaks import MARK
from studio.engine.store import address_of
from studio.engine.store.tables import Answer, Study, StudyAnswer, StudyItem

if TYPE_CHECKING:
    from tests.engine.evaluation.conftest import Room


def items(room: Room) -> list[StudyItem]:
    with room.database.session() as session:
        return list(session.exec(select(StudyItem).order_by(StudyItem.study_id, StudyItem.position)))  # type: ignore[arg-type]


def test_create_freezes_both_arms_answers(room: Room) -> None:
    report = room.studies.create("s", "tiny-student", "old-master", "questions", items=5, seed=3)
    assert report["study"] == "s"
    assert report["items"] == 5
    assert report["leaks"] == {"flagged": 0, "redacted": 0, "excluded": 0}
    assert report["link"] == f"{address_of(room.settings)}/r/{room.studies.get('s').token}"
    for item in items(room):
        by_arm = {item.left_arm: item.left, item.right_arm: item.right}
        assert by_arm == {"tiny-student": f"t answers {item.prompt}", "old-master": f"o answers {item.prompt}"}
        assert item.family == "quiz"


def test_the_seed_decides_items_and_no_sides(room: Room) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        room.studies.create(name, "tiny-student", "old-master", "questions", items=8, seed=seed)
    drawn: dict[int, list[str]] = {}
    for item in items(room):
        drawn.setdefault(item.study_id, []).append(item.prompt)
    first, again, other = drawn.values()
    assert first == again != other
    token = room.studies.get("a").token
    shown = [room.studies.next_pair(token, f"r{number}") for number in range(40)]
    assert {pair.left[0] for pair in shown if pair} == {"t", "o"}


def test_public_ids_are_128_random_bits(room: Room) -> None:
    room.studies.create("s", "tiny-student", "old-master", "questions", items=5)
    ids = {item.public_id for item in items(room)}
    assert len(ids) == 5
    assert all(len(bytes.fromhex(public)) == 16 for public in ids)


def test_a_small_source_gives_all_it_has(room: Room) -> None:
    assert room.studies.create("s", "tiny-student", "old-master", "questions", items=500)["items"] == 12


def test_the_system_message_reaches_both_arms(room: Room) -> None:
    room.studies.create("s", "tiny-student", "old-master", "questions", system_message="brief", items=2)
    systems = {messages[0]["content"] for _, messages in room.script.asked if messages[0]["role"] == "system"}
    assert len(room.script.asked) == 4
    assert len(systems) == 1 and systems.pop()


def test_no_system_message_sends_none(room: Room) -> None:
    room.studies.create("s", "tiny-student", "old-master", "questions", items=2)
    assert all([message["role"] for message in messages] == ["user"] for _, messages in room.script.asked)


def test_answers_that_differ_only_in_their_names_are_excluded(room: Room) -> None:
    room.script.say = lambda who, prompt, system: f"I am {who}."
    with pytest.raises(Failed, match="nothing to compare"):
        room.studies.create("s", "tiny-student", "old-master", "questions", items=4)


def test_masked_answers_are_what_raters_get(room: Room) -> None:
    room.script.say = lambda who, prompt, system: (
        f"I am {who}, and I say {len(who)}." if "3" in prompt else f"{who[0]} {prompt}"
    )
    report = room.studies.create("s", "tiny-student", "old-master", "questions", items=12)
    assert report["leaks"] == {"flagged": 1, "redacted": 1, "excluded": 0}
    shown = [text for item in items(room) for text in (item.left, item.right)]
    assert sum(MARK in text for text in shown) == 2
    assert not any("tiny-student" in text or "old-master" in text for text in shown)


def test_identical_and_empty_answers_are_replaced_from_the_rest(room: Room) -> None:
    def say(who: str, prompt: str, system: str) -> str:
        number = int(prompt.split()[1].rstrip("?"))
        if number < 4:
            return "the same"
        return "" if number == 4 and who == "old-master" else f"{who[0]} {number}"

    room.script.say = say
    report = room.studies.create("s", "tiny-student", "old-master", "questions", items=7)
    assert report["items"] == 7
    assert 0 < report["leaks"]["excluded"] <= 5
    results = room.studies.results("s")
    assert results["items"] == 7 and results["empty"] <= 1
    assert results["empty"] + results["identical"] == report["leaks"]["excluded"]
    assert all(item.left.strip() != item.right.strip() and item.left and item.right for item in items(room))


def test_a_cut_preparation_asks_only_for_what_is_missing(room: Room) -> None:
    answered: list[tuple[str, str]] = []

    def say(who: str, prompt: str, system: str) -> str:
        if who == "old-master" and len(answered) >= 9:
            raise Failed("The teacher hung up.")
        answered.append((who, prompt))
        return f"{who[0]} {prompt}"

    room.script.say = say
    with pytest.raises(Failed, match="are kept"):
        room.studies.create("s", "tiny-student", "old-master", "questions", items=9)
    assert room.studies.get("s").state == "failed"
    room.script.asked.clear()
    room.script.say = lambda who, prompt, system: f"{who[0]} {prompt}"
    assert room.studies.create("s", "tiny-student", "old-master", "questions", items=9)["items"] == 9
    assert {who for who, _ in room.script.asked} == {"old-master"}
    with room.database.session() as session:
        links = {(link.arm, link.answer_id) for link in session.exec(select(StudyAnswer))}
        subjects = {answer.id: answer.subject for answer in session.exec(select(Answer))}
    assert len(links) == len(subjects) == 18
    who = {(arm, subjects[answer]) for arm, answer in links}
    assert who == {(0, "weights:tiny-student 1"), (1, "teacher:old-master")}


def test_a_second_study_asks_nobody_again_unless_a_model_was_trained_again(room: Room) -> None:
    room.studies.create("a", "tiny-student", "old-master", "questions", items=5, seed=1)
    room.script.asked.clear()
    room.studies.create("b", "tiny-student", "old-master", "questions", items=5, seed=1)
    assert room.script.asked == []
    room.script.weights = 2
    room.script.asked.clear()
    room.studies.create("c", "tiny-student", "old-master", "questions", items=5, seed=1)
    assert [who for who, _ in room.script.asked].count("tiny-student") == 5


def test_a_study_that_goes_on_after_a_training_compares_one_model_only(room: Room) -> None:
    def hang_up(who: str, prompt: str, system: str) -> str:
        if who == "old-master":
            raise Failed("The teacher hung up.")
        return f"first {prompt}"

    room.script.say = hang_up
    with pytest.raises(Failed):
        room.studies.create("s", "tiny-student", "old-master", "questions", items=3)
    room.script.weights = 2
    room.script.say = lambda who, prompt, system: f"{who[0]} second {prompt}"
    room.studies.create("s", "tiny-student", "old-master", "questions", items=3)
    shown = {item.left if item.left_arm == "tiny-student" else item.right for item in items(room)}
    assert len(shown) == 3 and all(text.startswith("t second") for text in shown)
    with room.database.session() as session:
        linked = session.exec(select(Answer.subject).join(StudyAnswer).where(StudyAnswer.arm == 0)).all()
    assert linked == ["weights:tiny-student 2"] * 3


def test_a_failed_study_gives_its_name_to_another(room: Room) -> None:
    room.script.say = lambda who, prompt, system: "same"
    with pytest.raises(Failed):
        room.studies.create("s", "tiny-student", "old-master", "questions", items=2)
    room.script.say = lambda who, prompt, system: who[0] + prompt
    assert room.studies.create("s", "tiny-student", "old-master", "questions", items=3, seed=9)["items"] == 3
    assert len(room.studies.list()) == 1


def test_files_of_answers_need_no_model(room: Room, answers: Callable[..., str]) -> None:
    first = answers("mine", {f"Question {n}?": f"one {n}" for n in range(12)})
    second = answers("theirs", {f"Question {n}?\r\n": f"two {n}" for n in range(12)})
    assert room.studies.create("s", first, second, "questions", items=12)["items"] == 12
    assert room.studies.get("s").arms == ["mine", "theirs"]
    assert room.script.opened == []


def test_a_file_beside_a_model(room: Room, answers: Callable[..., str]) -> None:
    file = answers("recorded", {f"Question {n}?": f"one {n}" for n in range(12)})
    room.studies.create("s", "tiny-student", file, "questions", items=3)
    assert {who for who, _ in room.script.asked} == {"tiny-student"}


def test_files_of_one_name_are_told_apart_by_their_folder(room: Room, tmp_path: Path) -> None:
    paths = []
    for folder in ("left", "right"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "answers.jsonl")
        rows = [{"prompt": f"Question {n}?", "response": f"{folder} {n}"} for n in range(12)]
        paths[-1].write_text("\n".join(map(json.dumps, rows)))
    room.studies.create("s", str(paths[0]), str(paths[1]), "questions", items=3)
    assert room.studies.get("s").arms == ["left/answers", "right/answers"]


def refused(room: Room, match: str, **changes: Any) -> None:
    arguments: dict[str, Any] = {"name": "s", "first": "tiny-student", "second": "old-master", "prompts": "questions"}
    arguments |= changes
    with pytest.raises(BadInput, match=match):
        room.studies.create(**arguments)
    with room.database.session() as session:
        assert session.exec(select(Study)).all() == []
    assert room.script.asked == []


def test_a_large_file_of_answers_is_read_by_the_job(
    room: Room, answers: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = answers("some", {"Question 1?": "x"})
    with pytest.raises(BadInput, match="no answer to"):
        room.studies.start("s", "tiny-student", some, "questions", items=12)
    monkeypatch.setattr("studio.engine.evaluation.drawing.LARGE_FILE", 1)
    job = room.studies.start("s", "tiny-student", some, "questions", items=12)
    assert job.state == "queued"
    with pytest.raises(Failed, match="no answer to 11 of the 12"):
        room.studies.prepare(job.payload["study_id"])
    assert room.studies.get("s").state == "failed" and room.script.asked == []


def test_bad_arguments_change_nothing(room: Room, answers: Callable[..., str], tmp_path: Path) -> None:
    refused(room, "no prompt source named 'none'", prompts="none")
    refused(room, "no system message named 'none'", system_message="none")
    refused(room, "'ghost' is no model and no teacher", second="ghost")
    refused(room, "no file of answers at", second=str(tmp_path / "missing.jsonl"))
    refused(room, "Both sides are 'tiny-student'", second="tiny-student")
    refused(room, "from 1 to 10,000", items=0)
    refused(room, "cannot name a study", name="  ")
    refused(room, "Line 1 of .* is not a JSON object", second=str(_written(tmp_path / "bad.jsonl", "not json\n")))
    refused(room, "must be text", second=str(_written(tmp_path / "odd.jsonl", '{"prompt": 1, "response": 2}\n')))
    refused(room, "is empty", second=str(_written(tmp_path / "empty.jsonl", "\n")))
    some = answers("some", {"Question 1?": "x"})
    refused(room, r"no answer to 11 of the 12 prompts drawn, the first: 'Question", second=some, items=12)


def test_a_name_already_taken(room: Room) -> None:
    room.studies.create("s", "tiny-student", "old-master", "questions", items=2)
    with pytest.raises(NameTaken):
        room.studies.create("s", "tiny-student", "old-master", "questions", items=2)


def test_start_leaves_the_asking_to_a_job(room: Room) -> None:
    job = room.studies.start("s", "tiny-student", "old-master", "questions", items=2)
    assert (job.kind, job.payload) == ("answer", {"study_id": room.studies.get("s").id})
    assert room.studies.get("s").state == "preparing"
    assert room.script.asked == []
    with pytest.raises(NameTaken, match="being prepared by job"):
        room.studies.start("s", "tiny-student", "old-master", "questions", items=2)


def test_preparing_stops_when_asked_and_goes_on_later(room: Room) -> None:
    room.studies.start("s", "tiny-student", "old-master", "questions", items=6)
    study = room.studies.get("s")
    assert study.id is not None
    asked = iter([False, True, True])
    assert room.studies.prepare(study.id, should_stop=lambda: next(asked))["items"] == 0
    assert room.studies.get("s").state == "preparing"
    assert 0 < len(room.script.asked) < 6
    assert room.studies.prepare(study.id)["items"] == 6
    assert len(room.script.asked) == 12


def test_preparing_reports_progress(room: Room) -> None:
    seen: list[tuple[int, int | None]] = []
    room.studies.create(
        "s",
        "tiny-student",
        "old-master",
        "questions",
        items=4,
        progress=lambda done, total, message: seen.append((done, total)),
    )
    assert seen[0] == (0, 8)
    assert seen[-1] == (8, 8)


def test_list_counts_votes_and_raters(room: Room) -> None:
    room.studies.create("s", "tiny-student", "old-master", "questions", items=3)
    token = room.studies.get("s").token
    for rater, choice in (("r1", "left"), ("r1", "skip"), ("r2", "tie")):
        pair = room.studies.next_pair(token, rater)
        assert pair is not None
        room.studies.vote(token, rater, pair.id, choice)
    (summary,) = room.studies.list()
    assert (summary.study.name, summary.items, summary.votes, summary.raters) == ("s", 3, 2, 2)


def test_results_follow_the_votes(room: Room) -> None:
    room.studies.create("s", "tiny-student", "old-master", "questions", items=6)
    token = room.studies.get("s").token
    while pair := room.studies.next_pair(token, "r"):
        room.studies.vote(token, "r", pair.id, "left" if pair.left.startswith("o answers") else "right")
    report = room.studies.results("s")
    assert (report["first"], report["wins"], report["losses"], report["win_rate"]) == ("tiny-student", 0, 6, 0.0)
    assert room.studies.results("s", "old-master")["win_rate"] == 1.0
    with pytest.raises(NotFound, match="does not compare 'ghost'"):
        room.studies.results("s", "ghost")


def test_results_without_votes_are_unknown_not_zero(room: Room) -> None:
    room.studies.create("s", "tiny-student", "old-master", "questions", items=2)
    report = room.studies.results("s")
    assert set(report) == {
        "first", "win_rate", "low", "high", "wins", "ties", "losses", "both_bad", "position", "agreement",
        "bradley_terry", "length_controlled_win_rate", "length_controlled", "items", "raters", "interval", "empty",
        "identical", "prediction_powered",
    }  # fmt: skip
    assert (report["win_rate"], report["wins"], report["position"]["p_value"]) == (None, 0, None)


def test_unknown_names_and_links(room: Room) -> None:
    with pytest.raises(NotFound, match="no study named 's'"):
        room.studies.results("s")
    with pytest.raises(NotFound, match="leads to no study"):
        room.studies.by_token("guess")


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
