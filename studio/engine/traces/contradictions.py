"""Prompts that a dataset answers in two ways because the system messages that drew the answers out are erased: asked to
be brief a teacher says one thing and asked to explain another, and a student that sees neither learns both."""

from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from studio.engine.domain.messages import Message
from studio.engine.store.tables import Trace, TraceText

SHOWN = 300
"""Characters of a text in an example."""


class Contradictions:
    """What the rows of a freeze ask, answer and leave out, as digests: 32 bytes a row."""

    def __init__(self) -> None:
        self._ids, self._asked, self._said, self._erased = array("q"), array("Q"), array("Q"), array("Q")

    def add(self, trace_id: int, turns: Sequence[Message], erased: str) -> None:
        """A row as the student sees it, the answer last, and the system message that it does not see ("" for none)."""
        asked = "\n".join(f"{turn['role']}\n{turn['content']}" for turn in turns[:-1])
        self._ids.append(trace_id)
        for column, text in ((self._asked, asked), (self._said, str(turns[-1]["content"])), (self._erased, erased)):
            column.append(_digest(text))

    def report(self, session: Session) -> dict[str, Any]:
        """`prompts` that have different answers, given under different system messages that are erased; the `rows` that
        these are; and an `example` (prompt, answers, system_messages, traces), None when there is none to show."""
        groups = list(self._groups())
        example = _example(session, self._two(groups[0])) if groups else None
        return {"prompts": len(groups), "rows": sum(map(len, groups)), "example": example}

    def _groups(self) -> Iterator[list[int]]:
        """The places of the rows of each prompt that is answered in two ways."""
        order = sorted(range(len(self._ids)), key=lambda n: (self._asked[n], self._ids[n]))
        for _, places in groupby(order, key=self._asked.__getitem__):
            same = list(places)
            if len({self._said[n] for n in same}) > 1 and len({self._erased[n] for n in same}) > 1:
                yield same

    def _two(self, places: Sequence[int]) -> tuple[int, int]:
        """The traces of two rows with different answers, under different system messages where there are such."""
        first = places[0]
        others = [n for n in places if self._said[n] != self._said[first]]
        second = next((n for n in others if self._erased[n] != self._erased[first]), others[0])
        return self._ids[first], self._ids[second]


def sentence(found: dict[str, Any] | None) -> str:
    """The warning for a terminal; empty where there is nothing to warn of."""
    if not found or not found["prompts"]:
        return ""
    example = ""
    if found["example"]:
        first, second = found["example"]["answers"]
        example = f"For example '{found['example']['prompt']}' is answered '{first}' and '{second}'. "
    return (
        f"{found['prompts']:,} prompts have different answers, given under system messages that the student does not "
        f"see, so it is taught contradictions. {example}Freeze one system message at a time (--filter "
        "system_message=NAME), or keep them (--keep-system-message)."
    )


def _example(session: Session, ids: tuple[int, int]) -> dict[str, Any] | None:
    """What two traces say now; None when one of them is gone."""
    texts = (col(TraceText.prompt), col(TraceText.response), col(TraceText.system_message))
    query = select(col(Trace.id), *texts, col(Trace.system_message))
    query = query.join(TraceText, col(Trace.id) == col(TraceText.trace_id)).where(col(Trace.id).in_(ids))
    rows = session.execute(query.order_by(col(Trace.id))).all()
    if len(rows) < 2:
        return None
    return {
        "prompt": rows[0][1][:SHOWN],
        "answers": [row[2][:SHOWN] for row in rows],
        "system_messages": [row[4] or (row[3] or "")[:SHOWN] for row in rows],
        "traces": [row[0] for row in rows],
    }


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
