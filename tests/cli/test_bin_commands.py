"""`understudy delete`, `restore` and `bin` make no project by being asked."""

from typing import Any

import pytest


def names(run_cli: Any) -> list[str]:
    return [one["name"] for one in run_cli("--project", "other", "projects", "list", "--json").json["projects"]]


@pytest.fixture
def deleted(run_cli: Any, tmp_path: Any) -> None:
    """`default` with a source is in the bin; `other` is in use."""
    file = tmp_path / "p.jsonl"
    file.write_text('{"prompt": "What is 1 + 1?"}\n', encoding="utf-8")
    assert run_cli("prompts", "import", file, "--name", "p").code == 0
    assert run_cli("--project", "other", "prompts", "list").code == 0
    told = run_cli("delete", "project", "default")
    assert told.code == 0 and "understudy restore project 'default'" in told.out


def test_a_deleted_project_comes_back_by_the_command_that_was_said(run_cli: Any, deleted: None) -> None:
    assert run_cli("restore", "project", "default").code == 0
    assert names(run_cli) == ["default", "other"]
    assert [one["source"] for one in run_cli("prompts", "list", "--json").json["sources"]] == ["p"]


def test_looking_into_the_bin_makes_no_project(run_cli: Any, deleted: None) -> None:
    listed = run_cli("bin", "--json").json["items"]
    assert [(one["kind"], one["name"]) for one in listed] == [("project", "default")]
    assert run_cli("bin", "keep").code == 0
    for refused in (("bin", "empty"), ("restore", "prompts", "p"), ("delete", "prompts", "p")):
        told = run_cli(*refused)
        assert told.code == 2 and "no project named 'default' in this workspace. There are: other" in told.err
    assert names(run_cli) == ["other"]


def test_a_command_that_opens_a_project_does_not_stand_in_the_way(run_cli: Any, deleted: None) -> None:
    assert run_cli("prompts", "list").code == 0
    assert names(run_cli) == ["other", "default"]
    assert run_cli("restore", "project", "default").code == 0
    assert [one["source"] for one in run_cli("prompts", "list", "--json").json["sources"]] == ["p"]


def test_the_last_project_is_refused_before_and_after_the_question(run_cli: Any) -> None:
    for command in (("delete", "project", "default", "--dry-run"), ("delete", "project", "default"),
                    ("archive", "project", "default")):  # fmt: skip
        refused = run_cli(*command)
        assert refused.code == 2 and "no other project in use" in refused.err
    assert run_cli("bin", "list").out.strip() == "The bin is empty."
