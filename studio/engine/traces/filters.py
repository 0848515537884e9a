"""Which traces are meant: a filter from KEY=VALUE pairs or a query string, and the SQL condition it stands for."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, cast, exists, false, or_, select, true
from sqlalchemy.types import Text
from sqlmodel import Session, col

from studio.engine.domain.names import spellings
from studio.engine.errors import BadInput, NotFound
from studio.engine.store import Database, in_use, not_binned, trace_ids_matching
from studio.engine.store.tables import Run, Trace, TraceTag
from studio.engine.traces.arriving import arriving

NO_VALUE = "none"
"""The value that means: has no label, no rating, no tag, not graded ..."""
LABELS = ("keep", "reject")
_TRUTH = {"yes": True, "true": True, "1": True, "right": True, "no": False, "false": False, "0": False, "wrong": False}


@dataclass(frozen=True)
class TraceFilter:
    """Conditions on traces. Different keys must all hold; of several values of one key any may. Empty: every trace."""

    conditions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    query: str = ""
    """Words that must stand in the prompt or the answer."""
    ids: tuple[int, ...] | None = None
    """Only these traces, when given."""

    @classmethod
    def parse(cls, given: Mapping[str, str | Iterable[str]], *, query: str = "") -> "TraceFilter":
        """From {key: value or values}; `query` may also be a key. Raises `BadInput` for an unknown key or value."""
        found: dict[str, tuple[str, ...]] = {}
        for key, values in given.items():
            listed = (values,) if isinstance(values, str) else tuple(values)
            if key == "query":
                query = " ".join([query, *listed]).strip()
            else:
                found[key] = tuple(dict.fromkeys(_checked(key, value.strip()) for value in listed))
        ordered = tuple((key, found[key]) for key in FILTER_KEYS if found.get(key))
        return cls(ordered, query.strip())

    @classmethod
    def from_pairs(cls, pairs: Iterable[str], *, query: str = "") -> "TraceFilter":
        """From 'KEY=VALUE' texts, as the command line gives them; a key may come more than once."""
        given: dict[str, list[str]] = {}
        for pair in pairs:
            key, equals, value = pair.partition("=")
            if not equals:
                known = ", ".join(FILTER_KEYS)
                raise BadInput(f"The filter '{pair}' is not KEY=VALUE, as in label=keep. The keys are: {known}.")
            given.setdefault(key.strip(), []).append(value)
        return cls.parse(given, query=query)

    @property
    def is_empty(self) -> bool:
        return not self.conditions and not self.query and self.ids is None

    def values(self, key: str) -> tuple[str, ...]:
        return dict(self.conditions).get(key, ())

    def with_values(self, key: str, *values: str) -> "TraceFilter":
        """The same filter with other values for one key; none removes the key."""
        checked = tuple(_checked(key, value) for value in values)
        kept = {**dict(self.conditions), key: checked}
        return replace(self, conditions=tuple((name, kept[name]) for name in FILTER_KEYS if kept.get(name)))

    def only(self, ids: Iterable[int]) -> "TraceFilter":
        return replace(self, ids=tuple(dict.fromkeys(ids)))

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "TraceFilter":
        """The filter that `as_dict` wrote down."""
        ids = kept.get("ids")
        conditions = tuple((key, tuple(values)) for key, values in kept.items() if key in FILTER_KEYS)
        return cls(conditions=conditions, query=kept.get("query", ""), ids=None if ids is None else tuple(ids))

    def as_dict(self) -> dict[str, Any]:
        """What a dataset keeps of it: enough to say in words what was asked for."""
        report: dict[str, Any] = {key: list(values) for key, values in self.conditions}
        if self.query:
            report["query"] = self.query
        if self.ids is not None:
            report["ids"] = list(self.ids)
        return report


def condition(
    database: Database, session: Session, project_id: int, filter: TraceFilter, *, without: Iterable[str] = ()
) -> ColumnElement[bool]:
    """The SQL condition on `Trace`. Raises `NotFound` for a run that is not there. Keys in `without` are left out."""
    parts: list[ColumnElement[bool]] = [col(Trace.project_id) == project_id]
    if unfinished := arriving(session, project_id):
        parts.append(col(Trace.run_id).not_in(unfinished))
    for key, values in filter.conditions:
        if key == "run":
            values = tuple(str(run_id(session, project_id, value)) for value in values)
        if key not in without:
            parts.append(or_(*(FILTER_KEYS[key](value) for value in values)))
    if filter.query:
        parts.append(col(Trace.id).in_(trace_ids_matching(database, filter.query)))
    if filter.ids is not None:
        parts.append(among(filter.ids))
    return and_(*parts)


WITH_TRACES = ("collect", "import")
"""Kinds of runs that leave traces; the others are hidden."""


def run_id(session: Session, project_id: int, name: str) -> int:
    """The id of a run by its name. Raises `NotFound` that names the runs there are."""
    named = (col(Run.project_id) == project_id, col(Run.name).in_(spellings(name)), not_binned(Run))
    found = session.scalar(select(col(Run.id)).where(*named))
    if found is None:
        shown = (col(Run.project_id) == project_id, col(Run.kind).in_(WITH_TRACES), in_use(Run))
        known = session.scalars(select(col(Run.name)).where(*shown).limit(50))
        raise NotFound.named("run", name, list(known))
    return int(found)


def among(ids: Sequence[int]) -> ColumnElement[bool]:
    """Written into the statement: a hand-picked selection may be longer than a statement's list of variables."""
    if not ids:
        return false()
    written: BindParameter[Any] = bindparam("ids", list(ids), expanding=True, literal_execute=True, unique=True)
    return col(Trace.id).in_(written)


def _checked(key: str, value: str) -> str:
    """The value as it is compared and shown. Raises `BadInput` that names what there is."""
    if key not in FILTER_KEYS:
        raise BadInput(f"There is no filter key '{key}'. The keys are: {', '.join(FILTER_KEYS)}.")
    if value == "" and key not in ("system_message", "collection"):
        raise BadInput(f"The filter {key}= has no value. Write {key}=none for traces without one.")
    if key == "label" and value not in (*LABELS, NO_VALUE):
        raise BadInput(f"A label is keep, reject or none, not '{value}'.")
    if key == "rating" and value != NO_VALUE and value.rstrip("+") not in tuple("12345"):
        raise BadInput(f"A rating is 1 to 5, '4+' for four or more, or none, not '{value}'.")
    if key in ("correct", "edited"):
        if value.lower() not in (*_TRUTH, NO_VALUE):
            raise BadInput(f"The filter '{key}' is yes, no or none, not '{value}'.")
        return NO_VALUE if value.lower() == NO_VALUE else ("yes" if _TRUTH[value.lower()] else "no")
    return value


def _text(column: Any) -> Callable[[str], ColumnElement[bool]]:
    def of(value: str) -> ColumnElement[bool]:
        if value in (NO_VALUE, ""):
            return or_(col(column).is_(None), col(column) == "")
        return col(column) == value

    return of


def _rating(value: str) -> ColumnElement[bool]:
    if value == NO_VALUE:
        return col(Trace.rating).is_(None)
    least = int(value[0])
    return col(Trace.rating) >= least if value.endswith("+") else col(Trace.rating) == least


def _truth(column: Any) -> Callable[[str], ColumnElement[bool]]:
    def of(value: str) -> ColumnElement[bool]:
        if value == NO_VALUE:
            return col(column).is_(None)
        return col(column).is_(true() if value == "yes" else false())

    return of


def _tag(value: str) -> ColumnElement[bool]:
    of_trace = exists().where(col(TraceTag.trace_id) == col(Trace.id))
    return ~of_trace if value == NO_VALUE else of_trace.where(col(TraceTag.tag) == value)


def _flag(value: str) -> ColumnElement[bool]:
    """Flags are a short JSON list of plain words, so a flag stands in its text between quotes."""
    written = cast(col(Trace.flags), Text)
    return written == "[]" if value == NO_VALUE else written.contains(json.dumps(value), autoescape=True)


FILTER_KEYS: dict[str, Callable[[str], ColumnElement[bool]]] = {
    "label": _text(Trace.label),
    "tag": _tag,
    "rating": _rating,
    "correct": _truth(Trace.correct),
    "family": _text(Trace.family),
    "task": _text(Trace.task),
    "collection": _text(Trace.collection),
    "teacher": _text(Trace.teacher),
    "system_message": _text(Trace.system_message),
    "run": lambda value: col(Trace.run_id) == int(value),
    "finish_reason": _text(Trace.finish_reason),
    "flag": _flag,
    "terms": _text(Trace.terms),
    "edited": _truth(Trace.edited),
}
"""Every key a filter knows, and the condition that one value of it stands for."""
