"""The Train page: the recipe a form makes, what is drawn of a training, and handlers that go through the engine."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import yaml
from markupsafe import Markup

from studio.engine.domain.states import State
from studio.engine.errors import BadInput, NameTaken
from studio.engine.store.growing_file import GrowingFile
from studio.engine.store.tables import Dataset, Job, Model, Stage, StagePoint
from studio.engine.training import TrainingOverview
from studio.ui.page import Page
from studio.ui.pages import train, train_form, train_views
from studio.ui.pages.train_handlers import Handlers
from studio.ui.text import LANGUAGES, Texts, catalogue

ATTACK = '<img src=x onerror="alert(1)"> ${evil}'
EMPTY = {
    "base": "practice-base", "name": "", "first_dataset": "plain-v1", "first_method": "full", "first_length": "2",
    "first_unit": "epochs", "first_rate": "0.001", "two": False, "second_dataset": None, "second_method": None,
    "second_length": "", "second_unit": "epochs", "second_rate": "", "batch": 16, "longest": "", "cut": False,
    "packing": True, "schedule": "cosine", "rank": 16, "seed": 0, "threads": "",
}  # fmt: skip


@pytest.fixture
def t() -> Texts:
    return Texts("en", "train")


@pytest.fixture(scope="module")
def blocks(house: Any) -> gr.Blocks:
    async def build() -> gr.Blocks:
        with gr.Blocks() as made:
            train.build(Page(made, house, Texts("en", "train")), house)
        return made

    return asyncio.run(build())


@pytest.fixture
def studio(house: Any, request: pytest.FixtureRequest) -> Any:
    """A project of the test's own with one dataset."""
    name = f"train-{request.node.name[:60]}"
    house.projects.get(name)
    here = house.at(name)
    turns = [{"role": "user", "content": "What is 1 + 1?"}, {"role": "assistant", "content": "2"}]
    file = GrowingFile(here.artifacts)
    file.write([json.dumps({"messages": turns, "split": "train"})] * 20)
    digest, path = file.settle()
    with here.database.session() as session:
        session.add(Dataset(project_id=here.project.id, name="plain", version=1, train_rows=20, test_rows=0,
                            sha256=digest, path=path))  # fmt: skip
    return here


@pytest.fixture
def handlers(studio: Any, t: Texts) -> Handlers:
    return Handlers(studio, t, {key: gr.Textbox(key) for key in EMPTY})


def asking(studio: Any, **query: str) -> Any:
    return SimpleNamespace(query_params={"project": studio.project.name, **query}, username="local")


def test_a_form_that_was_hardly_touched_makes_a_short_recipe() -> None:
    assert train_form.compose(EMPTY) == {
        "base": "practice-base",
        "seed": 0,
        "stages": [
            {"dataset": "plain-v1", "method": "full", "epochs": 2, "learning_rate": 0.001, "batch_size": 16}
        ],
    }  # fmt: skip


def test_the_second_stage_says_only_what_differs() -> None:
    recipe = train_form.compose(EMPTY | {"two": True, "second_dataset": "thorough-v1", "second_length": "0.5"})
    assert recipe["stages"][1] == {"dataset": "thorough-v1", "epochs": 0.5}


def test_a_second_stage_of_the_same_data_still_names_it() -> None:
    assert train_form.compose(EMPTY | {"two": True})["stages"][1] == {"dataset": "plain-v1"}


def test_what_is_no_number_is_left_for_the_engine_to_refuse(handlers: Handlers, studio: Any) -> None:
    drawn = handlers.draw(asking(studio), *(EMPTY | {"first_rate": "fast"}).values())
    assert "learning_rate must be a number above 0" in drawn


def test_advanced_choices_are_written_when_they_differ() -> None:
    changed = {"longest": "128", "cut": True, "packing": False, "schedule": "linear", "threads": "1", "seed": 9}
    recipe = train_form.compose(EMPTY | changed | {"first_method": "lora", "rank": 8})
    stage = recipe["stages"][0]
    assert (recipe["threads"], recipe["seed"]) == (1, 9)
    assert (stage["max_length"], stage["too_long"], stage["packing"]) == (128, "cut", False)
    assert stage["lora"] == {"rank": 8, "alpha": 16}


def test_every_field_of_the_form_is_part_of_the_recipe_test(blocks: gr.Blocks) -> None:
    ids = {component.elem_id for component in blocks.blocks.values() if component.elem_id}
    assert {f"train-{key.replace('_', '-')}" for key in EMPTY} <= ids


def test_every_event_is_private_and_stays_on_the_page(blocks: gr.Blocks) -> None:
    config = blocks.get_config_file()
    ids = {component["id"] for component in config["components"]}
    for event in config["dependencies"]:
        assert event["api_visibility"] == "private"
        assert {*event["inputs"], *event["outputs"]} <= ids


def test_both_languages_have_every_word() -> None:
    words = catalogue(Texts("en").folder, "train")
    assert all(set(entry) == set(LANGUAGES) and all(entry.values()) for entry in words.values())


def test_the_form_is_filled_with_what_the_project_has(handlers: Handlers, studio: Any) -> None:
    filled = {key.value: value for key, value in handlers.choices(asking(studio, dataset="plain")).items()}
    assert filled["base"].value == "practice-base"
    assert filled["first_dataset"].value == "plain-v1"
    assert filled["first_rate"] == "0.001"


def test_a_recipe_is_drawn_with_an_estimate_and_its_command(handlers: Handlers, studio: Any) -> None:
    drawn = handlers.draw(asking(studio), *(EMPTY | {"name": "my pupil"}).values())
    assert "learning_rate: 0.001" in drawn
    assert "understudy train recipe.yaml --name &#39;my pupil&#39;" in drawn
    assert "estimate" in drawn


def test_what_is_missing_is_named_instead(handlers: Handlers, studio: Any) -> None:
    drawn = handlers.draw(asking(studio), *(EMPTY | {"base": "", "first_dataset": None}).values())
    assert "Still missing" in drawn
    assert "Base model, Dataset" in drawn
    assert "no dataset named" in handlers.draw(asking(studio), *(EMPTY | {"first_dataset": "none-v1"}).values())


def test_start_queues_the_training_and_leads_to_it(handlers: Handlers, studio: Any) -> None:
    address = handlers.begin(asking(studio), *(EMPTY | {"name": "pupil"}).values())
    assert address == f"/train?project={studio.project.name}&model=pupil".replace("[", "%5B").replace("]", "%5D")
    (job,) = studio.jobs.list()
    assert (job.kind, job.state, studio.training.state("pupil")) == ("train", "queued", "waiting")
    watched = handlers.read(asking(studio, model="pupil"))
    assert watched.busy
    assert "pupil" in watched.values[3]
    assert "Waiting for its turn" in watched.values[3]
    with pytest.raises(NameTaken):
        handlers.begin(asking(studio), *(EMPTY | {"name": "pupil"}).values())
    handlers.stop(asking(studio, model="pupil"))
    assert studio.training.state("pupil") == "stopped"
    handlers.resume(asking(studio, model="pupil"))
    assert studio.training.state("pupil") == "waiting"
    with pytest.raises(BadInput, match="not forgotten"):
        handlers.forget(asking(studio, model="pupil"))
    handlers.stop(asking(studio, model="pupil"))
    handlers.forget(asking(studio, model="pupil"))
    assert studio.training.overviews() == []


def test_a_training_that_is_not_there_is_said_and_not_an_error(handlers: Handlers, studio: Any) -> None:
    seen = handlers.read(asking(studio, model=ATTACK))
    assert "That training is not here" in seen.values[0]
    assert "<img" not in seen.values[0]
    assert not seen.busy


def test_without_a_dataset_the_page_says_what_to_do(house: Any, t: Texts) -> None:
    house.projects.get("train-nothing")
    seen = Handlers(house, t, {}).read(asking(house.at("train-nothing")))
    assert "Freeze a dataset" in seen.values[0]


def watch(state: str, **detail: Any) -> train_views.Watch:
    stages = [
        Stage(id=1, model_id=1, position=0, name="one", dataset="a-v1", state="done", steps=10, total_steps=10,
              seconds=20, tokens=1000, tokens_per_second=50, train_loss=1.5, spec={"rows": {"used": 9, "too_long": 3}}),
        Stage(id=2, model_id=1, position=1, name=ATTACK, dataset="b-v1", state="running", steps=4, total_steps=20,
              seconds=8, tokens=400, tokens_per_second=50),
    ]  # fmt: skip
    points = [
        [StagePoint(stage_id=1, step=1, loss=3.0), StagePoint(stage_id=1, step=10, loss=1.5, eval_loss=1.75)],
        [StagePoint(stage_id=2, step=4, loss=1.25)],
    ]
    model = Model(project_id=1, name="pupil", kind="student", parent="practice-base", detail=detail)
    job = Job(project_id=1, kind="train", title="", done=14, total=30, message="two: loss 1.25")
    return train_views.Watch(model, state, job, stages, points, yaml.safe_dump({"base": ATTACK}), ATTACK)


def test_a_running_training_shows_both_losses_over_all_stages(t: Texts) -> None:
    drawn = train_views.chart(t, watch("training"))
    assert "training: 3.000 → 1.250" in drawn
    assert "held out: 1.750" in drawn
    assert drawn.count('class="mark"') == 1


@pytest.mark.parametrize("state", [State.TRAINING, State.WAITING])
def test_a_training_that_was_asked_to_stop_says_so_until_it_has(t: Texts, state: State) -> None:
    seen = watch(state)
    assert t("stopping") not in str(train_views.watch_head(t, seen, "default"))
    assert seen.job is not None
    seen.job.stop_requested = True
    assert t("stopping.text") in str(train_views.watch_head(t, seen, "default"))
    assert t("stopping") not in str(train_views.watch_head(t, watch(State.STOPPED), "default"))


def test_a_trained_student_leads_to_compare_with_itself_chosen(t: Texts) -> None:
    assert "/compare?project=default&amp;first=pupil" in str(train_views.watch_head(t, watch(State.READY), "default"))


def test_time_left_comes_from_the_pace_of_the_stage_at_work() -> None:
    assert train_views.time_left(watch("training")) == 32
    assert train_views.time_left(watch("stopped")) is None


def test_rows_left_out_are_shown(t: Texts) -> None:
    assert '<td data-label="Left out" class="num">3</td>' in train_views.stage_table(t, watch("training"), "p")


@pytest.mark.parametrize("state", ["training", "stopped", "failed", "waiting", "ready"])
def test_nothing_that_was_written_elsewhere_becomes_html(t: Texts, state: str) -> None:
    seen = watch(state, fault=ATTACK)
    parts = [train_views.watch_head(t, seen, "p"), train_views.chart(t, seen), train_views.stage_table(t, seen, "p"),
             train_views.settings_card(t, seen)]  # fmt: skip
    one = TrainingOverview(seen.model, seen.job, State(state), tuple(seen.stages))
    parts.append(train_views.runs_table(t, [one], "", "p"))
    assert "<img" not in Markup().join(parts)
    assert ("onerror" in parts[0]) is True


def test_the_mask_shows_what_is_taught_and_what_was_left_out(t: Texts) -> None:
    rows = [
        {"tokens": [["<|user|>", False], [ATTACK, True]], "length": 2, "dropped": None},
        {"tokens": [], "length": 0, "dropped": "it has no answer"},
    ]
    drawn = train_views.mask_card(t, [{"stage": "one", "dataset": "a-v1", "template": "plain", "rows": rows}])
    assert '<span class="tok">&lt;|user|&gt;</span><span class="tok taught">&lt;img' in drawn
    assert "2 tokens, 1 of them taught" in drawn
    assert "it has no answer" in drawn
    assert "no chat template" in drawn
