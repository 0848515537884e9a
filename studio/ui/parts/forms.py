"""The one way in which a page says what is wrong: words beside the field they are about, else at the form's foot, else,
where there is no form, in a corner of the page. Nothing is covered, what was typed stays, and what works takes it away.

form = parts.form({"name": name, "count": count})         # at the foot; the fields by the names that errors give
page.on(save.click, write, [name, count], goto, form=form) # a StudioError(field="count") lands beside `count`
"""

import functools
import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from studio.engine.errors import StudioError
from studio.ui import gradio_adapter
from studio.ui.parts.blocks import html
from studio.ui.parts.handlers import language_of_event, log
from studio.ui.rendering import render
from studio.ui.text import Texts


@dataclass(frozen=True)
class Form:
    """Where what is wrong is said. The script `forms.js` brings it beside the field."""

    place: gr.HTML
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Components by the names that errors give."""

    def fault(self, exc: Exception, handler: Callable[..., Any], t: Texts | None, *, at: int = 0) -> dict[Any, Any]:
        """The update that says it. A StudioError in its own words; anything else is logged with its traceback and said
        in one calm sentence. Without `t` the language is that of the page. `at` tells the same fault at another time
        apart."""
        words = t or Texts(language_of_event())
        if isinstance(exc, StudioError):
            about = getattr(self.fields.get(exc.field), "elem_id", None) or ""
            return {self.place: fault_view(words, words.told(exc.message), about, at=at)}
        log.error("the handler %s.%s failed", handler.__module__, handler.__qualname__, exc_info=exc)
        return {self.place: fault_view(words, words("error.unexpected", kind=type(exc).__name__), at=at)}


def form(fields: Mapping[str, Any]) -> Form:
    """Call it at the form's foot, above its buttons."""
    return Form(html(elem_classes="fault-place"), fields)


def corner() -> Form:
    """For what is no form: a button, a reading."""
    return Form(html(elem_classes=["fault-place", "fault-corner"]))


def fault_view(t: Texts, sentence: str, elem_id: str = "", *, at: int = 0) -> str:
    """One sentence, with the field that it is about."""
    return str(render("parts/fault", t=t, sentence=sentence, field=elem_id, at=at))


def answering(
    handler: Callable[..., Any], outputs: Any, form: Form, t: Texts | None = None, *, clears: bool = True
) -> tuple[Callable[..., Any], list[Any]]:
    """A handler (or generator) that raises nothing, and the outputs it answers for: its own, and the form's place. When
    it fails, nothing but that place changes; when it works, that place is empty, or with `clears` off as it was."""
    own = _listed(outputs)
    works: dict[Any, Any] = {form.place: "" if clears else gr.skip()}
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*values: Any, **named: Any) -> Iterator[dict[Any, Any]]:
            try:
                for number, shown in enumerate(handler(*values, **named)):
                    yield gradio_adapter.by_component(shown, own) | ({form.place: gr.skip()} if number else works)
            except Exception as exc:
                yield form.fault(exc, handler, t, at=time.monotonic_ns())

        return stream, [*own, form.place]

    @functools.wraps(handler)
    def call(*values: Any, **named: Any) -> dict[Any, Any]:
        try:
            return gradio_adapter.by_component(handler(*values, **named), own) | works
        except Exception as exc:
            return form.fault(exc, handler, t, at=time.monotonic_ns())

    return call, [*own, form.place]


def arriving(handler: Callable[..., Any], outputs: Any, waiting: Sequence[Any]) -> tuple[Callable[..., Any], list[Any]]:
    """A handler that also empties what is `waiting` for it, and the outputs it answers for."""
    own = _listed(outputs)

    @functools.wraps(handler)
    def call(*values: Any, **named: Any) -> dict[Any, Any]:
        return gradio_adapter.by_component(handler(*values, **named), own) | dict.fromkeys(waiting, "")

    return call, [*own, *waiting]


def _listed(outputs: Any) -> list[Any]:
    if outputs is None:
        return []
    return list(outputs) if isinstance(outputs, Sequence | set) else [outputs]
