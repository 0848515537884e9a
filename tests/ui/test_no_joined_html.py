"""HTML is written in `templates/`, where values are escaped: Python holds none of it."""

import ast
import re
from pathlib import Path

import pytest

from studio import ui

FOLDER = Path(ui.__file__).parent
READ_GRADIOS_PAGE = ("gradio_adapter.py", "gradio_files.py")
"""They look for Gradio's own tags in Gradio's own page."""

TAG = re.compile(r"</?[a-z][a-z0-9-]*(?=[\s/>{]|$)|<(?:/|!--)?$|/>$|&(?:[a-z]+|#\d+);", re.IGNORECASE)


def tags_in(source: str) -> list[str]:
    """The texts of a module, its documentation left out, in which a tag or an entity begins or ends."""
    tree = ast.parse(source)
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    ]
    return [f"{text.lineno}: {text.value!r}" for text in texts if TAG.search(text.value)]


@pytest.mark.parametrize(
    "line",
    [
        "'<p>{}</p>'",
        "f'<{tag} class=\"x\">'",
        "f'</{tag}>'",
        "Markup('<b>') + name",
        "'<br/>'",
        "'<td data-label='",
        "'&middot;'",
        "('<', tag, '>')",
        "{'a': ' <small>'}",
    ],
)
def test_joined_html_is_noticed(line: str) -> None:
    assert tags_in(f"shown = {line}")


@pytest.mark.parametrize("line", ["'a < b'", "'1 <2'", "'->'", "'(x) => x'", "'?a=1&b=2'", "'\\\\u003c'"])
def test_other_texts_are_left_alone(line: str) -> None:
    assert tags_in(f"'''Says <b>.'''\nshown = {line}") == []


def test_no_module_of_the_pages_holds_html() -> None:
    modules = [path for path in FOLDER.rglob("*.py") if path.name not in READ_GRADIOS_PAGE]
    assert len(modules) > 50
    found = {
        path.relative_to(FOLDER).as_posix(): held for path in modules if (held := tags_in(path.read_text("utf-8")))
    }
    assert found == {}
