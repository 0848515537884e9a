"""The bin in Settings says of each thing when it goes, or why it stays."""

import time
from typing import Any

import pytest

from studio.engine.bin import Away, Dependent
from studio.ui.pages.settings_bin import IN_BIN, PUT_AWAY, away_view, choices_of, depends_view
from studio.ui.text import Texts

GOES = time.mktime((2031, 5, 17, 12, 0, 0, 0, 0, -1))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_thing_says_when_it_goes(language: str) -> None:
    t = Texts(language, "settings")
    needed = [Dependent("students", 1, ("<child>",))]
    found = [
        Away("study", "one", "", 0.0, goes_at=GOES),
        Away("model", "two", "", 0.0, needed=needed),
        Away("run", "three", "", 0.0),
        Away("run", "four", "", 0.0, is_leaving=True, goes_at=GOES + 86_400),
    ]
    drawn = away_view(t, found, IN_BIN)
    assert "2031-05-17" in drawn and "2031-05-18" not in drawn and t("bin.goes.never") in drawn
    assert "&lt;child&gt;" in drawn and t("bin.goes.needed", what="|").partition("|")[0] in drawn


def test_what_is_put_away_has_no_such_day() -> None:
    t = Texts("en", "settings")
    assert t("bin.goes") not in away_view(t, [Away("run", "three", "", 0.0)], PUT_AWAY)


def test_each_of_several_of_one_name_can_be_chosen() -> None:
    found = [Away("prompts", "a/b", "", 0.0, number=7), Away("prompts", "a/b", "", 0.0, number=3)]
    choices = choices_of(Texts("en", "settings"), found)
    assert [value for _, value in choices] == ["prompts/7/a/b", "prompts/3/a/b"]


@pytest.mark.parametrize(("language", "said"), [("en", "no other project in use"), ("zh", "没有其他正在使用的项目")])
def test_why_the_last_project_stays_is_said_where_it_is_chosen(studio: Any, language: str, said: str) -> None:
    assert said in depends_view(Texts(language, "settings"), studio, "project", "default")
