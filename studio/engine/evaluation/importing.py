"""Votes that were given elsewhere: one CSV or JSONL file becomes a closed study, read like one made here."""

import csv
import json
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from studio.engine.errors import BadInput
from studio.engine.evaluation.votes import JUDGED
from studio.engine.store.database import Database
from studio.engine.store.tables import Study, StudyItem, Vote

COLUMNS = ("item", "rater", "left", "right", "vote")
LONGEST_FIELD = 10_000_000


@dataclass
class Read:
    """A file of votes as read: the rows that count, why the others do not, and the arms in the order of the file."""

    rows: list[dict[str, str]] = field(default_factory=list)
    arms: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def read_votes(path: Path) -> Read:
    """Reads `item, rater, left, right, vote` from CSV or JSONL. A rater's later vote on a pair replaces the earlier.

    Malformed rows are left out and counted. Raises BadInput for a file that cannot be read, lacks a column, has a value
    in `vote` that is none, or holds no vote at all.
    """
    read = Read()
    newest: dict[tuple[str, str, frozenset[str]], dict[str, str]] = {}
    for number, row in _rows(path, read):
        row["vote"] = row["vote"].lower()
        if any(not row[column] for column in COLUMNS):
            read.reasons["incomplete"] += 1
        elif row["left"] == row["right"]:
            read.reasons["same arm twice"] += 1
        elif row["vote"] not in JUDGED:
            raise BadInput(
                f"Line {number} of {path} has the vote '{row['vote'][:40]}', which is none of {', '.join(JUDGED)}. "
                "Mend it; nothing was imported."
            )
        else:
            key = row["item"], row["rater"], frozenset((row["left"], row["right"]))
            read.reasons["replaced by a later vote"] += key in newest
            read.arms += [name for name in (row["left"], row["right"]) if name not in read.arms]
            newest[key] = row
    read.reasons = +read.reasons
    read.rows = list(newest.values())
    if not read.rows:
        raise BadInput(f"{path} holds no vote that can be used. Each row needs {', '.join(COLUMNS)}.")
    return read


def store_votes(database: Database, project_id: int, name: str, read: Read) -> Study:
    """Everything in one transaction: the study, one item for each item and pair of arms, and the votes."""
    detail = {"imported": True, "skipped": read.reasons.total(), "reasons": dict(read.reasons)}
    token = secrets.token_urlsafe(16)
    with database.session() as session:
        study = Study(project_id=project_id, name=name, token=token, arms=read.arms, state="closed", detail=detail)
        session.add(study)
        session.flush()
        items: dict[tuple[str, frozenset[str]], StudyItem] = {}
        for row in read.rows:
            key = row["item"], frozenset((row["left"], row["right"]))
            items.setdefault(key, _item(study, len(items), row))
        session.add_all(items.values())
        session.flush()
        session.add_all(
            _vote(study, items[row["item"], frozenset((row["left"], row["right"]))], row) for row in read.rows
        )
    return study


def _item(study: Study, position: int, row: dict[str, str]) -> StudyItem:
    assert study.id is not None
    return StudyItem(
        study_id=study.id, position=position, public_id=secrets.token_hex(16), external_id=row["item"],
        left_arm=row["left"], right_arm=row["right"],
    )  # fmt: skip


def _vote(study: Study, item: StudyItem, row: dict[str, str]) -> Vote:
    assert study.id is not None and item.id is not None
    return Vote(
        study_id=study.id, item_id=item.id, rater=row["rater"], left_arm=row["left"], right_arm=row["right"],
        choice=row["vote"],
    )  # fmt: skip


def _rows(path: Path, read: Read) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows with every column as text, empty where it is missing."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if line.strip()), "")
            file.seek(0)
            if first.lstrip().startswith("{"):
                yield from _from_jsonl(file, read)
            else:
                yield from _from_csv(file, path)
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput(
            f"The file of votes {path} cannot be read as UTF-8 text. Check the path and its encoding."
        ) from exc


def _from_jsonl(lines: Iterator[str], read: Read) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            read.reasons["not JSON"] += 1
            continue
        if not isinstance(row, dict):
            read.reasons["not an object"] += 1
            continue
        yield number, {column: _text(row.get(column)) for column in COLUMNS}


def _from_csv(lines: Iterator[str], path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.DictReader(lines)
    try:
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
        if missing:
            raise BadInput(
                f"{path} has no column {', '.join(missing)}. It needs {', '.join(COLUMNS)} in its first line."
            )
        for row in reader:
            yield reader.line_num, {column: _text(row.get(column)) for column in COLUMNS}
    except csv.Error as exc:
        raise BadInput(f"Line {reader.line_num} of {path} is not CSV ({exc}). Mend it; nothing was imported.") from exc


def _text(value: object) -> str:
    """A cell as text; numbers are ids, lists and objects are not."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
