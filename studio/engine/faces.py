"""Faces of rooms whose modules are loaded when a name of theirs is first asked for.

A child process that runs a model needs no database, and the app no library of models: such a room's package names what
it offers and imports none of it.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_demand(package: str, offered: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package that offers names by the module that they are in."""
    homes = {name: module for module, names in offered.items() for name in names}

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return find
