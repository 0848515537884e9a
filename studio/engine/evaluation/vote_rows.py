"""A row of a file of votes, whatever tool or spreadsheet wrote it: which column is which, and which vote is meant."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from studio.engine.errors import BadInput
from studio.engine.prompts import Record, Skip, read_rows, value_of

COLUMNS = ("item", "rater", "left", "right", "vote")
HEAD_ROWS = 100
MOST_NAMES = 20
HEADERS: dict[str, tuple[str, ...]] = {
    "item": (
        "item", "item id", "question id", "question", "prompt id", "prompt", "pair", "pair id", "task", "task id",
        "example", "example id", "row id", "id", "题目", "题号", "条目", "问题", "编号", "frage", "aufgabe", "pregunta",
        "élément", "elemento",
    ),
    "rater": (
        "rater", "rater id", "rater name", "worker", "worker id", "annotator", "annotator id", "judge", "judge id",
        "evaluator", "labeler", "labeller", "reviewer", "voter", "user", "user id", "username", "participant",
        "email", "name",
        "评分者", "评分人", "评审", "标注者", "标注员", "投票人", "bewerter", "bewerterin", "évaluateur",
        "evaluador", "valutatore",
    ),
    "left": (
        "left", "left model", "left arm", "left system", "left answer", "model left", "model a", "assistant a",
        "system a", "response a", "answer a", "option a", "arm a", "candidate a", "model 1", "a", "左", "左侧", "左边",
        "左侧模型", "左模型", "模型 a", "links", "linkes modell", "modell a", "gauche", "modèle gauche", "izquierda",
        "modelo izquierdo", "sinistra",
    ),
    "right": (
        "right", "right model", "right arm", "right system", "right answer", "model right", "model b", "assistant b",
        "system b", "response b", "answer b", "option b", "arm b", "candidate b", "model 2", "b", "右", "右侧", "右边",
        "右侧模型", "右模型", "模型 b", "rechts", "rechtes modell", "modell b", "droite", "modèle droit", "derecha",
        "modelo derecho", "destra",
    ),
    "vote": (
        "vote", "votes", "winner", "winning side", "choice", "preference", "preferred", "preferred answer", "verdict",
        "judgement", "judgment", "decision", "better", "better answer", "result", "outcome", "label", "a/b", "a b",
        "投票", "胜者", "获胜者", "优胜", "选择", "结果", "偏好", "stimme", "gewinner", "sieger", "wahl", "gagnant",
        "voto", "ganador", "vincitore",
    ),
}  # fmt: skip
"""By which names each column is known, the likeliest first; in small letters, with one blank between words."""
VOTES: dict[str, tuple[str, ...]] = {
    "left": (
        "left", "l", "a", "model a", "assistant a", "answer a", "response a", "option a", "left model", "left answer",
        "model 1", "left better", "a better", "a is better", "left is better", "左", "左侧", "左边", "links", "gauche",
        "izquierda", "sinistra",
    ),
    "right": (
        "right", "r", "b", "model b", "assistant b", "answer b", "response b", "option b", "right model",
        "right answer", "model 2", "right better", "b better", "b is better", "right is better", "右", "右侧", "右边",
        "rechts", "droite", "derecha", "destra",
    ),
    "tie": (
        "tie", "equal", "draw", "same", "both good", "both", "no preference", "equally good", "tied", "tie both good",
        "平", "平局", "一样", "一样好", "相同", "unentschieden", "gleich", "égalité", "empate", "pareggio",
    ),
    "both_bad": (
        "both bad", "bothbad", "neither", "none", "tie bothbad", "tie both bad", "both are bad", "equally bad",
        "都不好", "都差", "都很差", "beide schlecht", "les deux mauvais", "ambos malos", "entrambe cattive",
    ),
}  # fmt: skip
_VOTE_OF = {word: vote for vote, words in VOTES.items() for word in words}


def vote_rows(path: Path, reasons: Counter[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows with every column as text, empty where it is missing. What is no row is counted by reason.

    Raises `BadInput` for a file that cannot be read or lacks a column.
    """
    rows = read_rows(path)
    head = _head(rows, path)
    places = _places(head, path)
    for row in chain(head, rows):
        if isinstance(row, Skip):
            reasons[str(row.reason)] += 1
        else:
            yield row.line, {column: _text(value_of(row.value, places[column])) for column in COLUMNS}


def _head(rows: Iterator[Record | Skip], path: Path) -> list[Record | Skip]:
    try:
        return list(islice(rows, HEAD_ROWS))
    except BadInput as exc:
        if path.is_file() and not path.stat().st_size:
            raise BadInput(
                f"{path} is empty, so it has no column {', '.join(COLUMNS)}. Name the file that holds the votes."
            ) from exc
        raise BadInput(f"The file of votes cannot be read: {exc.message}") from exc


def judged(row: dict[str, str]) -> str | None:
    """The vote of a row: one of ours, the same in the words of another tool, or the name of the arm that won."""
    said = row["vote"]
    if said.lower() in VOTES:
        return said.lower()
    for side in ("left", "right"):
        if row[side] and said == row[side]:
            return side
    found = _VOTE_OF.get(_plain(said))
    if found is not None:
        return found
    sides = [side for side in ("left", "right") if row[side] and said.lower() == row[side].lower()]
    return sides[0] if len(sides) == 1 else None


def _places(head: list[Record | Skip], path: Path) -> dict[str, str]:
    """The header under which each column stands."""
    names: dict[str, None] = {}
    for row in head:
        if isinstance(row, Record):
            names |= dict.fromkeys(row.value)
    if not names:
        return {column: column for column in COLUMNS}
    places: dict[str, str] = {}
    for column, known in HEADERS.items():
        free = {_plain(name): name for name in reversed(list(names)) if name not in places.values()}
        found = next((free[name] for name in known if name in free), None)
        if found is not None:
            places[column] = found
    missing = [column for column in COLUMNS if column not in places]
    if missing:
        raise BadInput(
            f"{path} has no column {', '.join(missing)}. It needs {', '.join(COLUMNS)} in its first line; "
            f"it has: {', '.join(list(names)[:MOST_NAMES])}."
        )
    return places


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[\s_\-:()]+", " ", name.lower()).split())


def _text(value: object) -> str:
    """A cell as text; numbers are ids, lists and objects are not."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
