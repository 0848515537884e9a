"""Reads a frozen dataset for training: every conversation tokenized once, all that are left out counted by reason."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from typing import Any

from studio.engine.domain.messages import Messages
from studio.engine.errors import BadInput
from studio.engine.training.formatting import AmbiguousError, Formatter, Row
from studio.engine.training.spec import StageSpec

AMBIGUOUS_SHARE = 0.1
"""More conversations than this whose mask is uncertain mean that the template is at fault, not the data."""


@dataclass(frozen=True)
class StageRows:
    """What a stage trains on and is evaluated on. `counts` has used, test, too_long, cut, ambiguous and unanswered."""

    train: list[Row]
    test: list[Row]
    counts: dict[str, int]

    @property
    def lengths(self) -> list[int]:
        return [len(row.ids) for row in self.train]


def read_rows(stage: StageSpec, formatter: Formatter, max_length: int) -> StageRows:
    """The rows come in an order that their content decides, since in a dataset they stand as their answers arrived:
    the same rows, settings and seed make the same stage.

    Raises BadInput when the file is missing, when nothing is left, or when the template makes the mask ambiguous.
    """
    settings, name = stage.settings, stage.settings.dataset
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    conversations = sorted(_conversations(stage.file, "train", name), key=_digest)
    train = list(_fitting(conversations, formatter, stage, max_length, counts, reasons))
    if counts["ambiguous"] > AMBIGUOUS_SHARE * (counts["ambiguous"] + counts["used"]):
        raise BadInput(
            f"With the base's chat template it is uncertain which tokens of {counts['ambiguous']} conversations in "
            f"'{name}' are the teacher's: {reasons.most_common(1)[0][0]}. Use a base whose template marks them with "
            "{% generation %}, or one with a simpler template."
        )
    if not train:
        raise BadInput(_nothing_left(name, max_length, counts))
    ignored: Counter[str] = Counter()
    wanted = settings.eval_rows if settings.evaluations else 0
    held_out = nsmallest(wanted, _conversations(stage.file, "test", name), key=_digest)
    test = list(_fitting(held_out, formatter, stage, max_length, ignored, reasons))
    return StageRows(train, test, {**counts, "test": len(test)})


def read_messages(file: Path, limit: int, split: str = "train") -> list[Messages]:
    """The first conversations of a split."""
    return list(islice(_conversations(file, split, file.name), limit))


def _fitting(
    conversations: Iterable[Messages],
    formatter: Formatter,
    stage: StageSpec,
    max_length: int,
    counts: Counter[str],
    reasons: Counter[str],
) -> Iterator[Row]:
    for row in formatter.rows(list(conversations)):
        if isinstance(row, AmbiguousError):
            reasons[str(row)] += 1
            counts["unanswered" if str(row) == "it has no answer" else "ambiguous"] += 1
            continue
        if len(row.ids) > max_length:
            row = row.cut(max_length) if stage.settings.too_long == "cut" else row.cut(0)
            counts["cut" if row.taught.any() else "too_long"] += 1
        if row.taught.any():
            counts["used"] += 1
            yield row


def _digest(messages: Messages) -> bytes:
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).digest()


def _conversations(file: Path, split: str, name: str) -> Iterator[Messages]:
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    row = _parsed(line, number, name)
                    if row.get("split", "train") == split:
                        yield row["messages"]
    except FileNotFoundError as exc:
        raise BadInput(f"The file of the dataset '{name}' is gone ({file}). Freeze the dataset again.") from exc


def _parsed(line: str, number: int, name: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if isinstance(row["messages"], list) and all(isinstance(turn["content"], str) for turn in row["messages"]):
            return row
    except (ValueError, KeyError, TypeError):
        pass
    raise BadInput(f"Line {number} of the dataset '{name}' holds no conversation. Freeze the dataset again.")


def _nothing_left(name: str, max_length: int, counts: Counter[str]) -> str:
    if counts["too_long"]:
        return (
            f"None of the {counts['too_long']} conversations of '{name}' fits into max_length {max_length}. "
            "Raise max_length, or set too_long: cut."
        )
    return f"The dataset '{name}' has no conversation to train on. Freeze one with answers in its train split."
