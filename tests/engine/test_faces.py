"""Rooms are used by the names of their packages: no module reaches into another room's modules."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import studio

ROOT = Path(studio.__file__).parent.parent
ENGINE = ROOT / "studio" / "engine"
OPEN = {"domain"}
"""The room of values, whose modules are what the others stand on."""
ROOMS = sorted({folder.parent.name for folder in ENGINE.glob("*/__init__.py")} - OPEN)
ALLOWED = {
    ("studio.engine.job_process", "studio.engine.jobs.child"),  # The program that a worker starts.
    ("studio.engine.inference.responder", "studio.engine.teachers.wire.client"),  # Named, so that a contract sees it.
}


def imports() -> Iterator[tuple[str, str]]:
    """(importer, module of a room), within functions too; what only type checkers read is no dependency."""
    for file in sorted((ROOT / "studio").rglob("*.py")):
        importer = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("studio.engine"):
                yield from ((importer, module) for module in _modules(node))


def test_no_module_reaches_into_another_room() -> None:
    reached = [pair for pair in imports() if _room(pair[1]) not in (None, _room(pair[0])) and not _is_face(pair)]
    assert reached == []


def test_the_check_finds_a_reach() -> None:
    pair = ("studio.ui.pages.home", "studio.engine.traces.filters")
    assert _room(pair[1]) == "traces" and _room(pair[0]) is None and not _is_face(pair)


@pytest.mark.parametrize("room", ROOMS)
def test_a_face_offers_what_it_says(room: str) -> None:
    face = importlib.import_module(f"studio.engine.{room}")
    assert all(getattr(face, name) is not None for name in getattr(face, "__all__", ()))
    with pytest.raises(AttributeError):
        _ = face.nothing_of_this_name


def _modules(node: ast.ImportFrom) -> list[str]:
    """The module that is named, or, of names that are modules themselves, those."""
    assert node.module is not None
    package = importlib.import_module(node.module)
    named = [name.name for name in node.names if isinstance(getattr(package, name.name, None), ModuleType)]
    return [f"{node.module}.{name}" for name in named] or [node.module]


def _room(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if parts[:2] == ["studio", "engine"] and len(parts) > 2 and parts[2] in ROOMS else None


def _is_face(pair: tuple[str, str]) -> bool:
    """Whether the module is a package, or the entries that the registry of jobs names."""
    importer, module = pair
    is_entry = importer == "studio.engine.job_kinds" and module.endswith(".entries")
    return is_entry or pair in ALLOWED or (ROOT.joinpath(*module.split(".")) / "__init__.py").is_file()
