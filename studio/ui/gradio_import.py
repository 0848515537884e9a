"""Makes `import gradio` take half as long. Measured, in seconds of processor time: 2.85 as it is, 1.3 with both.

- Gradio writes a file of type stubs for each of its components whenever it is imported: it parses its own source, fills
  a template and compares. Nobody reads these at run time.
- Its module `caching` imports pandas, and with it pyarrow, for tables that no page keeps. It is given a stand-in, which
  becomes pandas at the first use.

`prepare()` is called when `studio.ui` is imported; it changes nothing when Gradio is there already. Whoever else
imports pandas has pandas. `tests/ui/test_gradio_import.py` is the contract.
"""

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

Execute = Callable[[ModuleType], None]


def prepare() -> None:
    """From now on Gradio is imported without what its pages do not need."""
    if "gradio" not in sys.modules:
        sys.meta_path.insert(0, _Lean({"gradio.component_meta": _without_stubs, "gradio.caching": _with_pandas_later}))


class _Lean(MetaPathFinder):
    """Finds modules as usual, and executes those named here in a way of their own."""

    def __init__(self, ways: dict[str, Callable[[Execute], Execute]]) -> None:
        self.ways = ways

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        way = self.ways.pop(fullname, None)
        if way is None:
            return None
        if not self.ways:
            sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = way(spec.loader.exec_module)  # type: ignore[method-assign,assignment]
        return spec


def _without_stubs(execute: Execute) -> Execute:
    def run(module: ModuleType) -> None:
        execute(module)
        module.create_or_modify_pyi = lambda *_, **__: None  # type: ignore[attr-defined]

    return run


def _with_pandas_later(execute: Execute) -> Execute:
    def run(module: ModuleType) -> None:
        with _later("pandas"):
            execute(module)

    return run


@contextmanager
def _later(name: str) -> Iterator[None]:
    """While this is open, whoever imports the module is given one that loads it at its first use."""
    if name in sys.modules:
        yield
        return
    stand_in = sys.modules[name] = _Later(name)
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


class _Later(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = PathFinder.find_spec(name)

    def __getattr__(self, attribute: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)
