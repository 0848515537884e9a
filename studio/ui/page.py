"""What every page begins with and wires alike: `build(page, studio)` is given a Page, the language already chosen.

def build(page: Page, studio: "Studio") -> None:
    t = page.t
    page.header()                                           # h1 and subtitle, from the page's words
    shown = parts.html(elem_id="jobs-list")
    again = page.live(read, outputs=[shown])                # reads at opening, polls while busy, skips the unchanged
    page.load(fill, outputs=[field])                        # reads once, at opening
    again(page.on(stop.click, ask_to_stop).then)            # a handler: private, a StudioError is said in the corner
    page.on(save.click, write, [name], goto, form=form)     # ... beside the field that it is about

def read(request: gr.Request) -> parts.Live:
    here = page.project(request)                            # the Studio of the project in the address
    chosen = page.asked(request, "job")                     # one value of the address
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.ui import parts
from studio.ui.asked_things import missing_view
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

Event = Callable[..., Any]
"""`button.click`, `field.change`, `page.blocks.load` or the `then` of what one of them returned."""
PRESSED = ("click", "submit", "upload")
"""What a person does that they wait for."""


@dataclass(frozen=True)
class Page:
    """One page, or a panel of it, in one language while it is built."""

    blocks: parts.Opening
    studio: "Studio"
    t: Texts
    corner: parts.Form = field(default_factory=parts.corner)
    """Where is said what is wrong when no form is asked."""
    _followed: list[tuple[Event, parts.Form]] = field(default_factory=list)
    """What comes after each event that is wired, with the place where that event says what is wrong."""

    _answered: dict[Any, parts.Newest] = field(default_factory=dict)
    """What each handler has answered last, by the handler and where it answers."""
    _waiting: list[gr.HTML] = field(default_factory=list)
    """What says that the page is being read, until its first reading has come."""

    def header(self) -> None:
        """The name of the page, what of its address is not there, and that it is being read."""
        parts.header(self.t, self.t("title"), self.t("subtitle"))
        missing = parts.html(elem_id=f"{self.t.page}-missing", elem_classes="page-missing")
        self._waiting.append(parts.waiting(self.t))
        self.on(self.blocks.load, self.missing, None, [missing], clears=False, show_progress="hidden")

    def missing(self, request: gr.Request) -> Markup:
        return missing_view(self.t, self.studio, request)

    def project(self, request: gr.Request | None) -> "Studio":
        """The studio of the project in the page's address. Raises NotFound for a name that no project has."""
        return parts.project_of(request, self.studio)

    def asked(self, request: gr.Request | None, name: str, default: str = "") -> str:
        """One value of the page's address."""
        return parts.query_value(request, name, default)

    def on(
        self,
        event: Event,
        handler: Callable[..., Any],
        inputs: Any = None,
        outputs: Any = None,
        *,
        form: parts.Form | None = None,
        clears: bool = True,
        **how: Any,
    ) -> Any:
        """Wires a handler that no outside program is told of. A StudioError becomes its sentence: in the form, beside
        the field that it is about, else in the corner of the page. Nothing else changes then. What comes after an
        event leaves there what that event said, and so does, without `clears`, what happens by itself.

        What is pressed again while it is under way is not done twice. Anything else that happens meanwhile is answered
        afterwards, and of its answers the one to the latest event stays."""
        how.setdefault("api_visibility", "private")
        is_pressed = getattr(event, "event_name", "") in PRESSED
        if not is_pressed:
            how.setdefault("trigger_mode", parts.AFTER_ALL)
        place = form or self.corner
        is_after = any(event is one and place is before for one, before in self._followed)
        call, targets = parts.answering(handler, outputs, place, self.t, clears=clears and not is_after)
        if not is_pressed and not inspect.isgeneratorfunction(call):
            call = self._newest_of(handler, targets).only(call, {place.place: gr.skip()})
        how |= _signs(event, how, targets[:-1], place)
        done = event(call, inputs, targets, **how)
        self._followed.extend((one, place) for one in (done.then, done.success, done.failure))
        return done

    def _newest_of(self, handler: Callable[..., Any], targets: Sequence[Any]) -> parts.Newest:
        """One for all events that the same handler answers in the same places."""
        key = (handler, *(one._id for one in targets))
        return self._answered.setdefault(key, parts.Newest())

    def load(self, handler: Callable[..., Any], inputs: Any = None, outputs: Any = None, **how: Any) -> Any:
        """Runs a handler when the page opens, without covering what is there."""
        how.setdefault("show_progress", "hidden")
        call, targets = parts.arriving(handler, outputs, self._waiting)
        return self.on(self.blocks.load, call, inputs, targets, clears=False, **how)

    def live(
        self,
        read: Callable[..., parts.Live],
        *,
        outputs: Sequence[Any],
        inputs: Sequence[Any] = (),
        seconds: float = 2.0,
    ) -> Callable[[Any], Any]:
        """`parts.live` on this page: returns `again`, to read after an event."""
        return parts.live(
            self.blocks, read, form=self.corner, outputs=outputs, inputs=inputs, seconds=seconds,
            waiting=self._waiting,
        )  # fmt: skip


def _signs(event: Event, how: Mapping[str, Any], own: Sequence[Any], place: parts.Form) -> dict[str, Any]:
    """Where it is seen that an event is under way: what a person pressed always shows it in the form's place, as
    `.pending`; anything else on its own outputs alone, since the place of errors would be covered as well."""
    shown = how.get("show_progress_on", own)
    listed = list(shown) if isinstance(shown, Sequence) else [shown]
    if getattr(event, "event_name", "") in PRESSED:
        listed = [] if how.get("show_progress") == "hidden" else listed
        return {"show_progress": "minimal", "show_progress_on": [*listed, place.place]}
    return {"show_progress_on": listed} if listed else {"show_progress": "hidden"}
