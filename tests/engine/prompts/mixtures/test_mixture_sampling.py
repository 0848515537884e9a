"""Sampling on both databases: exact, the same for the same seed, each prompt once, and nothing left of what failed."""

import os
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from typing import Any

import pytest
from mixing_rooms import MixingRoom
from sqlalchemy import delete
from sqlmodel import col, func, select

from studio.engine.domain.states import JobState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, Failed, NameTaken
from studio.engine.jobs import Subject
from studio.engine.prompts import NewPrompt, writing
from studio.engine.prompts.entries import sample
from studio.engine.prompts.mixtures import storing
from studio.engine.prompts.mixtures.mixtures import SAMPLE
from studio.engine.store.lease import HOST
from studio.engine.store.tables import Prompt, PromptSource
from studio.engine.studio import studio_in

A: dict[str, Any] = {"name": "A", "source": "a", "algorithm": "stratified", "quota": 12}
B: dict[str, Any] = {"name": "B", "source": "b", "algorithm": "proportional", "quota": 10}


def rows(room: MixingRoom, name: str) -> list[Prompt]:
    return list(room.prompts.iterate(name))


def test_totals_are_exact_and_labels_are_kept(mixing: MixingRoom) -> None:
    mixing.add("a", small=2, large=50, middle=9)
    mixing.add("b", other=30, rest=70)
    mixing.prompts.add("c", "import", [NewPrompt(f"c {n}") for n in range(5)])
    every = {"name": "C", "source": "c"}
    mixture = mixing.mixture(A, B, every)
    outcome = mixing.mixtures.sample(mixture, "mixed", 3)
    assert (mixing.prompts.source("mixed").count, outcome.count) == (27, 27)
    assert outcome.per_collection == {"A": 12, "B": 10, "C": 5}
    assert outcome.per_task["other"] == 3 and outcome.per_task["rest"] == 7
    assert outcome.per_task["(no task)"] == 5
    stored = rows(mixing, "mixed")
    assert [row.position for row in stored] == list(range(27))
    assert Counter(row.collection for row in stored) == {"A": 12, "B": 10, "C": 5}
    assert Counter(row.task or "(no task)" for row in stored) == outcome.per_task
    assert outcome == mixing.mixtures.outcome(mixture, 3)
    assert mixing.prompts.source("mixed").detail["mixture"] == mixture.as_dict()


def test_the_seed_decides_the_draw(mixing: MixingRoom) -> None:
    mixing.add("a", small=2, large=50, middle=9)
    drawn = {}
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        mixing.mixtures.sample(mixing.mixture(A), name, seed)
        drawn[name] = [row.text for row in rows(mixing, name)]
    assert drawn["one"] == drawn["again"] != drawn["two"]
    mixing.mixtures.sample(mixing.mixture(A, seed=2), "own")
    assert [row.text for row in rows(mixing, "own")] == drawn["two"]


PINNED = [
    "large 2?", "large 3?", "large 32?", "middle 1?", "middle 3?", "middle 4?",
    "middle 5?", "middle 6?", "middle 7?", "middle 8?", "small 0?", "small 1?",
]  # fmt: skip


def test_a_draw_is_the_same_on_every_machine_and_database(mixing: MixingRoom) -> None:
    """Whatever the order in which tasks come, the hash seed or the database: this draw is what seed 5 gives."""
    mixing.add("a", large=50, middle=9, small=2)
    mixing.mixtures.sample(mixing.mixture(A), "mixed", 5)
    assert [row.text for row in rows(mixing, "mixed")] == PINNED


def test_a_prompt_of_two_collections_is_drawn_once_and_totals_stay_exact(mixing: MixingRoom) -> None:
    mixing.add("a", small=6, large=30)
    mixing.add("b", small=6, large=30, other=4)
    first = {"name": "A", "source": "a", "algorithm": "stratified", "quota": 20}
    second = {"name": "B", "source": "b", "algorithm": "stratified", "quota": 20}
    outcome = mixing.mixtures.sample(mixing.mixture(first, second), "mixed", 1)
    texts = [row.text for row in rows(mixing, "mixed")]
    assert len(texts) == len(set(texts)) == 40
    assert outcome.collections[1].shared == 20
    assert outcome.collections[1].available == 20
    again = {**first, "name": "again", "quota": 16}
    assert mixing.mixtures.outcome(mixing.mixture(first, again), 1).count == 36
    with pytest.raises(BadInput, match=r"'again' asks for 17 .* has 16 \(20 more are in earlier collections\)"):
        mixing.mixtures.sample(mixing.mixture(first, {**again, "quota": 17}), "none", 1)
    with pytest.raises(BadInput, match="'again' finds no prompt"):
        mixing.mixtures.outcome(mixing.mixture({"name": "all", "source": "a"}, {"name": "again", "source": "a"}))


def test_system_messages_are_drawn_uniformly_and_options_get_theirs(mixing: MixingRoom) -> None:
    open_ones = [NewPrompt(f"Why {n}?", system="Own.") for n in range(600)]
    choices = [NewPrompt(f"Which {n}? A) one B) two") for n in range(600)]
    mixing.prompts.add("a", "import", [*open_ones, *choices])
    part = {"name": "A", "source": "a", "system_messages": ["helpful", "child", "empty"],
            "system_messages_with_options": ["choice"]}  # fmt: skip
    mixing.mixtures.sample(mixing.mixture(part), "mixed", 1)
    texts = {message.name: message.text for message in mixing.messages.list()}
    stored = rows(mixing, "mixed")
    drawn = Counter((row.text.startswith("Which"), row.system_name) for row in stored)
    assert all(row.system == texts[row.system_name] for row in stored)
    assert (False, "choice") not in drawn
    assert all(150 < drawn[False, name] < 250 for name in ("helpful", "child", "empty"))
    assert all(110 < drawn[True, name] < 190 for name in ("helpful", "child", "empty", "choice"))
    mixing.mixtures.sample(mixing.mixture({**part, "quota": 100}), "fewer", 1)
    assert [row.system_name for row in rows(mixing, "fewer")] == [row.system_name for row in stored[:100]]


def test_a_source_keeps_what_its_prompts_carry(mixing: MixingRoom) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    carried = NewPrompt(
        "And?", system="Own.", messages=[*turns, {"role": "user", "content": "And?"}], answer="42", task="t",
        family="f", external_id="x1",
    )  # fmt: skip
    mixing.prompts.add("a", "import", [carried])
    mixing.mixtures.sample(mixing.mixture({"name": "A", "source": "a"}), "mixed")
    [row] = rows(mixing, "mixed")
    [before] = rows(mixing, "a")
    fields = ("digest", "text", "system", "messages", "answer", "task", "family", "external_id")
    assert [getattr(row, name) for name in fields] == [getattr(before, name) for name in fields]
    assert (row.collection, row.system_name) == ("A", None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"source": "nowhere"},
            "'A' takes from the prompt source 'nowhere', which is not in this project. There are: a",
        ),
        ({"quota": 62}, "'A' asks for 62 prompts, but its source 'a' has 61"),
        ({"system_messages": ["helpful", "poet"]}, "'A' draws the system message 'poet', which is not in the library"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_changes_nothing(
    mixing: MixingRoom, change: dict[str, Any], words: str
) -> None:
    mixing.add("a", small=2, large=50, middle=9)
    mixture = mixing.mixture({**A, **change})
    with pytest.raises(BadInput) as caught:
        mixing.mixtures.sample(mixture, "mixed", 1)
    assert words in caught.value.message
    with pytest.raises(BadInput):
        mixing.mixtures.start(mixture, "mixed") if "quota" not in change else mixing.mixtures.outcome(mixture)
    assert [source.name for source in mixing.prompts.sources()] == ["a"]


def test_a_name_that_is_taken_is_refused_before_anything_is_read(mixing: MixingRoom) -> None:
    mixing.add("a", large=20)
    for name in ("a", " a "):
        with pytest.raises(NameTaken):
            mixing.mixtures.sample(mixing.mixture(A), name)
        with pytest.raises(NameTaken):
            mixing.mixtures.start(mixing.mixture(A), name)
    for name in ("", "x" * 101, "a\nb"):
        with pytest.raises(BadInput, match="needs a name"):
            mixing.mixtures.sample(mixing.mixture(A), name)


def count(room: MixingRoom) -> tuple[int, int]:
    with room.database.session() as session:
        return session.exec(select(func.count()).select_from(PromptSource)).one(), session.exec(
            select(func.count()).select_from(Prompt)
        ).one()


def test_nothing_is_left_of_storing_that_breaks_off(mixing: MixingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    mixing.add("a", large=60)
    monkeypatch.setattr(writing, "BATCH_ROWS", 10)
    before = count(mixing)

    def broken(done: int, total: int | None, message: str) -> None:
        if message == "prompts stored" and done >= 30:
            assert count(mixing) == (before[0] + 1, before[1] + 30)
            assert [source.name for source in mixing.prompts.sources()] == ["a"]
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        mixing.mixtures.sample(mixing.mixture({**A, "quota": 50}), "mixed", progress=broken)
    assert count(mixing) == before


def test_a_source_that_is_changed_meanwhile_is_said(mixing: MixingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    mixing.add("a", large=60)
    monkeypatch.setattr(storing, "PAGE_ROWS", 10)

    def meddling(done: int, total: int | None, message: str) -> None:
        if message.startswith("read"):
            with mixing.database.session() as session:
                session.execute(delete(Prompt).where(Prompt.position < 20))  # type: ignore[arg-type]

    with pytest.raises(Failed, match="was changed while it was sampled"):
        mixing.mixtures.sample(mixing.mixture({**A, "quota": 50}), "mixed", progress=meddling)
    assert count(mixing) == (1, 40)


def test_a_job_makes_the_same_source_and_replaces_what_a_killed_one_left(mixing: MixingRoom) -> None:
    mixing.add("a", large=50, middle=9, small=2)
    mixture = mixing.mixture({**A, "system_messages": ["child"]})
    job = mixing.mixtures.start(mixture, "mixed", 5)
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    with mixing.database.session() as session:
        left = {"writer": f"{HOST}:{killed.pid}:1", "beat": time.time()}
        source = PromptSource(project_id=mixing.project_id, name="mixed2", kind=writing.UNFINISHED, detail=left)
        session.add(source)
        half = {"project_id": mixing.project_id, "position": 0, "digest": b"x", "text": "half"}
        session.add(Prompt(source_id=job.subject_id, **half))
    result = mixing.jobs.run_here(job.id or 0)
    assert result == {"source": "mixed", "count": 12, "per_collection": {"A": 12}}
    assert [row.text for row in rows(mixing, "mixed")] == PINNED
    assert {row.system_name for row in rows(mixing, "mixed")} == {"child"}
    maker = mixing.jobs.about(Subject("prompts", mixing.prompts.source("mixed").id or 0))
    assert maker is not None and maker.state == JobState.DONE
    with mixing.database.session() as session:
        assert session.scalar(select(col(PromptSource.id)).where(col(PromptSource.name) == "mixed2")) is None


def test_a_job_of_an_earlier_version_that_has_no_name_reserved_still_runs(mixing: MixingRoom) -> None:
    mixing.add("a", large=50, middle=9, small=2)
    job = mixing.mixtures.start(mixing.mixture(A), "mixed", 5)
    asked = {key: value for key, value in job.payload.items() if key != "reserved"}
    waiting = mixing.jobs.enqueue(SAMPLE, status("title_sample", name="other"), {**asked, "name": "other"})
    assert mixing.jobs.run_here(waiting.id or 0)["source"] == "other"
    assert mixing.jobs.run_here(job.id or 0)["source"] == "mixed"


def test_two_do_not_make_one_name_at_once(mixing: MixingRoom) -> None:
    mixing.add("a", large=60)
    writer = writing.SourceWriter(mixing.database, mixing.project_id, "mixed")
    with pytest.raises(BadInput, match="is being written at this moment"):
        mixing.mixtures.sample(mixing.mixture(A), "mixed")
    writer.clear()
    assert mixing.mixtures.sample(mixing.mixture(A), "mixed").count == 12


def test_prompts_that_differ_in_their_own_message_alone_stay_two(mixing: MixingRoom) -> None:
    mixing.prompts.add("a", "import", [NewPrompt("Why?", system=f"Own {n}.") for n in range(9)])
    part = {"name": "A", "source": "a", "system_messages": ["child"]}
    assert mixing.mixtures.sample(mixing.mixture(part), "mixed").count == 9
    assert len(rows(mixing, "mixed")) == 9


def test_a_stopped_job_keeps_nothing(mixing: MixingRoom) -> None:
    mixing.add("a", large=60)
    job = mixing.mixtures.start(mixing.mixture(A), "mixed", 5)
    before = count(mixing)

    class Context:
        studio, job_id, is_put_down = studio_in(mixing.database), job.id, False
        say_if_anew = staticmethod(lambda: None)
        progress, should_stop = staticmethod(lambda *_: None), staticmethod(lambda: True)

    assert sample(Context(), job.payload) == {"source": None}  # type: ignore[arg-type]
    assert count(mixing) == (before[0] - 1, before[1]), "the name that was reserved is free again"


@pytest.mark.parametrize("mixing", ["sqlite"], indirect=True)
def test_memory_does_not_grow_with_the_texts(mixing: MixingRoom) -> None:
    """200,000 rows of 400 characters: 80 MB of text, of which a draw and its storing hold a page."""
    filler = "x" * 400
    with mixing.database.session() as session:
        source = PromptSource(project_id=mixing.project_id, name="big", kind="import", count=200_000)
        session.add(source)
        session.flush()
        for start in range(0, 200_000, 10_000):
            values = [
                {"project_id": mixing.project_id, "source_id": source.id, "position": place,
                 "task": f"task {place % 97}", "digest": place.to_bytes(16, "big"), "text": f"{place} {filler}"}
                for place in range(start, start + 10_000)
            ]  # fmt: skip
            session.connection().execute(Prompt.__table__.insert(), values)  # type: ignore[attr-defined]
    mixture = mixing.mixture({"name": "A", "source": "big", "algorithm": "stratified", "quota": 60_000,
                              "system_messages": ["helpful", "child"]})  # fmt: skip
    tracemalloc.start()
    outcome = mixing.mixtures.sample(mixture, "mixed", 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert mixing.prompts.source("mixed").count == 60_000 and len(outcome.per_task) == 97
    assert max(outcome.per_task.values()) - min(outcome.per_task.values()) < 200
    assert peak < 24_000_000


def test_the_hash_seed_of_python_changes_nothing() -> None:
    script = (
        "from random import Random\n"
        "from studio.engine.prompts.mixtures import Collection\n"
        "from studio.engine.prompts.mixtures.algorithms import proportional, stratified\n"
        "from studio.engine.prompts.mixtures.drawing import system_message_for\n"
        "part = Collection('A', 'a', system_messages=('x', 'y', 'z'))\n"
        "print(stratified([5, 9, 2], 11, Random('1\\nA')), proportional([1] * 9, 4, Random('1\\nA')),\n"
        "      [system_message_for(part, 1, bytes([n]), '') for n in range(20)])\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "777")
    }
    assert len(said) == 1 and said.pop()
