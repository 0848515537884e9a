"""Numbers and names outside their bounds are refused in one sentence, by every service that takes them, with nothing
done."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.engine.domain.bounds import Bounds
from studio.engine.domain.names import checked_dataset_name, checked_model_name, checked_name
from studio.engine.errors import BadInput
from studio.engine.prompts.mixtures import read
from studio.engine.teachers.plans import RunOptions

HUGE = 999_999_999


def test_bounds_hold_what_is_between_them() -> None:
    whole, above = Bounds(1, 5), Bounds(0, 5, whole=False, above=True)
    assert [value for value in (0, 1, 2.5, 5, 6, True, "3", math.nan, math.inf, None) if whole.hold(value)] == [1, 5]
    assert [value for value in (0, 0.1, 5, 5.1) if above.hold(value)] == [0.1, 5]


def test_a_refusal_names_the_thing_its_bounds_and_the_field() -> None:
    with pytest.raises(BadInput) as caught:
        Bounds(1, 1000).check(10**9, "The count", "count")
    assert caught.value.message == "The count must be a whole number from 1 to 1,000, not 1,000,000,000."
    assert caught.value.field == "count"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.jsonl"
    path.write_text('{"prompt": "Name a colour.", "answer": "Red"}\n')
    return path


WRONG: dict[str, tuple[str, Callable[[Any, Path], Any]]] = {
    "practice": ("count", lambda here, _: here.prompt_jobs.practice(["addition"], HUGE, 0, "p", level=1)),
    "practice here": ("count", lambda here, _: here.prompt_jobs.practice_here(["addition"], 0, 0, "p", level=1)),
    "practice seed": ("seed", lambda here, _: here.prompts.practice(["addition"], 1, -1, "p")),
    "invention": (
        "count",
        lambda here, seeds: here.inventions.create("p", "evol", seeds, "practice-plain", HUGE),
    ),
    "generations": (
        "generations",
        lambda here, seeds: here.inventions.create("p", "evol", seeds, "practice-plain", 1, generations=HUGE),
    ),
    "samples": (
        "samples",
        lambda here, _: here.collecting.create("practice-plain", "sums", RunOptions(samples=HUGE)),
    ),
    "budget": (
        "budget_usd",
        lambda here, _: here.collecting.create("practice-plain", "sums", RunOptions(budget_usd=-1.0)),
    ),
    "project budget": ("budget_usd", lambda here, _: here.spending.set_budget(math.inf)),
    "items": (
        "items",
        lambda here, _: here.studies.start("s", "practice-plain", "practice-thorough", "sums", items=HUGE),
    ),
    "concurrency": ("concurrency", lambda here, _: here.teachers.add("t", "practice://", "m", concurrency=HUGE)),
    "timeout": ("timeout", lambda here, _: here.teachers.add("t", "practice://", "m", timeout=0)),
    "price": ("input_price", lambda here, _: here.teachers.add("t", "practice://", "m", input_price=-1)),
    "share": ("test_share", lambda here, _: here.datasets.freeze("d", test_share=1.5)),
    "dataset seed": ("seed", lambda here, _: here.datasets.freeze("d", seed=-1)),
    "quota": ("quota", lambda here, _: read(f"collections:\n  - {{name: A, source: sums, quota: {HUGE}}}")),
    "mixture seed": ("seed", lambda here, _: read("seed: -3\ncollections:\n  - {name: A, source: sums}")),
    "rank": (
        "stages.1.lora.rank",
        lambda here, _: here.training.read_recipe(
            {"base": "b", "stages": [{"dataset": "d", "method": "lora", "lora": {"rank": HUGE}}]}
        ),
    ),
    "steps": (
        "stages.2.steps",
        lambda here, _: here.training.read_recipe({"base": "b", "stages": [{"dataset": "d"}, {"steps": 10**12}]}),
    ),
    "threads": (
        "threads",
        lambda here, _: here.training.read_recipe({"base": "b", "threads": HUGE, "stages": [{"dataset": "d"}]}),
    ),
}


@pytest.fixture(scope="module")
def here(house: Any) -> Any:
    house.projects.get("bounds")
    studio = house.at("bounds")
    studio.teachers.add_practice()
    studio.prompts.practice(["addition"], 3, 1, "sums")
    return studio


@pytest.mark.parametrize("what", WRONG)
def test_a_number_out_of_bounds_is_refused_and_nothing_is_done(what: str, here: Any, seeds: Path) -> None:
    field, act = WRONG[what]
    with pytest.raises(BadInput) as caught:
        act(here, seeds)
    assert caught.value.field == field
    assert [source.name for source in here.prompts.sources()] == ["sums"]
    assert not here.jobs.list() and not here.collecting.runs() and not here.studies.list()
    assert [teacher.name for teacher in here.teachers.list()] == ["practice-plain", "practice-thorough"]


@pytest.mark.parametrize(
    ("check", "longest"),
    [
        (lambda name: checked_name("run", name), 80),
        (checked_dataset_name, 80),
        (checked_model_name, 64),
    ],
)
def test_a_name_is_as_long_as_is_said_and_no_longer(check: Callable[[str], str], longest: int) -> None:
    assert len(check("n" * longest)) == longest
    with pytest.raises(BadInput, match=f"at most {longest} characters") as caught:
        check("n" * 300)
    assert caught.value.field == "name" and len(caught.value.message) < 200
