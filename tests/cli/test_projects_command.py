"""`understudy projects`: what a project may spend, shown and set."""

from typing import Any

import pytest


def test_a_budget_is_shown_set_and_lifted(run_cli: Any) -> None:
    shown = run_cli("projects", "budget", "--json").json
    assert shown == {
        "project": "default", "budget_usd": None, "spent_usd": 0.0, "under_way_usd": 0.0, "left_usd": None,
        "by_kind": {},
    }  # fmt: skip
    set_ = run_cli("projects", "budget", "2.5", "--json").json
    assert (set_["budget_usd"], set_["left_usd"]) == (2.5, 2.5)
    assert "of a budget of $2.50; $2.5000 is left" in run_cli("projects", "budget").out
    assert run_cli("projects", "list", "--json").json == {"projects": [{"name": "default", "budget_usd": 2.5}]}
    assert run_cli("projects", "budget", "none", "--json").json["budget_usd"] is None


@pytest.mark.parametrize("amount", ["much", "-1", "nan", "inf"])
def test_what_is_no_amount_changes_nothing(run_cli: Any, amount: str) -> None:
    run_cli("projects", "budget", "3")
    refused = run_cli("projects", "budget", "--json", "--", amount)
    assert (refused.code, refused.out) == (2, "") and ("dollars" in refused.err)
    assert run_cli("projects", "budget", "--json").json["budget_usd"] == 3


def test_a_collection_says_that_it_was_the_projects_budget(run_cli: Any, tmp_path: Any) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "What is 1 + 1?"}\n', encoding="utf-8")
    run_cli("prompts", "import", file, "--name", "p")
    run_cli("teachers", "add", "t", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--input-price", 1,
            "--output-price", 1)  # fmt: skip
    run_cli("projects", "budget", "0")
    stopped = run_cli("collect", "--teacher", "t", "--prompts", "p")
    assert stopped.code == 0 and "project's budget of $0.00" in stopped.out
    refused = run_cli("models", "chat", "t", "--message", "hi")
    assert (refused.code, refused.out) == (1, "") and "projects budget AMOUNT" in refused.err
