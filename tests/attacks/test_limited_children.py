"""Whatever becomes of a process that reads a stranger's bytes, it ends within its limits and is one sentence here."""

import datetime
import os
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from studio.engine.engines import LimitedChild, Limits, read_in_child
from studio.engine.engines import limited as limited_module
from studio.engine.engines.frames import decoded, encoded
from studio.engine.errors import BadInput
from studio.engine.settings import Settings

HERE = "strangers"
SMALL = Limits(memory=400 << 20, processor=2, silence=20, output=1 << 20)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child finds the entries of this folder."""
    paths = [str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def refused(entry: str, *arguments: Any, limits: Limits = SMALL) -> str:
    with (
        pytest.raises(BadInput) as caught,
        LimitedChild(f"{HERE}:{entry}", arguments, what="The file x", limits=limits) as child,
    ):
        for _ in child.values():
            pass
    message = caught.value.message
    assert message.startswith("The file x") and "\n" not in message and len(message) < 300
    assert child._process.poll() is not None
    return message


def test_memory_has_an_end() -> None:
    assert "needs more than 400 MB of memory" in refused("fills_memory")


def test_processor_time_has_an_end() -> None:
    assert "took too long to read" in refused("loops", limits=Limits(400 << 20, processor=1))


def test_silence_has_an_end() -> None:
    assert "took too long to read" in refused("sleeps", 60, limits=Limits(400 << 20, silence=0.3))


def test_output_has_an_end_even_where_every_value_is_empty() -> None:
    assert "unpacks to far more" in refused("endless")


def test_one_value_has_a_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_module, "LONGEST_FRAME", 1000)
    assert "unpacks to far more" in refused("one_large", 5000)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGBUS", "SIGFPE"])
def test_a_crash_in_native_code_is_a_sentence(name: str) -> None:
    assert f"is damaged: the process that read it ended ({name})" in refused("dies", int(signal.Signals[name]))


def test_what_libraries_print_is_no_value() -> None:
    assert read_in_child(f"{HERE}:prints", [], what="The file x", limits=SMALL) == "kept"


def test_one_child_answers_many_questions() -> None:
    with LimitedChild(f"{HERE}:asked", [], what="The file x", limits=SMALL) as child:
        assert [child.ask(number) for number in range(3)] == [1, 2, 3]


def test_a_child_is_given_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert "secret" not in limited_module._environment(False).values()
    assert "OPENAI_API_KEY" not in limited_module._environment(True)


def test_the_limit_of_memory_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Limits.for_size(0).memory == 2048 << 20
    monkeypatch.setenv("UNDERSTUDY_PARSER_MEMORY_MB", "512")
    assert Limits.for_size(0).memory == 512 << 20 and Settings().parser_memory_mb == 512


def test_values_keep_their_kind_on_their_way() -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC)
    values = [
        moment,
        moment.date(),
        moment.time(),
        datetime.timedelta(days=1),
        Decimal("1.10"),
        b"\0\xff",
        {"t": ["x"]},
    ]
    assert decoded(encoded({"value": values}, "tag"), "tag") == {"value": values}
    assert decoded(b"[" * 100_000 + b"\n", "tag") is None
