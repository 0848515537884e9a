"""Which of Gradio's own files a page needs, so that its head can name them all at once. Gradio's script finds out step
by step: its entry asks for the app, the app for the blocks, and these for some files for each kind of component.

    needed_by(["html", "button"])       # ["/assets/core-….js", "/assets/Index-….css", ...]

The bundler leaves in each script a list of files and, beside each import, the places in it. A Gradio that is built
otherwise is not understood: then nothing is named, and pages are as slow as Gradio alone.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import gradio

VERSION = gradio.__version__
FILES = Path(gradio.__file__).parent / "templates" / "frontend"
_ENTRY = re.compile(r'<script type="module"[^>]* src="\./(assets/[\w.-]+\.js)"')
_LIST = re.compile(r"m\.f=\[([^\]]*)\]")
_IMPORT = re.compile(r"import\(`\./([\w.-]+\.js)`\)[^\[\]]{0,80}?__vite__mapDeps\(\[([\d,]*)\]\)")
_COMPONENT = re.compile(r"[{,](\w+):\{[^{}]*?component:\(\)=>[^{}]*?" + _IMPORT.pattern)
OUTERMOST = "column"
"""The type of component in which Gradio puts a page."""
STEPS = ("Index-", "Blocks-")
"""The first of these is what the entry imports, the next what that imports."""


def needed_by(types: Iterable[str]) -> list[str]:
    """Files, scripts and styles, that a page with components of these types asks for after its entry."""
    steps, components = _found()
    files = dict.fromkeys(steps)
    for kind in sorted({*types, OUTERMOST}):
        files |= dict.fromkeys(components.get(kind, ()))
    return list(files)


@cache
def _found() -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """What every page asks for, and what each kind of component adds; nothing where it cannot be found out."""
    page = FILES / "index.html"
    entry = _ENTRY.search(page.read_text(encoding="utf-8")) if page.is_file() else None
    if entry is None:
        return (), {}
    every: dict[str, None] = {}
    file = entry[1]
    for step in STEPS:
        taken = next((found for found in _imports(file) if Path(found[0]).name.startswith(step)), None)
        if taken is None:
            return (), {}
        file = taken[0]
        every |= dict.fromkeys(taken)
    components: dict[str, tuple[str, ...]] = {}
    for script in (one for one in every if Path(one).name.startswith("core-") and one.endswith(".js")):
        components |= _components(script)
    return tuple(every), components


def _imports(file: str) -> Iterator[tuple[str, ...]]:
    """What a script may import: each file with all that comes with it."""
    text, listed = _read(file)
    for found in _IMPORT.finditer(text):
        yield _with(found[1], found[2], listed)


def _components(file: str) -> dict[str, tuple[str, ...]]:
    text, listed = _read(file)
    return {found[1]: _with(found[2], found[3], listed) for found in _COMPONENT.finditer(text)}


def _read(file: str) -> tuple[str, list[str]]:
    """A script, and the list of files in it."""
    text = (FILES / file.lstrip("/")).read_text(encoding="utf-8")
    listed = _LIST.search(text)
    return text, re.findall(r'"\./([^"]+)"', listed[1]) if listed else []


def _with(name: str, places: str, listed: list[str]) -> tuple[str, ...]:
    names = [name, *(listed[int(place)] for place in places.split(",") if place and int(place) < len(listed))]
    return tuple(dict.fromkeys(f"/assets/{one}" for one in names if (FILES / "assets" / one).is_file()))
