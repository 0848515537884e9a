"""Of the answers of one handler to one open page, an earlier event's never replaces a later one's."""

from types import SimpleNamespace
from typing import Any

import pytest

from studio.ui import gradio_adapter
from studio.ui.event_streams import ARRIVAL
from studio.ui.parts import newest
from studio.ui.parts.newest import Newest


@pytest.fixture
def event(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the handlers that are called next answer a certain event of a certain page."""

    def answering(page: str, number: int) -> None:
        request = SimpleNamespace(session_hash=page, request=SimpleNamespace(scope={ARRIVAL: number}))
        monkeypatch.setattr(gradio_adapter, "current_request", lambda: request)

    return answering


def test_an_answer_to_an_earlier_event_shows_nothing(event: Any) -> None:
    call = Newest().only(lambda: {"box": "new"}, {"box": "skip"})
    for page, number, shown in (("a", 7, "new"), ("a", 6, "skip"), ("b", 6, "new"), ("a", 7, "new"), ("a", 8, "new")):
        event(page, number)
        assert call() == {"box": shown}, (page, number)


def test_two_events_that_share_a_handler_share_the_order(event: Any) -> None:
    one = Newest()
    first, second = (one.only(lambda: {"box": "new"}, {}) for _ in range(2))
    event("a", 2)
    assert second() == {"box": "new"}
    event("a", 1)
    assert first() == {}


def test_outside_a_page_everything_is_shown() -> None:
    call = Newest().only(lambda: {"box": "new"}, {})
    assert call() == call() == {"box": "new"}


def test_pages_that_were_silent_longest_are_forgotten(event: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "PAGES", 2)
    one = Newest()
    call = one.only(lambda: {"box": "new"}, {})
    for page in ("a", "b", "c"):
        event(page, 5)
        call()
    assert list(one._answered) == ["b", "c"]
