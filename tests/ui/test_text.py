"""Every word exists in every language, with the same values in it, and every key that a page asks for exists."""

import ast
import string
from pathlib import Path

import pytest
import yaml

from studio.engine.settings import Settings
from studio.ui.text import LANGUAGES, MissingTextError, Texts, catalogue

FOLDER = Settings().assets / "translations"
SOURCES = Path(__file__).parents[2] / "studio" / "ui"
FILES = sorted(FOLDER.glob("*.yaml"))


def _texts(entry: object) -> list[str]:
    return [str(text) for text in entry.values()] if isinstance(entry, dict) else [str(entry)]


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_text_is_there_in_every_language_with_the_same_values(path: Path) -> None:
    for key, entry in catalogue(FOLDER, path.stem).items():
        assert set(entry) == set(LANGUAGES), f"{path.name}: {key}"
        named = [set.union(*(_values(text) for text in _texts(entry[language]))) for language in LANGUAGES]
        assert named[0] - {"n"} == named[1] - {"n"}, f"{path.name}: {key}"
        for language in LANGUAGES:
            assert all(text.strip() for text in _texts(entry[language])), f"{path.name}: {key}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_key_is_written_twice(path: Path) -> None:
    keys = [node.value for node, _ in yaml.compose(path.read_text(encoding="utf-8")).value]
    assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)


def _asked(path: Path) -> set[str]:
    """Keys written out as t("key") in a file; keys put together at run time are not seen here."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in ("t", "shared", "words") and call.args
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCES)))
def test_every_key_asked_for_is_in_the_catalogue(path: Path) -> None:
    missing = {key for key in _asked(path) if not Texts("en", _page_of(path)).has(key)}
    assert not missing


def _page_of(path: Path) -> str:
    """A page is a file or a folder of `pages/`; the raters' page stands beside them."""
    inside = path.relative_to(SOURCES).parts
    name = Path(inside[1] if inside[0] == "pages" else inside[0]).stem
    return next((file.stem for file in FILES if file.stem == name.split("_")[0]), "shell")


def _catalogue(folder: Path) -> Path:
    (folder / "shell.yaml").write_text("save: {en: Save, zh: 保存}\nsame: GGUF\n", encoding="utf-8")
    (folder / "p.yaml").write_text(
        'save: {en: Keep it, zh: 留下}\nn: {en: {one: "{n} row", other: "{n} rows"}, zh: "{n} 行"}\n', encoding="utf-8"
    )
    return folder


def test_the_pages_own_words_come_before_the_shared_ones(tmp_path: Path) -> None:
    folder = _catalogue(tmp_path)
    assert Texts("en", "p", folder)("save") == "Keep it"
    assert Texts("zh", "other", folder)("save") == "保存"
    assert Texts("zh", "other", folder)("same") == "GGUF"


def test_numbers_are_grouped_and_counted(tmp_path: Path) -> None:
    t = Texts("en", "p", _catalogue(tmp_path))
    assert (t("n", n=1), t("n", n=12480)) == ("1 row", "12,480 rows")
    assert Texts("zh", "p", tmp_path)("n", n=1) == "1 行"


def test_a_missing_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingTextError, match="nothing"):
        Texts("en", "p", _catalogue(tmp_path))("nothing")
