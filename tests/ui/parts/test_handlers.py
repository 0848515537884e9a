"""The address decides the project."""

from types import SimpleNamespace
from typing import Any

import pytest

from studio.engine.errors import NotFound
from studio.ui import parts


def _request(**query: str) -> Any:
    return SimpleNamespace(query_params=query, username=None, cookies={})


def test_the_address_names_the_project(studio: Any) -> None:
    studio.projects.get("haiku")
    assert parts.project_of(_request(project="haiku"), studio).project.name == "haiku"
    assert parts.project_of(_request(), studio) is studio
    with pytest.raises(NotFound, match="nowhere"):
        parts.project_of(_request(project="nowhere"), studio)
    assert [project.name for project in studio.projects.list()] == ["default", "haiku"]
