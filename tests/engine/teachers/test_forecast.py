"""What a run will take: counted from the prompts themselves, checked against the past, and honest about the rest."""

from collections.abc import Callable
from pathlib import Path

import pytest
from collecting_rooms import Rooms
from scripted import ScriptedTeacher, answering

from studio.engine.prompts.record import NewPrompt
from studio.engine.teachers.money.spread import Spread
from studio.engine.teachers.money.tokenizer import counter_for
from studio.engine.teachers.plans import RunOptions

Start = Callable[..., ScriptedTeacher]
PRICES = {"input_price": 2, "output_price": 10}


def add(rooms: Rooms, *texts: str, name: str = "questions") -> None:
    rooms.prompts.add(name, "import", [NewPrompt(text=text) for text in texts])


def test_before_any_answer_tokens_come_from_characters_and_the_range_is_wide(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, **PRICES)
    add(rooms, *(f"{number:03d}" + "x" * 397 for number in range(50)))
    forecast = rooms.collecting.foresee("scripted", "questions")
    assert (forecast.requests, forecast.input_tokens, forecast.sampled) == (50, 50 * 104, 50)
    assert (forecast.counted_by, forecast.lengths_from) == ("characters", "nothing")
    assert forecast.input_tokens_low == pytest.approx(50 * 104 * 0.7)
    assert forecast.input_tokens_high == pytest.approx(50 * 104 * 1.3)
    assert forecast.output_tokens is forecast.cost_usd is forecast.cost_high_usd is None


def test_system_messages_are_counted_as_often_as_they_are_sent(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    rooms.system_messages.save("short", "y" * 40)
    rooms.system_messages.save("long", "z" * 400)
    add(rooms, "x" * 400)
    alone = rooms.collecting.foresee("scripted", "questions").input_tokens
    assert (
        rooms.collecting.foresee("scripted", "questions", RunOptions(system_message="short")).input_tokens == alone + 14
    )
    both = rooms.collecting.foresee("scripted", "questions", RunOptions(system_message=["short", "long"], samples=3))
    assert both.requests == 6
    assert both.input_tokens == 3 * (2 * alone + 14 + 104)
    never = rooms.collecting.foresee("scripted", "questions", RunOptions(system_mix={"short": 1, "long": 0}))
    assert never.input_tokens == alone + 14


def test_a_limit_on_answers_bounds_the_cost(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, **PRICES)
    add(rooms, "x" * 384)
    forecast = rooms.collecting.foresee("scripted", "questions", RunOptions(parameters={"max_tokens": 1000}))
    assert (forecast.lengths_from, forecast.output_tokens, forecast.output_tokens_low) == ("limit", 1000, 0)
    assert forecast.cost_usd == pytest.approx((100 * 2 + 1000 * 10) / 1e6)
    assert forecast.cost_low_usd == pytest.approx(70 * 2 / 1e6)
    assert forecast.cost_high_usd == pytest.approx((130 * 2 + 1000 * 10) / 1e6)


def test_past_answers_correct_the_count_and_tell_how_long_answers_get(rooms: Rooms, scripted: Start) -> None:
    """This teacher counts 30 tokens where 8 were expected, and 30 in every answer."""
    teacher = scripted(lambda _number, body: answering(body, tokens=30))
    rooms.add_teacher(teacher.base_url, **PRICES)
    add(rooms, *(f"{number:04d}x" * 3 + "?" for number in range(20)))
    rooms.collect()
    seen = rooms.collecting.foresee("scripted", "questions", RunOptions(parameters={"temperature": 1}))
    assert (seen.counted_by, seen.lengths_from, seen.from_answers) == ("past answers", "same system message", 20)
    assert (seen.input_tokens, seen.output_tokens) == (20 * 30, 20 * 30)
    assert seen.cost_low_usd is not None and seen.cost_usd is not None and seen.cost_high_usd is not None
    assert seen.cost_low_usd < seen.cost_usd < seen.cost_high_usd
    assert seen.cost_usd == pytest.approx(20 * 30 * 12 / 1e6)
    assert seen.seconds is not None and seen.seconds_low is not None and seen.seconds_low < seen.seconds
    other = rooms.collecting.foresee("scripted", "questions", RunOptions(system_message="brief"))
    assert other.lengths_from == "other answers"
    assert (other.output_tokens, other.output_tokens_low, other.output_tokens_high) == (600, 300, 900)
    short = rooms.collecting.foresee("scripted", "questions", RunOptions(parameters={"max_tokens": 10}))
    assert short.output_tokens == 200


def test_a_batch_costs_its_share_and_takes_up_to_a_day(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, **PRICES, batch_price_share=0.25)
    add(rooms, "x" * 384)
    live, batch = (
        rooms.collecting.foresee("scripted", "questions", RunOptions(parameters={"max_tokens": 100}, send=send))
        for send in ("live", "batch")
    )
    assert live.cost_usd is not None and batch.cost_usd == pytest.approx(live.cost_usd / 4)
    assert (batch.seconds_low, batch.seconds_high) == (0, 86_400)


def test_a_large_source_is_sampled_the_same_way_each_time(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, rpm=60)
    add(rooms, *("w" * (4 * (number % 100)) + f" {number:05d}" for number in range(2000)))
    first, second = (rooms.collecting.foresee("scripted", "questions") for _ in range(2))
    assert first == second
    assert (first.sampled, first.requests, first.seconds) == (200, 2000, 2000)
    true = sum(number % 100 + 2 + 4 for number in range(2000))
    assert first.input_tokens_low < true < first.input_tokens_high


def test_a_tokenizer_at_hand_counts_exactly(rooms: Rooms, scripted: Start, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "one": 1, "two": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[attr-defined]
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    rooms.teachers.add("local", scripted().base_url, str(tmp_path))
    add(rooms, "one two three", "one")
    forecast = rooms.collecting.foresee("local", "questions")
    assert forecast.counted_by == f"tokenizer of {tmp_path}"
    assert forecast.input_tokens == 3 + 4 + 1 + 4
    assert counter_for("no/such-model") is None and counter_for("gpt-4o") is None
    (tmp_path / "tokenizer.json").write_text("{}")
    assert counter_for(str(tmp_path)) is None


def test_what_is_left_of_a_run_is_foreseen(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    add(rooms, "a", "b", "c")
    run = rooms.collecting.create("scripted", "questions", RunOptions(samples=2))
    assert rooms.collecting.forecast(run.name).requests == 6
    rooms.collecting.run(run.name)
    assert rooms.collecting.forecast(run.name).requests == 0


def test_a_spread_is_two_standard_errors_and_a_doubt() -> None:
    spread = Spread.of_sample([1, 3], 0.1)
    assert (spread.low, spread.likely, spread.high) == pytest.approx((0, 2, 2 + 2 * 1 + 0.2))
    assert Spread.of_sample([], 1) == Spread(0, 0, 0)
    assert Spread.of_sample([5], 0) == Spread(5, 5, 5)
    assert spread.at_most(1) == Spread(0, 1, 1)
