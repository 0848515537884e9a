"""A card in another language: the same figures and names, every heading and fixed sentence in its words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
import yaml

from studio.engine.cards import training_words, writing
from studio.engine.cards.front import written_in
from studio.engine.cards.training_words import COUNTED
from studio.engine.cards.wording import LANGUAGES, Words
from studio.engine.domain.terms import Terms
from studio.engine.errors import BadInput
from studio.engine.settings import Settings

ASSETS = Settings().assets
LIST = ASSETS / "translations" / "cards" / "zh.yaml"


def templates() -> set[str]:
    """Everything that the code hands to `words(...)`."""
    found = {*COUNTED.values(), *(terms.sentence for terms in Terms)}
    for module in (writing, training_words):
        tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                found |= set(_handed(function))
    return found


def _handed(function: ast.FunctionDef) -> Iterator[str]:
    named: dict[str, ast.expr] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            pairs = zip(target.elts, value.elts, strict=True) if isinstance(target, ast.Tuple) and isinstance(
                value, ast.Tuple
            ) else [(target, value)]  # fmt: skip
            named |= {one.id: given for one, given in pairs if isinstance(one, ast.Name)}
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "words":
            yield from _said(node.args[0], named)


def _said(given: ast.expr, named: dict[str, ast.expr]) -> Iterator[str]:
    """A text, either of two, or what a name stands for."""
    if isinstance(given, ast.Constant):
        yield str(given.value)
    elif isinstance(given, ast.IfExp):
        yield from (*_said(given.body, named), *_said(given.orelse, named))
    elif isinstance(given, ast.Name):
        yield from _said(named[given.id], named)


def holes(template: str) -> list[tuple[str, str]]:
    return sorted((name, how or "") for _, name, how, _ in Formatter().parse(template) if name)


def test_every_sentence_of_a_card_has_its_words() -> None:
    known = {one["say"]: one["zh"] for one in yaml.safe_load(LIST.read_text(encoding="utf-8"))}
    wanted = templates()
    assert len(wanted) > 60
    assert sorted(wanted - known.keys()) == [], f"Put these into {LIST.name}."
    assert sorted(known.keys() - wanted) == [], "These are said no more."
    for say, zh in known.items():
        assert holes(say) == holes(zh), say
        assert re.findall(r"^#+ |^ *- |^[0-9]\. ", say) == re.findall(r"^#+ |^ *- |^[0-9]\. ", zh)


def test_another_language_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="en or zh, not in 'de'"):
        Words.of(ASSETS, "de")
    assert [Words.of(ASSETS, language).language for language in LANGUAGES] == [*LANGUAGES]


def test_the_language_of_a_card_is_read_from_its_front_matter_alone() -> None:
    assert written_in(None) is None and written_in("# anything\n  written_in: zh\n") == "en"
    assert written_in("---\nunderstudy:\n  written_in: zh\n---\nbody") == "zh"
