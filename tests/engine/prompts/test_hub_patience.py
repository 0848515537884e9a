"""The first rows of a data set on the hub are read once for a look, and not waited for without end."""

import threading
from pathlib import Path

import pytest

from studio.engine.errors import BadInput
from studio.engine.prompts import importing
from studio.engine.prompts.record import Record

NAME = Path("hub:owner/name")


def test_a_look_reads_the_first_rows_once_and_an_import_reads_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    readings: list[Path] = []

    def rows(path: Path):
        readings.append(path)
        yield from (Record(n, {"prompt": f"p{n}"}) for n in range(1, 151))

    monkeypatch.setitem(importing.READERS, "hub", rows)
    source = importing.settle(NAME)
    found = importing.preview(source)
    assert [row.text for row in found.rows] == [f"p{n}" for n in range(1, 9)] and readings == [NAME]
    assert len(list(source.rows())) == 150 and readings == [NAME, NAME]


def test_a_hub_that_does_not_answer_is_given_up_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def rows(path: Path):
        answered.wait(20)
        yield Record(1, {"prompt": "late"})

    monkeypatch.setitem(importing.READERS, "hub", rows)
    monkeypatch.setattr(importing, "HUB_SECONDS", 0.1)
    with pytest.raises(BadInput, match=r"hub:owner/name.*did not send its first rows"):
        importing.settle(NAME)
    answered.set()


def test_what_the_hub_says_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(path: Path):
        raise BadInput("There is none of that name.")
        yield

    monkeypatch.setitem(importing.READERS, "hub", rows)
    with pytest.raises(BadInput, match="none of that name"):
        importing.settle(NAME)
