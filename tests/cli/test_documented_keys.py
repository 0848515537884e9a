"""What scripts rely on: the keys that each command promises are there, also inside of its objects and lists."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

SETUP = {"checks": [{"name", "ok", "detail"}]}
RESULTS = {
    "first": None, "win_rate": None, "low": None, "high": None, "wins": None, "ties": None, "losses": None,
    "both_bad": None, "position": {"left", "right", "p_value", "identifiable"},
    "agreement": {"raw", "krippendorff_alpha", "gwet_ac1", "pairs"},
    "bradley_terry": [{"name", "score", "low", "high"}], "length_controlled_win_rate": None, "items": None,
    "raters": None, "interval": {"method", "clusters"}, "empty": None, "identical": None,
    "length_controlled": {"low", "high"}, "prediction_powered": None,
}  # fmt: skip
COLLECTED = {
    "run", "requested", "completed", "reused", "failed", "attempts", "input_tokens", "output_tokens", "cost_usd",
    "seconds", "stopped_by",
}  # fmt: skip
FROZEN = {
    "dataset": None, "version": None, "rows": {"train", "test"}, "sha256": None, "contaminated": None, "left_out": {},
}  # fmt: skip
PROMISED: list[tuple[str, Any]] = [
    ("doctor", SETUP),
    ("prompts import PROMPTS --name asked", {"source", "imported", "skipped", "reasons"}),
    ("prompts practice --families addition --count 6 --seed 1 --name quiz --out QUIZ", {"source", "count"}),
    ("prompts sample --mixture MIXTURE --seed 1 --name mixed", {"source", "count", "per_collection", "per_task"}),
    ("teachers add t --base-url URL --model practice-plain --terms yes", {"teacher"}),
    ("collect --teacher t --prompts quiz --name r", COLLECTED),
    ("collect --resume r", COLLECTED),
    ("traces import ANSWERS --name brought --teacher-name a --terms yes", {"run", "imported", "skipped", "reasons"}),
    ("traces list --run r", {
        "traces": [{"id", "prompt", "system_message", "response", "label", "correct"}], "next": None, "count": None,
        "count_is_exact": None,
    }),
    ("traces grade --run r", {"graded", "correct", "wrong", "no_known_answer"}),
    ("traces label --run r --verdict keep", {"changed", "operation"}),
    ("traces undo", {"changed", "operation"}),
    ("traces export OUT --run r", {"rows", "path", "sha256"}),
    ("datasets freeze d --run r", FROZEN),
    ("datasets freeze d", FROZEN),
    ("datasets export d-v1 OUT --format openai", {"rows", "path", "sha256"}),
    ("datasets diff d-v1 d-v2", {"added", "removed", "changed"}),
    ("studies create blind --first ANSWERS --second OTHERS --prompts asked", {
        "study": None, "items": None, "leaks": {"flagged", "redacted", "excluded"}, "link": None,
    }),
    ("studies results blind", RESULTS | {"bradley_terry": None}),
    ("studies import-votes VOTES --name voted", {"study", "arms", "votes", "raters", "items"}),
    ("studies results voted --first B", RESULTS),
    ("jobs list", {"jobs"}),
    ("delete study blind", {"deleted": None, "depends": None}),
    ("delete run r --dry-run", {"deleted": None, "depends": [{"kind", "count", "names"}]}),
    ("bin", {"items": [{"kind", "name", "by", "at", "goes_at", "needed"}]}),
    ("bin list", {"items": [{"kind", "name", "by", "at", "goes_at", "needed"}]}),
    ("bin keep 30", {"days"}),
    ("restore study blind", {"restored"}),
    ("rename study blind sighted", {"renamed"}),
    ("archive study sighted", {"archived"}),
    ("bin list --archived", {"items": [{"kind", "name"}]}),
    ("delete study sighted", {"deleted", "depends"}),
    ("bin empty", {"bytes"}),
    ("backup ALL", {"bytes", "sha256"}),
    ("backup --look ALL", {"made_at", "version", "files", "bytes", "projects"}),
    ("--workspace ELSEWHERE backup --restore ALL", {"restored"}),
    ("--workspace ELSEWHERE backup --restore ALL --replace", {"restored", "before", "waiting"}),
    ("--workspace ELSEWHERE backup --cancel-restore", {"waiting"}),
]  # fmt: skip
"""A command, and its keys: a set of them, or by key what is inside (an object's keys, or those of each of a list)."""


@pytest.fixture
def places(tmp_path: Path, practice_url: str) -> dict[str, str]:
    def write(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    def rows(name: str, **columns: str) -> str:
        made = [{key: value.format(n) for key, value in columns.items()} for n in range(4)]
        return write(name, "".join(json.dumps(row) + "\n" for row in made))

    mixture = "collections: [{name: all, source: quiz, algorithm: none}]"
    votes = "item,rater,left,right,vote\n1,ann,A,B,left\n1,bob,B,A,left\n2,ann,A,B,tie\n"
    return {
        "PROMPTS": rows("prompts.jsonl", prompt="Question {}?"),
        "ANSWERS": rows("answers.jsonl", prompt="Question {}?", response="It is {}."),
        "OTHERS": rows("others.jsonl", prompt="Question {}?", response="Perhaps {}, who knows."),
        "MIXTURE": write("mixture.yaml", mixture),
        "VOTES": write("votes.csv", votes),
        "QUIZ": str(tmp_path / "quiz.jsonl"),
        "OUT": str(tmp_path / "out.jsonl"),
        "ALL": str(tmp_path / "all.tar.gz"),
        "ELSEWHERE": str(tmp_path / "elsewhere"),
        "URL": practice_url,
    }


def test_every_promised_key_is_printed(run_cli: Run, places: dict[str, str]) -> None:
    for command, promised in PROMISED:
        said = run_cli(*(places.get(word, word) for word in command.split()), "--json")
        assert said.out, f"{command}: {said.err}"
        assert missing(said.json, promised) == set(), command


def missing(found: Any, promised: Any) -> set[str]:
    """The promised keys that are not there, those of inner objects with the way to them."""
    if isinstance(promised, list):
        assert found, "An empty list shows nothing."
        return {key for one in found for key in missing(one, promised[0])}
    if promised is None:
        return set()
    assert isinstance(found, dict)
    lacking = {key for key in promised if key not in found}
    inner = promised.items() if isinstance(promised, dict) else ()
    return lacking | {
        f"{key}.{name}" for key, inside in inner if key not in lacking for name in missing(found[key], inside)
    }


def test_what_is_missing_is_found() -> None:
    assert missing({"a": [{"b": 1}, {}], "c": {}}, {"a": [{"b"}], "c": {"d"}, "e": None}) == {"a.b", "c.d", "e"}
