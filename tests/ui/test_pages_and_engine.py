"""What pages may know of the engine: services and enums, never the database, and, like commands, no state by its
spelling."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import ui

FOLDER = Path(ui.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))
COMMANDS = sorted((FOLDER.parent / "cli").rglob("*.py"))
TEMPLATES = sorted((FOLDER / "templates").rglob("*.html"))
STATEFUL = ("state", "stopped_by")
SPELLED = re.compile(r"\b(?:state|stopped_by)\s*(?:==|!=|in|not in)\s*[(\[]?\s*[\"']")


def spelled_states(source: str) -> Iterator[str]:
    """Comparisons of something called `state` or `stopped_by` with a text."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        names = [getattr(part, "attr", getattr(part, "id", "")) for part in (node.left, *node.comparators)]
        texts = [
            part.value
            for side in (node.left, *node.comparators)
            for part in ast.walk(side)
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value
        ]
        if texts and any(name in STATEFUL for name in names):
            yield f"{node.lineno}: {ast.unparse(node)}"


def database_uses(source: str) -> Iterator[str]:
    """What asks a studio for its database, or a database for a session."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ("database", "_database", "session", "piece"):
            yield f"{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    "line",
    ["job.state == 'done'", "state in ('queued', 'running')", "'failed' != job.state", "now.stopped_by == 'user'"],
)
def test_a_state_by_its_spelling_is_noticed(line: str) -> None:
    assert list(spelled_states(line))


@pytest.mark.parametrize("line", ["job.state == JobState.DONE", "state in STATES", "name == 'done'", "state != ''"])
def test_a_state_by_its_member_is_left_alone(line: str) -> None:
    assert not list(spelled_states(line))


def test_the_use_of_a_database_is_noticed() -> None:
    assert list(database_uses("usual(here.database, 1)")) and list(database_uses("with db.session() as s: pass"))


def test_pages_and_commands_compare_members_of_enums() -> None:
    found = {
        path.name: held for path in (*MODULES, *COMMANDS) if (held := list(spelled_states(path.read_text("utf-8"))))
    }
    found |= {path.name: held for path in TEMPLATES if (held := SPELLED.findall(path.read_text("utf-8")))}
    assert found == {}


def test_pages_ask_services_and_open_no_session() -> None:
    found = {path.name: held for path in MODULES if (held := list(database_uses(path.read_text("utf-8"))))}
    assert found == {}
