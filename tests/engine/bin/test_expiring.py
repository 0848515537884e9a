"""What has been in the bin for its days goes by itself, once a day; what something in use needs stays."""

import time
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from studio.engine.bin import Expiring
from studio.engine.domain.permissions import RATER, PersonKind
from studio.engine.domain.states import JobState
from studio.engine.errors import BadInput, Failed, NotAllowed
from studio.engine.store.tables import BinItem, Job, Model, PromptSource, Study
from studio.engine.studio import Studio, studio_in

DAY = 86_400.0


def age(studio: Studio, days: float, name: str = "") -> float:
    """Has things been in the bin since then. Returns now."""
    now = time.time()
    with studio.database.session() as session:
        for item in session.exec(select(BinItem)):
            if name in ("", item.name):
                item.created_at = now - days * DAY
                session.add(item)
                for table in (Study, Model, PromptSource):
                    mine = (col(table.id) == item.thing_id, col(table.binned_at).is_not(None))
                    session.execute(update(table).where(*mine).values(binned_at=item.created_at))
    return now


def expired(studio: Studio, now: float) -> list[str]:
    """What is left in the bin after what is due at that time has gone."""
    job = studio.bin.expire(now)
    if job is not None:
        studio.jobs.run_here(job.id or 0)
    return [one.name for one in studio.bin.list()]


def goes_in(studio: Studio, now: float) -> dict[str, float | None]:
    """By name, in how many days a thing goes."""
    return {one.name: None if one.goes_at is None else round((one.goes_at - now) / DAY, 2) for one in studio.bin.list()}


def test_a_thing_goes_after_thirty_days_and_no_sooner(whole_on_both: Studio) -> None:
    studio = whole_on_both
    studio.bin.delete("study", "study")
    now = age(studio, 29.9)
    assert goes_in(studio, now) == {"study": 0.1} and expired(studio, now) == ["study"]
    assert expired(studio, now + 0.2 * DAY) == []
    with studio.database.session() as session:
        assert session.exec(select(Study)).all() == []


def test_how_long_is_a_setting_and_none_is_never(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    now = age(whole, 3)
    assert whole.bin.days_kept() == 30
    whole.bin.keep_for(0)
    assert goes_in(whole, now) == {"study": None} and expired(whole, now + 1_000 * DAY) == ["study"]
    whole.bin.keep_for(2)
    assert goes_in(whole.at("another"), now) == {} and whole.at("another").bin.days_kept() == 2
    assert expired(whole, now) == []
    for wrong in (-1, 1.5, True, "7", 1e9):
        with pytest.raises(BadInput, match="days that things stay"):
            whole.bin.keep_for(wrong)  # type: ignore[arg-type]


def test_what_is_in_use_keeps_what_it_needs(whole: Studio) -> None:
    """`child` is a student of `student`, of which `study` is."""
    whole.bin.delete("model", "student")
    now = age(whole, 40)
    (away,) = whole.bin.list()
    assert away.goes_at is None and [(one.kind, one.names) for one in away.needed] == [
        ("students", ("child",)), ("studies", ("study",)),
    ]  # fmt: skip
    assert expired(whole, now) == ["student"]
    whole.bin.delete("model", "child")
    whole.bin.delete("study", "study")
    assert goes_in(whole, now)["student"] == -10 and expired(whole, now) == ["study", "child"]


def test_what_is_restored_or_needed_again_before_the_job_runs_stays(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    whole.bin.delete("model", "child")
    now = age(whole, 31)
    job = whole.bin.expire(now)
    assert job is not None and whole.bin.expire(now) is None
    whole.bin.keep_for(60)
    assert whole.jobs.run_here(job.id or 0)["emptied"] == 0
    assert {one.name for one in whole.bin.list()} == {"study", "child"}
    assert whole.bin.restore("study", "study").name == "study"


def test_a_project_goes_once_whichever_project_looks(whole: Studio) -> None:
    other = whole.at("other")
    third = whole.at("third")
    whole.bin.delete("project", "other")
    with whole.database.session() as session:
        (item,) = session.exec(select(BinItem))
    now = item.created_at + 31 * DAY
    assert other.project_id == item.thing_id
    jobs = [one.bin.expire(now) for one in (whole, third)]
    assert jobs[0] is not None and jobs[1] is None
    whole.jobs.run_here(jobs[0].id or 0)
    assert whole.bin.list() == [] and [one.name for one in whole.projects.list()] == ["default", "third"]


def test_it_waits_for_what_reads_all_there_is(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    now = age(whole, 31)
    backup = whole.backups.start()
    with pytest.raises(BadInput, match=f"jobs stop {backup.id}"):
        whole.bin.expire(now)
    whole.jobs.stop(backup.id or 0)
    assert expired(whole, now) == []


def test_only_who_manages_changes_how_long(whole: Studio) -> None:
    whole.people.add("Ann", PersonKind.LOCAL)
    assert whole.acting_for(whole.people.named_or_new("Ann")).bin.days_kept() == 30
    with pytest.raises(NotAllowed):
        whole.acting_for(RATER).bin.keep_for(1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_every_bin_is_asked_at_the_start_and_once_a_day() -> None:
    clock, asked = Clock(), list[float]()
    expiring = Expiring(lambda: [asked.append, asked.append], clock=clock)
    for later in (0, 60, DAY - 61, 1, DAY - 1, 1):
        clock.now += later
        expiring.step()
    assert [moment - 1_000_000 for moment in asked] == [0, 0, DAY, DAY, 2 * DAY, 2 * DAY]


def test_what_stood_in_the_way_is_tried_again_within_the_hour() -> None:
    clock, asked = Clock(), list[float]()

    def refuse(now: float) -> None:
        asked.append(now)
        if len(asked) == 1:
            raise Failed("A backup is being made.")

    other: list[float] = []
    expiring = Expiring(lambda: [refuse, other.append], clock=clock)
    for later in (0, 3_599, 1, 3_600):
        clock.now += later
        expiring.step()
    assert len(asked) == 2 == len(other), "One that refuses does not keep the others from going."


def test_a_running_app_looks_by_itself(whole: Studio, tmp_path: Any) -> None:
    whole.bin.delete("study", "study")
    now = age(whole, 31)
    opened = studio_in(whole.database)
    expiring = Expiring(lambda: [opened.bin.expire], clock=lambda: now, look=0.01)
    expiring.start()
    try:
        for _ in range(500):
            with whole.database.session() as session:
                jobs = session.exec(select(Job).where(Job.kind == "empty_bin")).all()
            if jobs:
                break
            time.sleep(0.01)
    finally:
        expiring.stop()
    assert [job.state for job in jobs] == [JobState.QUEUED]
    assert whole.jobs.run_here(jobs[0].id or 0)["emptied"] == 1
