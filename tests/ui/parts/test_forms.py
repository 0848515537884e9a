"""What is wrong is said in a form's place, beside the field that it is about, and nothing else changes."""

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from studio.engine.domain.bounds import Bounds
from studio.engine.errors import BadInput
from studio.ui import parts
from studio.ui.parts.numbers import bounds_words, number_in, whole_in
from studio.ui.text import LANGUAGES, Texts

T = Texts("en", "jobs")
COUNT = Bounds(1, 1000)


@pytest.fixture
def field() -> gr.Textbox:
    return gr.Textbox(elem_id="a-count")


@pytest.fixture
def form(field: gr.Textbox) -> parts.Form:
    return parts.form({"count": field})


def test_an_error_lands_beside_its_field_in_its_own_words_and_escaped(form: parts.Form, field: gr.Textbox) -> None:
    def refuse() -> str:
        raise BadInput("The file <b>x</b> is empty.", field="count")

    call, outputs = parts.answering(refuse, field, form, T)
    assert outputs == [field, form.place]
    shown = call()
    assert list(shown) == [form.place]  # what was typed stays
    assert (
        "The file &lt;b&gt;x&lt;/b&gt; is empty." in shown[form.place] and 'data-field="a-count"' in shown[form.place]
    )


@pytest.mark.parametrize("name", ["", "elsewhere"])
def test_an_error_about_no_field_of_the_form_stands_at_its_foot(form: parts.Form, name: str) -> None:
    def refuse() -> None:
        raise BadInput("No.", field=name)

    call, _ = parts.answering(refuse, None, form, T)
    assert 'data-field=""' in call()[form.place]


def test_the_same_fault_is_told_again(form: parts.Form) -> None:
    def refuse() -> None:
        raise BadInput("No.")

    call, _ = parts.answering(refuse, None, form, T)
    assert call()[form.place] != call()[form.place]


def test_what_works_takes_the_words_away(form: parts.Form, field: gr.Textbox) -> None:
    for returned in ("7", {field: "7"}):
        call, _ = parts.answering(lambda value=returned: value, field, form, T)
        assert call() == {field: "7", form.place: ""}
    call, _ = parts.answering(lambda: None, None, form, T)
    assert call() == {form.place: ""}


def test_anything_else_is_logged_and_said_calmly(form: parts.Form, caplog: pytest.LogCaptureFixture) -> None:
    def handler() -> None:
        raise ZeroDivisionError("secret detail")

    with caplog.at_level(logging.ERROR, "studio.ui"):
        call, _ = parts.answering(handler, None, form, Texts("zh"))
        shown = call()[form.place]
    assert "secret detail" not in shown and "意外" in shown
    assert "secret detail" in caplog.text


def test_a_generator_says_it_where_it_broke_off(form: parts.Form, field: gr.Textbox) -> None:
    def handler() -> Iterator[str]:
        yield "1"
        raise BadInput("Stop here.")

    call, _ = parts.answering(handler, field, form, T)
    first, last = list(call())
    assert first == {field: "1", form.place: ""}
    assert list(last) == [form.place] and "Stop here." in last[form.place]


def test_a_number_out_of_bounds_is_refused_by_its_label_with_what_it_may_be() -> None:
    for wrong in ("0", "1001", "999999999", "1.5", "-3"):
        with pytest.raises(BadInput, match=r"Count cannot be .* from 1 to 1,000") as caught:
            whole_in(wrong, "Count", T, COUNT, "count", usual=1)
        assert caught.value.field == "count"
    assert whole_in("1,000", "Count", T, COUNT, usual=1) == 1000
    assert whole_in("", "Count", T, COUNT, usual=7) == 7 and number_in(" ", "Count", T, COUNT) is None


@pytest.mark.parametrize("typed", ["many", "nan", "inf", "1 2", "1e999"])
def test_what_is_no_number_is_refused_by_its_label(typed: str) -> None:
    with pytest.raises(BadInput, match="Count"):
        number_in(typed, "Count", T, COUNT)


def test_bounds_have_words_in_both_languages() -> None:
    for language in LANGUAGES:
        words: Any = [
            bounds_words(Texts(language), Bounds(0, 5, whole=whole, above=above))
            for whole, above in ((True, False), (False, False), (False, True))
        ]
        assert len(set(words)) == 3 and all("0" in one and "5" in one for one in words)
