"""The Teachers page: what it shows and what its form gives to the engine."""

import time
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.store.tables import Teacher
from studio.ui.pages import teachers_views as views
from studio.ui.pages.teachers import NUMBERS, given
from studio.ui.text import Texts

HOSTILE = "<img src=x onerror=alert(1)>"
T = Texts("en", "teachers")


def teacher(**fields: Any) -> Teacher:
    return Teacher(**{"project_id": 1, "name": "gpt", "base_url": "https://x.example/v1", "model": "m", **fields})


def test_empty_says_what_to_do_next() -> None:
    assert "practice teachers" in views.teachers_list(T, "default", [], "")


def test_what_comes_from_outside_is_escaped() -> None:
    test = {"answered": True, "key_accepted": True, "text": HOSTILE, "seconds": 0.5, "cost_usd": 0.1, "at": time.time()}
    shown = teacher(name=HOSTILE, model=HOSTILE, terms_note=HOSTILE, base_url=f"https://x/{HOSTILE}", last_test=test)
    for html in (views.teachers_list(T, "default", [shown], ""), views.teacher_card(T, "default", shown)):
        assert "<img" not in html and "&lt;img" in html


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (
            {"answered": True, "key_accepted": True, "text": "51", "seconds": 0.5},
            ["key accepted", "model answered", "51"],
        ),
        ({"answered": False, "key_accepted": False, "error": "Refused."}, ["key refused", "no answer", "Refused."]),
        ({"answered": False, "key_accepted": True, "error": "No model."}, ["key accepted", "no answer", "No model."]),
        (
            {"answered": False, "key_accepted": True, "error": "None.", "fault": "not_recorded"},
            ["key accepted", "reached", "It replays recorded answers"],
        ),
        ({"answered": False, "key_accepted": None, "error": "Gone."}, ["key not checked", "no answer", "Gone."]),
    ],
)
def test_a_test_shows_two_results(test: dict[str, Any], words: list[str]) -> None:
    html = views.test_view(T, teacher(last_test=test))
    assert all(word in html for word in words)


def test_a_key_is_shown_by_its_variable_and_never_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = teacher(api_key_env="MY_KEY")
    monkeypatch.delenv("MY_KEY", raising=False)
    assert "not set on this machine" in views.teacher_card(T, "default", shown)
    monkeypatch.setenv("MY_KEY", "sk-secret")
    html = views.teacher_card(T, "default", shown)
    assert "MY_KEY" in html and "sk-secret" not in html


def test_prices_and_limits_are_in_words() -> None:
    assert views.price(T, teacher()) == "—"
    assert views.price(T, teacher(input_price=0, output_price=0)) == "free"
    assert views.price(T, teacher(input_price=2, output_price=8.5)) == "$2.00 / $8.50"
    assert "60 requests a minute" in views.limits(T, teacher(requests_per_minute=60))


def form(**fields: Any) -> dict[str, Any]:
    words = {
        "name": "x",
        "base_url": "https://x.example/v1",
        "model": "m",
        "api_key_env": None,
        "terms": "yes",
        "terms_note": "",
    }
    return words | dict.fromkeys(NUMBERS, "") | fields


def test_empty_numbers_are_left_out_and_zero_is_a_number() -> None:
    taken = given(T, form(rpm="60", input_price="0", timeout="1,000.5"))
    assert (taken["rpm"], taken["input_price"], taken["timeout"]) == (60, 0.0, 1000.5)
    assert "tpm" not in taken and taken["api_key_env"] == ""


@pytest.mark.parametrize("typed", ["many", "nan", "inf", "1 2"])
def test_a_number_that_is_none_is_refused_by_its_label(typed: str) -> None:
    with pytest.raises(BadInput, match="Requests a minute"):
        given(T, form(rpm=typed))
