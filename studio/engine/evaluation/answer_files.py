"""Votes that were given elsewhere: one file of rows becomes a closed study, read like one made here."""

import secrets
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from studio.engine.domain.states import StudyState
from studio.engine.errors import BadInput
from studio.engine.evaluation.vote_rows import COLUMNS, judged, vote_rows
from studio.engine.evaluation.votes import JUDGED
from studio.engine.prompts import NOT_TEXT, is_storable
from studio.engine.store import Database
from studio.engine.store.tables import Study, StudyItem, Vote


@dataclass
class Read:
    """A file of votes as read: the rows that count, why the others do not, and the arms in the order of the file."""

    rows: list[dict[str, str]] = field(default_factory=list)
    arms: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def read_votes(path: Path) -> Read:
    """Reads `item, rater, left, right, vote` from a file of rows. A rater's later vote on a pair replaces the earlier.

    Malformed rows are left out and counted. Raises BadInput for a file that cannot be read, lacks a column, has a value
    in `vote` that is none, or holds no vote at all.
    """
    read = Read()
    newest: dict[tuple[str, str, frozenset[str]], dict[str, str]] = {}
    for number, row in vote_rows(path, read.reasons):
        vote = judged(row)
        if any(not row[column] for column in COLUMNS):
            read.reasons["incomplete"] += 1
        elif not all(map(is_storable, row.values())):
            read.reasons[NOT_TEXT] += 1
        elif row["left"] == row["right"]:
            read.reasons["same arm twice"] += 1
        elif vote is None:
            raise BadInput(
                f"Line {number} of {path} has the vote '{row['vote'][:40]}', which is none of {', '.join(JUDGED)}. "
                "Mend it; nothing was imported."
            )
        else:
            key = row["item"], row["rater"], frozenset((row["left"], row["right"]))
            read.reasons["replaced by a later vote"] += key in newest
            read.arms += [name for name in (row["left"], row["right"]) if name not in read.arms]
            newest[key] = {**row, "vote": vote}
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
        study = Study(
            project_id=project_id, name=name, token=token, arms=read.arms, state=StudyState.CLOSED, detail=detail
        )
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
