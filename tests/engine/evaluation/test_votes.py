"""A rating session: blind, one vote for each rater and item, nothing lost and nothing doubled, whatever happens."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from studio.engine.errors import BadInput, NotAllowed, NotFound
from studio.engine.evaluation import results
from studio.engine.store.tables import StudyItem, Vote

if TYPE_CHECKING:
    from tests.engine.evaluation.conftest import Room


@pytest.fixture
def token(room: Room) -> str:
    room.studies.create("s", "tiny-student", "old-master", "questions", items=6)
    return room.studies.get("s").token


def votes(room: Room) -> list[Vote]:
    with room.database.session() as session:
        return list(session.exec(select(Vote).order_by(Vote.id)))  # type: ignore[arg-type]


def cast(room: Room, token: str, rater: str, choice: str) -> str:
    pair = room.studies.next_pair(token, rater)
    assert pair is not None
    room.studies.vote(token, rater, pair.id, choice)
    return pair.id


def test_a_pair_carries_nothing_that_names_an_arm(room: Room, token: str) -> None:
    pair = room.studies.next_pair(token, "r")
    assert pair is not None
    assert set(asdict(pair)) == {"id", "prompt", "left", "right", "position", "total"}
    assert "tiny-student" not in str(asdict(pair)) and "old-master" not in str(asdict(pair))
    assert (pair.position, pair.total) == (1, 6)


def test_the_vote_keeps_who_stood_where(room: Room, token: str) -> None:
    for _ in range(6):
        pair = room.studies.next_pair(token, "r")
        assert pair is not None
        room.studies.vote(token, "r", pair.id, "left")
        vote = votes(room)[-1]
        with room.database.session() as session:
            item = session.exec(select(StudyItem).where(StudyItem.public_id == pair.id)).one()
        assert (vote.item_id, vote.choice) == (item.id, "left")
        assert [(arm, text) for arm, text in ((vote.left_arm, pair.left), (vote.right_arm, pair.right))] == [
            (arm, f"{arm[0]} answers {pair.prompt}") for arm in (vote.left_arm, vote.right_arm)
        ]


def test_sides_are_drawn_for_each_rater_and_stay(room: Room, token: str) -> None:
    seen: dict[str, set[str]] = {}
    for number in range(30):
        pair, again = (room.studies.next_pair(token, f"r{number}") for _ in range(2))
        assert pair is not None and pair == again
        seen.setdefault(pair.id, set()).add(pair.left)
    assert max(map(len, seen.values())) == 2, "an item stands both ways round"


def test_a_pair_that_was_not_shown_takes_no_vote(room: Room, token: str) -> None:
    pair = room.studies.next_pair(token, "r")
    assert pair is not None
    with pytest.raises(NotAllowed, match="not shown to you"):
        room.studies.vote(token, "somebody else", pair.id, "left")
    assert votes(room) == []


def test_a_vote_that_flips_for_ever_stays_small_and_one(room: Room, token: str) -> None:
    public = cast(room, token, "r", "left")
    for number in range(60):
        room.studies.vote(token, "r", public, ("right", "left")[number % 2])
    (vote,) = votes(room)
    history = vote.detail["history"]
    assert (vote.choice, vote.changes, len(history)) == ("left", 60, 10)
    assert [past["choice"] for past in history[:2]] == ["left", "right"]
    assert [past["until"] for past in history] == sorted(past["until"] for past in history)
    assert room.studies.list()[0].votes == 1


def test_a_rater_sees_every_item_once(room: Room, token: str) -> None:
    seen = [cast(room, token, "r", choice) for choice in ("left", "right", "tie", "both_bad", "skip", "left")]
    assert len(set(seen)) == 6
    assert room.studies.next_pair(token, "r") is None
    assert room.studies.progress(token, "r").done == 6


def test_raters_have_orders_of_their_own(room: Room, token: str) -> None:
    firsts = set()
    for number in range(20):
        pair = room.studies.next_pair(token, f"rater {number}")
        assert pair is not None
        firsts.add(pair.id)
    assert len(firsts) > 2


def test_items_with_fewest_votes_come_first(room: Room, token: str) -> None:
    for rater in ("r1", "r2"):
        for _ in range(3):
            cast(room, token, rater, "tie")
    assert len({vote.item_id for vote in votes(room)}) == 6


def test_a_skipped_item_still_needs_votes(room: Room, token: str) -> None:
    for _ in range(6):
        cast(room, token, "r1", "skip")
    for _ in range(5):
        cast(room, token, "r2", "left")
    missing = {vote.item_id for vote in votes(room)} - {vote.item_id for vote in votes(room) if vote.choice == "left"}
    cast(room, token, "r3", "left")
    assert votes(room)[-1].item_id in missing


def test_the_same_vote_twice_is_one_vote(room: Room, token: str) -> None:
    public = cast(room, token, "r", "left")
    room.studies.vote(token, "r", public, "left")
    (vote,) = votes(room)
    assert (vote.choice, vote.detail) == ("left", {})


def test_another_choice_replaces_and_is_remembered(room: Room, token: str) -> None:
    public = cast(room, token, "r", "left")
    room.studies.vote(token, "r", public, "tie")
    (vote,) = votes(room)
    assert vote.choice == "tie"
    assert [past["choice"] for past in vote.detail["history"]] == ["left"]


def test_undo_brings_the_pair_back_and_the_vote_no_longer_counts(room: Room, token: str) -> None:
    first = cast(room, token, "r", "left")
    second = cast(room, token, "r", "right")
    assert room.studies.undo(token, "r")
    pair = room.studies.next_pair(token, "r")
    assert pair is not None and (pair.id, pair.position) == (second, 2)
    assert room.studies.results("s")["position"]["right"] == 0
    assert room.studies.undo(token, "r")
    pair = room.studies.next_pair(token, "r")
    assert pair is not None and (pair.id, pair.position) == (first, 1)
    assert not room.studies.undo(token, "r")
    room.studies.vote(token, "r", first, "tie")
    pair = room.studies.next_pair(token, "r")
    assert pair is not None and pair.id == second
    assert len(votes(room)) == 2


def test_undo_after_a_new_vote_takes_the_new_one(room: Room, token: str) -> None:
    cast(room, token, "r", "left")
    cast(room, token, "r", "left")
    room.studies.undo(token, "r")
    room.studies.undo(token, "r")
    first = cast(room, token, "r", "tie")
    room.studies.undo(token, "r")
    pair = room.studies.next_pair(token, "r")
    assert pair is not None and pair.id == first


def test_undo_is_a_raters_own(room: Room, token: str) -> None:
    cast(room, token, "r1", "left")
    assert not room.studies.undo(token, "r2")
    assert [vote.choice for vote in votes(room)] == ["left"]


def test_time_and_name_are_kept_when_sensible(room: Room, token: str) -> None:
    for seconds, kept in ((4.5, 4.5), (-1.0, None), (1e12, None)):
        pair = room.studies.next_pair(token, "r")
        assert pair is not None
        room.studies.vote(token, "r", pair.id, "left", seconds, name=" Ada ")
        assert (votes(room)[-1].seconds, votes(room)[-1].detail["name"]) == (kept, "Ada")


def test_unknown_choices_and_items_are_refused(room: Room, token: str) -> None:
    pair = room.studies.next_pair(token, "r")
    assert pair is not None
    with pytest.raises(BadInput, match="is no vote"):
        room.studies.vote(token, "r", pair.id, "best")
    with pytest.raises(BadInput, match="is no vote"):
        room.studies.vote(token, "r", pair.id, "withdrawn")
    with pytest.raises(NotFound, match="not part of the study"):
        room.studies.vote(token, "r", "0" * 32, "left")
    assert votes(room) == []


def test_an_item_of_another_study_is_refused(room: Room, token: str) -> None:
    room.studies.create("other", "tiny-student", "old-master", "questions", items=2)
    pair = room.studies.next_pair(room.studies.get("other").token, "r")
    assert pair is not None
    with pytest.raises(NotFound):
        room.studies.vote(token, "r", pair.id, "left")


def test_a_closed_study_takes_no_votes(room: Room, token: str) -> None:
    public = cast(room, token, "r", "left")
    room.studies.close("s")
    with pytest.raises(NotAllowed):
        room.studies.vote(token, "r", public, "right")
    with pytest.raises(NotAllowed):
        room.studies.undo(token, "r")
    room.studies.reopen("s")
    room.studies.vote(token, "r", public, "right")
    assert [vote.choice for vote in votes(room)] == ["right"]


def test_votes_at_the_same_moment_make_one_row(room: Room, token: str) -> None:
    pair = room.studies.next_pair(token, "r")
    assert pair is not None
    gate, failures = threading.Barrier(8), []

    def vote() -> None:
        gate.wait()
        try:
            room.studies.vote(token, "r", pair.id, "left")
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=vote) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [vote.choice for vote in votes(room)] == ["left"]


VOTER = """
import sys
from studio.engine.evaluation import results
from studio.engine.evaluation.votes import RatingSession
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Study

database = Database(Settings())
with database.session() as session:
    study = session.get(Study, int(sys.argv[1]))
rating, number = RatingSession(database, study), 0
while True:
    rater = f"rater {number // 6}"
    pair = rating.next_pair(rater)
    rating.cast(rater, pair.id, "left")
    print(rater, pair.id, flush=True)
    number += 1
"""


def test_a_killed_voter_loses_and_doubles_nothing(room: Room, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every vote that was answered is there after SIGKILL in mid-work, and each exactly once."""
    monkeypatch.setenv("UNDERSTUDY_WORKSPACE", str(room.settings.workspace))
    study = str(room.studies.by_token(token).id)
    process = subprocess.Popen([sys.executable, "-c", VOTER, study], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    answered = [process.stdout.readline() for _ in range(25)]
    time.sleep(0.03)
    process.kill()
    answered += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    complete = [tuple(line.rstrip("\n").rsplit(" ", 1)) for line in answered if line.endswith("\n")]
    with room.database.session() as session:
        ids = {item.id: item.public_id for item in session.exec(select(StudyItem))}
    stored = [(vote.rater, ids[vote.item_id]) for vote in votes(room)]
    assert len(complete) >= 25
    assert len(stored) == len(set(stored))
    assert set(complete) <= set(stored)
    assert len(stored) - len(complete) <= 1


def test_figures_follow_every_vote_and_change_and_are_not_computed_twice(
    room: Room, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    report = results.report
    monkeypatch.setattr(results, "report", lambda name, *rest: (computed.append(name), report(name, *rest))[1])
    name = room.studies.by_token(token).name

    def judged() -> int:
        return sum(room.studies.results(name)[key] for key in ("wins", "ties", "losses", "both_bad"))

    assert judged() == judged() == 0 and len(computed) == 1
    pair = room.studies.next_pair(token, "r")
    assert pair is not None
    room.studies.vote(token, "r", pair.id, "tie")
    assert judged() == judged() == 1 and len(computed) == 2
    room.studies.vote(token, "r", pair.id, "both_bad")
    assert room.studies.results(name)["both_bad"] == 1 and len(computed) == 3
    room.studies.undo(token, "r")
    assert judged() == 0 and len(computed) == 4
