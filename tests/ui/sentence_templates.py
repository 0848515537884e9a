"""Finds the sentences of the source: what the engine raises, returns or keeps, as templates with named holes.

    templates(Path("studio/engine"))   # {"There is no file {path}. Check the path.": "prompts/files/opening.py:154"}

A string counts when it ends a sentence and has three words, or when it is what an error is made of. A choice between
two texts inside a string makes two templates.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ERRORS = {
    "BadInput", "BudgetReached", "Failed", "JobFailed", "Lost", "MissingPart", "NameTaken", "NotAllowed", "NotFound",
    "NotInvited", "Stopped", "Fault", "StudioError", "TeacherFault",
}  # fmt: skip
UNSHOWN = {
    "debug",
    "info",
    "warning",
    "error",
    "exception",
    "ValueError",
    "TypeError",
    "RuntimeError",
    "KeyError",
    "AssertionError",
}
"""Calls whose texts are for the log, or for whoever writes the code."""
WORDS = re.compile(r"[A-Za-z’']+ [a-z’']+ [a-z’']+")
A_WORD = re.compile(r"[a-z]{2}")
ENDS = re.compile(r"[.?:]$|[.?][ {][^.]*$")


def templates(root: Path, leave_out: Iterable[str] = ()) -> dict[str, str]:
    """Template -> where it stands, of every module below a folder but those whose path begins with one left out."""
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root).as_posix()
        if not inside.startswith(tuple(leave_out)):
            for line, template in _in_module(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(template, f"{inside}:{line}")
    return found


def _in_module(tree: ast.Module) -> Iterator[tuple[int, str]]:
    nodes = [*ast.walk(tree)]
    skipped, raised = set(), set()
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))  # Documentation.
        elif isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Call) and _called(node) in UNSHOWN):
            skipped |= {id(inner) for inner in ast.walk(node) if inner is not node}
        elif isinstance(node, ast.Call) and _called(node) in ERRORS and node.args:
            raised |= {id(given) for given in node.args}
    for node in nodes:
        if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in skipped:
            for template in _written(node):
                if _is_said(template, id(node) in raised):
                    yield node.lineno, template.strip()


def _is_said(template: str, is_raised: bool) -> bool:
    words = re.sub(r"\{\w+\}", "|", template)
    return bool(A_WORD.search(words)) if is_raised else bool(WORDS.search(words) and ENDS.search(template.rstrip()))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _written(node: ast.expr, used: dict[str, str] | None = None) -> list[str]:
    """The templates of one string: several where it chooses between texts, none for what is no text."""
    used = {} if used is None else used
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return ["".join(chosen) for chosen in itertools.product(*(_written(value, used) for value in values))]
        case ast.FormattedValue(value=ast.IfExp(body=body, orelse=otherwise)):
            return [*dict.fromkeys([*_branch(body, used), *_branch(otherwise, used)])]
        case ast.FormattedValue(value=value):
            return [_named(value, used)]
    return []


def _branch(value: ast.expr, used: dict[str, str]) -> list[str]:
    return _written(value, used) or [_named(value, used)]


def _named(value: ast.expr, used: dict[str, str]) -> str:
    source = ast.unparse(value)
    name = _name(value)
    number = 2
    while used.setdefault(name, source) != source:
        name, number = f"{_name(value)}{number}", number + 1
    return "{" + name + "}"


def _name(value: ast.expr) -> str:
    """What a hole is called: the last name in its expression that says what it holds."""
    match value:
        case ast.Name(id=name):
            return name.lower().strip("_")
        case ast.Attribute(attr=name):
            return name.lower().strip("_")
        case ast.Subscript(value=inner):
            return _name(inner)
        case ast.Call(func=ast.Attribute(attr="join"), args=[inner]):
            return _name(inner)
        case ast.Call(args=[inner, *_]):
            return _name(inner)
        case ast.Call(func=inner):
            return _name(inner.value) if isinstance(inner, ast.Attribute) else _name(inner)
        case ast.BoolOp(values=[inner, *_]):
            return _name(inner)
        case ast.BinOp(left=left, right=right):
            return _name(right) if isinstance(left, ast.Constant) else _name(left)
        case ast.GeneratorExp(elt=inner) | ast.ListComp(elt=inner):
            return _name(inner)
    return "what"
