"""Pages start and watch what jobs do: a bar with a stop button while it goes on, and how it ended."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from written import write_trace

from studio.engine.errors import BadInput
from studio.engine.models import PRACTICE_BASE
from studio.engine.store.tables import Job, ModelFile, Run
from studio.ui.page import Page
from studio.ui.pages import datasets, models
from studio.ui.parts.long_work import LongWork, progress_of
from studio.ui.text import LANGUAGES, Texts

TITLE = {"code": "title_freeze", "values": {"name": "<b>d</b>"}}


def job(state: str, **values: Any) -> Job:
    return Job(id=7, project_id=1, kind="freeze", title="Freeze", titled=TITLE, payload={}, state=state, **values)


@pytest.fixture(params=LANGUAGES)
def t(request: pytest.FixtureRequest) -> Texts:
    return Texts(request.param, "datasets")


def test_a_bar_while_it_goes_on_and_how_it_ended_with_its_cause(t: Texts) -> None:
    said = {"code": "freezing", "values": {}}
    running = str(progress_of(t, "default", job("running", done=50, total=200, status=said, message="freezing")))
    assert 'aria-valuenow="25"' in running and "50 / 200" in running and t.of("status")("freezing") in running
    assert "<b>d" not in running and "&lt;b&gt;d" in running
    assert t("work.waits") in str(progress_of(t, "default", job("queued")))
    failed = str(progress_of(t, "default", job("failed", error="The disk is full. Free some space.")))
    assert "The disk is full." in failed and "/jobs?project=default&amp;job=7" in failed
    for stopped in (job("stopped"), job("done", stop_requested=True)):
        assert t("work.nothing.kept") in str(progress_of(t, "default", stopped))
    assert str(progress_of(t, "default", job("done"), "It is there.")) == "It is there."
    assert str(progress_of(t, "default", None)) == ""


@pytest.mark.parametrize(
    ("given", "shows_button", "can_press"),
    [(None, False, True), (job("queued"), True, True), (job("running", stop_requested=True), True, False),
     (job("done"), False, True)],
)  # fmt: skip
def test_the_stop_button_is_there_while_it_goes_on_and_is_pressed_once(
    t: Texts, given: Job | None, shows_button: bool, can_press: bool
) -> None:
    _, row, stop = LongWork(None, None, None).values(t, "default", given)  # type: ignore[arg-type]
    assert row.visible is shows_button and stop.interactive is can_press


@pytest.fixture
def handlers(studio: Any) -> Callable[[Any], dict[str, Any]]:
    """A page's polled reading, and its other handlers by name."""

    def of(module: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}

        class Watched(Page):
            def live(self, read: Any, **how: Any) -> Any:
                found["read"] = read
                return super().live(read, **how)

            def on(self, event: Any, handler: Any, *where: Any, **how: Any) -> Any:
                found[handler.__name__] = handler
                return super().on(event, handler, *where, **how)

        async def build() -> None:
            with gr.Blocks() as made:
                name = module.__name__.rpartition(".")[2]
                module.build(Watched(made, studio, Texts("en", name)), studio)

        asyncio.run(build())
        return found

    return of


REQUEST: Any = SimpleNamespace(query_params={}, headers={}, cookies={}, username="local")


@pytest.fixture
def one_trace(studio: Any) -> None:
    with studio.database.session() as session:
        run = Run(project_id=studio.project_id, name="first")
        session.add(run)
        session.flush()
        write_trace(session, run=run, prompt_text="p", response="r", teacher="t", model="m", terms="yes",
                    system_message_name="", system_message_text="")  # fmt: skip


@pytest.mark.usefixtures("one_trace")
def test_the_datasets_page_starts_a_freeze_and_shows_it_once_it_is_whole(studio: Any, handlers: Any) -> None:
    page = handlers(datasets)
    started = page["freeze_now"]("mine", "", "not-rejected", False, 0, None, False, 0, REQUEST)
    waiting = page["read"](started, REQUEST)
    assert (
        waiting.busy
        and waiting.values[1].visible
        and waiting.values[3:5] == ["", ""]
        and not waiting.values[5].visible
        and waiting.values[-1] == ""
    )
    assert "Freeze mine" in waiting.values[0] and studio.datasets.list() == []
    studio.jobs.run_here(started)
    done = page["read"](started, REQUEST)
    assert not done.busy and "mine-v1 is frozen: 1 rows." in done.values[0]
    assert "mine-v1" in done.values[3] and 'id="datasets-one"' in done.values[4] and done.values[-1] == "mine-v1"
    assert done.values[5].visible and done.values[6] == ("mine-v1", False), "it can be renamed and deleted at once"
    elsewhere = page["read"](0, REQUEST)
    assert (
        elsewhere.values[0] == ""
        and "mine-v1" in elsewhere.values[3]
        and (elsewhere.values[4], elsewhere.values[-1]) == ("", "")
    )
    assert not elsewhere.values[5].visible


@pytest.mark.usefixtures("one_trace")
def test_the_datasets_page_stops_a_freeze(studio: Any, handlers: Any) -> None:
    page = handlers(datasets)
    started = page["freeze_now"]("other", "", "not-rejected", False, 0, None, False, 0, REQUEST)
    page["ask_to_stop"](REQUEST)
    assert "Freeze other: stopped" in page["read"](started, REQUEST).values[0]
    assert studio.datasets.list() == []


def test_the_models_page_starts_an_import_and_offers_the_model_once_it_is_there(
    studio: Any, handlers: Any, tmp_path: Path
) -> None:
    page = handlers(models)
    source = shutil.copytree(studio.settings.assets / PRACTICE_BASE, tmp_path / "base")
    page["import_now"](str(source), " mine ", False, REQUEST)
    waiting = page["read"](REQUEST)
    assert waiting.busy and "Bring mine" in waiting.values[9] and "mine:" not in waiting.values[-1]
    assert "mine" not in waiting.values[0]
    studio.jobs.run_here(studio.model_imports.newest().id)
    done = page["read"](REQUEST)
    assert "mine" in done.values[0] and "mine:ready:0" in done.values[-1]
    with pytest.raises(BadInput, match="already"):
        page["import_now"](str(source), "mine", False, REQUEST)


def test_the_models_page_sees_a_file_that_came_from_elsewhere_and_keeps_what_was_chosen(
    studio: Any, handlers: Any
) -> None:
    page = handlers(models)
    studio.models.register_student("kid", parent="practice-base", state="ready")
    before = page["read"](REQUEST)
    assert before.busy, "a file may come from a terminal at any moment"
    file = ModelFile(model_id=0, quantization="Q8_0", path="p", bytes=1, sha256="s", tensor_types={})
    studio.models.record_file("kid", file)
    after = page["read"](REQUEST)
    assert before.values[-1] != after.values[-1] and "Q8_0" in after.values[2]
    (who,) = page["refill"](["practice-base"], REQUEST).values()
    assert "kid · Q8_0" in [value for _, value in who.choices] and who.value == ["practice-base"]
    (who,) = page["refill"]([], REQUEST).values()
    assert who.value == ["kid · Q8_0"]
