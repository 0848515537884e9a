"""The import panel of the Prompts page: files, folders and answers are recognised, mapped, cleaned and imported."""

import asyncio
import itertools
import json
from collections.abc import Callable
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.errors import StudioError
from studio.engine.prompts import NewPrompt
from studio.engine.traces import TraceFilter
from studio.ui.page import Page
from studio.ui.pages import prompts as page
from studio.ui.pages.prompts import bringing_form
from studio.ui.pages.prompts import prompts_views as views
from studio.ui.text import Texts

ATTACK = '<img src=x onerror="alert(1)"> {{evil}} ${evil}'
GOOD = "This is a good answer to it."
_numbers = itertools.count()


class Panel:
    """The built page: what a handler of the panel does with boxes that say `values`, by the boxes' short names."""

    def __init__(self, studio: Any) -> None:
        asyncio.run(self._build(studio))
        self.parts = {part.elem_id: part for part in self.blocks.blocks.values() if getattr(part, "elem_id", None)}
        handlers = {getattr(fn.fn, "__name__", ""): fn for fn in self.blocks.fns.values()}
        self.handlers = handlers
        self.empty = {part: part.value for part in handlers["bring"].inputs}

    async def _build(self, studio: Any) -> None:
        """In a running loop, since Gradio leaves one of its own open when there is none."""
        with gr.Blocks() as self.blocks:
            page.build(Page(self.blocks, studio, Texts("en", "prompts")), studio)

    def bring(self, studio: Any, request: Any, **values: Any) -> Any:
        """Starts an import as the button does, and runs its job as a worker does."""
        goto = self("bring", request, **values)
        job = int(goto.partition("job=")[2])
        assert goto == f"/prompts?project={studio.project.name}&job={job}"
        return studio.jobs.run_here(job)

    def refused(self, handler: str, request: Any, **values: Any) -> list[str]:
        """What the event says is wrong; all that it shows."""
        given = {self.parts[f"prompts-import-{name.replace('_', '-')}"]: value for name, value in values.items()}
        return list(self.handlers[handler].fn(request, {**self.empty, **given}).values())

    def __call__(self, handler: str, request: Any, **values: Any) -> Any:
        given = {self.parts[f"prompts-import-{name.replace('_', '-')}"]: value for name, value in values.items()}
        assert given.keys() <= self.empty.keys()
        result = unwrap(self.handlers[handler].fn)(request, {**self.empty, **given})
        if not isinstance(result, dict):
            return result
        return {component.elem_id.removeprefix("prompts-import-"): value for component, value in result.items()}


@pytest.fixture(scope="module")
def panel(house: Any) -> Panel:
    return Panel(house)


@pytest.fixture
def studio(house: Any) -> Any:
    """A project of the test's own."""
    name = f"bringing-{next(_numbers)}"
    house.projects.get(name)
    return house.at(name)


@pytest.fixture
def asked(studio: Any) -> Any:
    """What a handler sees of the browser's request: the test's project."""
    return SimpleNamespace(query_params={"project": studio.project.name}, username=None, cookies={})


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def lines(*rows: Any, name: str = "sums.jsonl") -> str:
        texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (tmp_path / name).write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        return str(tmp_path / name)

    return lines


def talk(*said: str, **more: Any) -> dict[str, Any]:
    roles = ("human", "gpt") * len(said)
    return {"conversations": [{"from": role, "value": text} for role, text in zip(roles, said, strict=False)], **more}


def test_a_file_is_recognised_and_imported_with_what_was_left_out(
    panel: Panel, studio: Any, asked: Any, write: Callable[..., str]
) -> None:
    file = write({"question": "1 + 1?", "answer": "2"}, "broken", {"question": "2 + 2?"})
    seen = panel("recognise", asked, file=file)
    assert "Read as jsonl" in seen["preview"]
    assert "1 + 1?" in seen["preview"]
    assert "Line 2: not valid JSON" in seen["preview"]
    assert (seen["name"], seen["prompt"].value, seen["button"].interactive) == ("sums", "question", True)
    assert not seen["response"].visible
    assert not seen["cleaning"].visible, "there are no conversations to clean"
    panel.bring(studio, asked, file=file, name="sums", prompt="question", answer="answer")
    assert [row.answer for row in studio.prompts.iterate("sums")] == ["2", None]
    shown = str(views.source(Texts("en", "prompts"), studio, studio.prompts.source("sums"), []))
    assert "1 row is left out" in shown
    assert "Line 2: not valid JSON" in shown


def test_rows_without_a_prompt_column_offer_their_columns(
    panel: Panel, studio: Any, asked: Any, write: Callable[..., str]
) -> None:
    file = write({"colour": "red", "nested": {"words": "hello"}})
    seen = panel("recognise", asked, file=file)
    assert "colour, nested.words" in seen["preview"]
    assert not seen["button"].interactive
    assert ("nested.words", "nested.words") in seen["prompt"].choices
    assert "hello" in panel("remap", asked, file=file, prompt="nested.words")["preview"]
    panel.bring(studio, asked, file=file, name="a", prompt="nested.words")
    assert studio.prompts.page("a")[0].text == "hello"


def test_a_recognised_shape_is_imported_as_it_is(panel: Panel, studio: Any, asked: Any, write: Any) -> None:
    file = write({"instruction": "Say", "input": "hi", "output": "hi"})
    seen = panel("recognise", asked, file=file, name="kept")
    assert "Read as alpaca" in seen["preview"]
    assert "name" not in seen
    boxes = {field: seen[field].value for field in bringing_form.MAPPED}
    assert not any(boxes.values())
    panel.bring(studio, asked, file=file, name="a", **boxes)
    assert studio.prompts.page("a")[0].text == "Say\n\nhi"


def test_a_folder_of_a_data_set_is_looked_at_and_imported(
    panel: Panel, studio: Any, asked: Any, tmp_path: Path
) -> None:
    import datasets

    datasets.disable_progress_bars()
    datasets.Dataset.from_list([{"prompt": "from a folder"}]).save_to_disk(str(tmp_path / "saved"))
    place = f" {tmp_path / 'saved'} "
    seen = panel("recognise", asked, place=place)
    assert "a data set&#39;s folder" in seen["preview"]
    assert (seen["name"], "from a folder" in seen["preview"]) == ("saved", True)
    panel.bring(studio, asked, place=place, name="s")
    assert studio.prompts.page("s")[0].text == "from a folder"


def test_conversations_may_be_cleaned_and_say_what_the_rules_did(
    panel: Panel, studio: Any, asked: Any, write: Any
) -> None:
    file = write(talk("one", GOOD), talk("two", "no"), talk("three", "OpenAI made me, you should know."))
    seen = panel("recognise", asked, file=file)
    assert seen["cleaning"].visible
    assert "conversations" in seen["preview"]
    assert not seen["prompt"].value, "a recognised shape is not taken apart by its columns"
    changed = panel("remap", asked, file=file, clean=True)
    assert changed["rules"].visible
    assert "no answers under 16 characters: 1 · no answers that name their provider: 1" in changed["preview"]
    ticked = [rule for rule in bringing_form.TICKED if rule != "provider"]
    panel.bring(studio, asked, file=file, name="s", clean=True, rule=ticked, languages="en")
    assert [row.text for row in studio.prompts.iterate("s")] == ["one", "three"]
    shown = str(views.source(Texts("zh", "prompts"), studio, studio.prompts.source("s"), []))
    assert "剔除少于 16 个字符的回答: 1" in shown


def test_a_length_needs_a_tokenizer_and_splits_by_it(panel: Panel, studio: Any, asked: Any, write: Any) -> None:
    file = write(talk(*(f"{GOOD} {number}" for number in range(12))))
    with pytest.raises(StudioError, match="Choose whose tokens"):
        panel("remap", asked, file=file, clean=True, tokens="64")
    with pytest.raises(StudioError, match="Split to tokens"):
        panel("remap", asked, file=file, clean=True, tokens="many")
    panel.bring(studio, asked, file=file, name="s", clean=True, tokens="64", tokenizer="practice-base")
    assert studio.prompts.source("s").count > 1
    assert "practice-base" in [value for _, value in unwrap(panel.handlers["offer_tokenizers"].fn)(asked).choices]


# --- answers


def test_answers_become_traces_with_teacher_and_terms(panel: Panel, studio: Any, asked: Any, write: Any) -> None:
    file = write({"q": "1 + 1?", "said": "It is 2."}, {"q": "2 + 2?", "said": ""})
    seen = panel("recognise", asked, file=file, answers=True)
    assert seen["about"].visible
    assert seen["response"].visible
    assert not seen["button"].interactive, "no column looks like an answer"
    boxes = {"prompt": "q", "response": "said"}
    again = panel("remap", asked, file=file, answers=True, **boxes)
    assert "It is 2." in again["preview"]
    assert "no response" in again["preview"]
    about = {"answers": True, "teacher": "gpt", "terms": "research"}
    made = panel.bring(studio, asked, file=file, name="old", **about, **boxes)
    assert (made["run"], made["imported"]) == ("old", 1)
    (trace,) = studio.traces.page(TraceFilter.parse({"run": "old"})).rows
    assert (trace.teacher, trace.terms, trace.response_preview) == ("gpt", "research", "It is 2.")
    assert studio.prompts.sources() == []


def test_every_turn_and_a_batch_with_its_input(panel: Panel, studio: Any, asked: Any, write: Any) -> None:
    about = {"answers": True, "teacher": "gpt"}
    panel.bring(studio, asked, file=write(talk("one", "1", "two", "2")), name="turns", every_turn=True, **about)
    assert studio.traces.page(TraceFilter.parse({"run": "turns"})).count == 2
    question = {"custom_id": "r1", "body": {"messages": [{"role": "user", "content": "Why?"}]}}
    reply = {"choices": [{"message": {"role": "assistant", "content": "So."}}]}
    given = write(question, name="in.jsonl")
    output = write({"custom_id": "r1", "response": {"status_code": 200, "body": reply}}, name="out.jsonl")
    seen = panel("recognise", asked, file=output, batch_input=given, **about)
    assert "Why?" in seen["preview"]
    panel.bring(studio, asked, file=output, batch_input=given, name="batch", **about)
    assert studio.traces.page(TraceFilter.parse({"run": "batch"})).rows[0].prompt_preview == "Why?"


def test_answers_without_a_teacher_are_refused(panel: Panel, asked: Any, write: Any) -> None:
    with pytest.raises(StudioError, match="name of the teacher"):
        panel("bring", asked, file=write({"prompt": "a", "response": "b"}), name="old", answers=True)


# --- faults


@pytest.mark.parametrize("content", ["", "\0\0binary"])
def test_a_file_that_cannot_be_read_says_why_in_the_place_of_its_rows(
    panel: Panel, asked: Any, write: Any, content: str
) -> None:
    seen = panel("recognise", asked, file=write(content))
    assert "is empty" in seen["preview"] or "binary file" in seen["preview"]
    assert (seen["button"].interactive, seen["map"].visible) == (False, True), "another format can be chosen"


def test_a_place_that_is_none_says_why(panel: Panel, asked: Any, tmp_path: Path) -> None:
    for place, words in (
        (tmp_path / "nowhere", "There is no file"),
        (tmp_path, "folder without"),
        ("hub:", "OWNER/NAME"),
    ):
        assert words in panel("recognise", asked, place=str(place))["preview"]


def test_a_place_goes_before_the_file_and_a_new_file_clears_it(panel: Panel, asked: Any, write: Any) -> None:
    first, second = write({"prompt": "first"}, name="a.jsonl"), write({"prompt": "second"}, name="b.jsonl")
    assert "second" in panel("recognise", asked, file=first, place=second)["preview"]
    seen = panel("take_file", asked, file=first, place=second)
    assert (seen["place"], "first" in seen["preview"]) == ("", True)


def test_the_name_follows_the_file_until_the_person_has_typed_one(panel: Panel, asked: Any, write: Any) -> None:
    first, second = write({"prompt": "a"}, name="first.jsonl"), write({"prompt": "b"}, name="second.jsonl")
    seen = panel("take_file", asked, file=first)
    assert seen["name"] == seen["suggested"] == "first"
    seen = panel("take_file", asked, file=second, name="first", suggested="first")
    assert seen["name"] == seen["suggested"] == "second"
    seen = panel("take_file", asked, file=first, name="my own", suggested="second")
    assert "name" not in seen and "suggested" not in seen


def test_a_taken_name_is_a_notice_that_shows_no_markup(panel: Panel, studio: Any, asked: Any, write: Any) -> None:
    studio.prompts.add(ATTACK, "import", [NewPrompt("a")])
    (said,) = panel.refused("bring", asked, file=write({"prompt": "a"}), name=ATTACK)
    assert "already a prompt source" in said and 'data-field="prompts-import-name"' in said
    assert "<img" not in said


def test_importing_without_a_file_says_so(panel: Panel, asked: Any) -> None:
    with pytest.raises(StudioError, match="Choose a file first"):
        panel("bring", asked, name="a")
    assert panel("recognise", asked)["preview"] == ""


def test_text_of_rows_is_never_markup(panel: Panel, asked: Any, write: Any) -> None:
    row = {"prompt": ATTACK, ATTACK: ATTACK, "response": ATTACK, "system": ATTACK}
    for answers in (False, True):
        shown = panel("recognise", asked, file=write(row), answers=answers)["preview"]
        assert "<img" not in shown
        assert "&lt;img" in shown
    unreadable = panel("recognise", asked, file=write({ATTACK: ATTACK}))["preview"]
    assert "<img" not in unreadable


def test_the_boxes_map_nothing_until_the_prompt_is_chosen() -> None:
    assert bringing_form.mapping_of({"prompt": "", "system": "sys", "answer": None}) is None
    assert bringing_form.mapping_of({"prompt": "p", "system": "", "answer": "a"}) == {"prompt": "p", "answer": "a"}


def test_every_rule_and_reason_has_words_in_both_languages() -> None:
    from studio.engine.prompts.cleaning import RULES
    from studio.engine.prompts.cleaning.cleaning import REASONS

    for language in ("en", "zh"):
        t = Texts(language, "prompts")
        assert all(t.has(f"rule.{rule}") for rule in RULES)
        assert all(t.of("status").has(reason.code) for reason in REASONS.values())
