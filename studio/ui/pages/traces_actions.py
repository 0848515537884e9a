"""What the script of the traces page may ask of the server: open, mark, undo, repair, and change or grade all that
match.

Each takes one dictionary and answers one: `ok`, and either what to show or `error`, the sentence to say. They answer
plain HTTP, so nothing here trusts what the script sends.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import gradio as gr

from studio.engine.domain.states import OperationState
from studio.engine.errors import BadInput, StudioError
from studio.engine.traces import FILTER_KEYS, TraceFilter
from studio.ui import parts
from studio.ui.pages import traces_views as views
from studio.ui.pages.traces_reader import reader
from studio.ui.parts import figures
from studio.ui.parts.handlers import log
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

Answer = dict[str, Any]
GRADED_AT_ONCE = 2_000
"""Traces graded while somebody waits; more are a job."""
MOST_SHOWN = 200
"""Rows redrawn after an undo: a page's worth and some."""


class Actions:
    """The functions for one language; `functions` is what the component is given."""

    def __init__(self, studio: "Studio", t: Texts) -> None:
        self.studio = studio
        self.t = t

    @property
    def functions(self) -> list[Callable[..., Answer]]:
        """Plain functions, named as the script calls them."""

        def open_trace(asked: Answer, request: gr.Request) -> Answer:
            return self._safely(self.open, asked, request)

        def mark_trace(asked: Answer, request: gr.Request) -> Answer:
            return self._safely(self.mark, asked, request)

        def undo_last(asked: Answer, request: gr.Request) -> Answer:
            return self._safely(self.undo, asked, request)

        def repair_trace(asked: Answer, request: gr.Request) -> Answer:
            return self._safely(self.repair, asked, request)

        def preview_all(asked: Answer, request: gr.Request) -> Answer:
            return self._safely(self.preview, asked, request)

        def change_all(asked: Answer, request: gr.Request) -> Answer:
            return self._safely(self.change, asked, request)

        def grade_all(asked: Answer, request: gr.Request) -> Answer:
            return self._safely(self.grade, asked, request)

        def follow_changes(asked: Answer, request: gr.Request) -> Answer:
            return self._safely(self.follow, asked, request)

        return [open_trace, mark_trace, undo_last, repair_trace, preview_all, change_all, grade_all, follow_changes]

    def open(self, here: "Studio", asked: Answer, by: str) -> Answer:
        """The reader of one trace, with what the list was searched for."""
        return {"reader": str(reader(self.t, here.traces.get(_id(asked)), here, _search(asked)))}

    def mark(self, here: "Studio", asked: Answer, by: str) -> Answer:
        """A verdict, a rating or a tag for one trace."""
        id, rating = _id(asked), asked.get("rating")
        here.traces.label(
            [id],
            _text(asked, "verdict"),
            rating=int(rating) if isinstance(rating, int) else None,
            tag=_text(asked, "tag"),
            by=by,
        )
        return {**self._rows(here, asked, [id]), "last": self._last(here, by)}

    def undo(self, here: "Studio", asked: Answer, by: str) -> Answer:
        """Takes back this person's last change and redraws the rows that are on the page."""
        last = here.traces.last_operation(by)
        changed = here.traces.changed_by(last, views.NAMED) if last else []
        operation = here.traces.start_undo(by)
        if operation is None:
            return {"said": self.t("undo.nothing"), "rows": {}, "last": ""}
        said = views.undone(self.t, operation, changed if last and last.id == operation.id else [])
        return {**self._rows(here, asked, _shown(asked)), "said": said, "last": self._last(here, by)}

    def follow(self, here: "Studio", asked: Answer, by: str) -> Answer:
        """How far changes of many traces are; once none is under way, the rows that are on the page as they are now."""
        operations = here.traces.under_way()
        if operations:
            return {"note": str(views.under_way(self.t, operations, here)), "busy": True}
        return {"note": "", "busy": False, **self._rows(here, asked, _shown(asked)), "last": self._last(here, by)}

    def repair(self, here: "Studio", asked: Answer, by: str) -> Answer:
        """Another answer in the place of the teacher's."""
        here.traces.repair(_id(asked), str(asked.get("response") or ""), by)
        return {**self.open(here, asked, by), **self._rows(here, asked, [_id(asked)]), "last": self._last(here, by)}

    def preview(self, here: "Studio", asked: Answer, by: str) -> Answer:
        """What a change of all that match would change: how many, how they are labelled now, the first few."""
        filter = _filter(asked)
        page = here.traces.page(filter, limit=3)
        labels = here.traces.facets(filter).of("label") if page.count else []
        return {"preview": str(views.preview(self.t, page, labels, filter)), "count": page.count}

    def change(self, here: "Studio", asked: Answer, by: str) -> Answer:
        """The change itself, one operation that one undo takes back."""
        wanted = (_filter(asked), _text(asked, "verdict"))
        operation = here.traces.start_label(*wanted, tag=_text(asked, "tag"), by=by)
        key = "changing" if operation.state == OperationState.RUNNING else "changed"
        return {"said": self.t(key, n=operation.changed), "changed": operation.changed}

    def grade(self, here: "Studio", asked: Answer, by: str) -> Answer:
        """Compares the final answers of all that match with the known ones. Labels stay as they are."""
        filter = _filter(asked)
        if here.traces.count(filter)[0] > GRADED_AT_ONCE:
            here.traces.start_grade(filter)
            return {"said": self.t("grade.started"), "graded": 0}
        report = here.traces.grade(selection=filter)
        if not report["graded"]:
            return {"said": self.t("grade.nothing"), "graded": 0}
        said = self.t("graded", correct=figures.number(report["correct"]), wrong=figures.number(report["wrong"]))
        return {"said": said, "graded": report["graded"]}

    def _safely(self, act: Callable[..., Answer], asked: Answer, request: gr.Request) -> Answer:
        try:
            if not isinstance(asked, dict):
                raise BadInput("Send an object.")
            here = self.studio.find(str(asked.get("project") or ""))
            return {"ok": True, **act(here, asked, parts.person_of(request, here))}
        except StudioError as exc:
            return {"ok": False, "error": self.t.told(exc.message)}
        except Exception as exc:
            log.error("traces: %s failed", act.__name__, exc_info=exc)
            return {"ok": False, "error": self.t("error.unexpected", kind=type(exc).__name__)}

    def _rows(self, here: "Studio", asked: Answer, ids: list[int]) -> Answer:
        details = here.traces.details(ids) if ids else []
        return {"rows": {str(detail.trace.id): str(views.row(self.t, detail, _search(asked))) for detail in details}}

    def _last(self, here: "Studio", by: str) -> str:
        return str(views.last_change(self.t, here.traces.last_operation(by)))


def _shown(asked: Answer) -> list[int]:
    """The traces that are on the page."""
    ids = asked.get("ids")
    return [int(id) for id in ids[:MOST_SHOWN] if str(id).isdecimal()] if isinstance(ids, list) else []


def _id(asked: Answer) -> int:
    id = str(asked.get("id", ""))
    if not id.isdecimal():
        raise BadInput("Say which trace.")
    return int(id[:18])


def _text(asked: Answer, key: str) -> str | None:
    value = asked.get(key)
    return str(value) if value not in (None, "") else None


def _search(asked: Answer) -> str:
    """What the list was searched for."""
    return dict(parse_qsl(str(asked.get("query") or "").lstrip("?"))).get("q", "")


def _filter(asked: Answer) -> TraceFilter:
    query = dict(parse_qsl(str(asked.get("query") or "").lstrip("?")))
    return TraceFilter.parse({key: query[key] for key in FILTER_KEYS if query.get(key)}, query=query.get("q", ""))
