"""What happens on the Train page: each method parses, asks the engine once, and returns what is shown."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
import yaml

from studio.engine.domain.states import ModelState, State
from studio.engine.errors import StudioError
from studio.ui import links, parts
from studio.ui.pages import train_form, train_views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio
    from studio.engine.training import TrainingOverview

LOG_LINES = 60
PREVIEWED = 2


class Handlers:
    """The handlers of one page. `fields` are the form's components by name."""

    def __init__(self, studio: "Studio", t: Texts, fields: dict[str, Any]) -> None:
        self.studio = studio
        self.t = t
        self.fields = fields

    @property
    def filled(self) -> list[Any]:
        """The fields that `choices` fills."""
        return [self.fields[name] for name in ("base", "first_dataset", "second_dataset", "first_rate")]

    # --- the form

    def choices(self, request: gr.Request) -> dict[Any, Any]:
        """What this project has to train from and on; `?base=` and `?dataset=` choose beforehand."""
        here = parts.project_of(request, self.studio)
        usable = [
            one
            for one in here.models.list()
            if one.kind != "gguf" and one.state in (ModelState.READY, ModelState.STOPPED)
        ]
        bases = [one.name for one in sorted(usable, key=lambda one: one.kind != "base")]
        found = here.datasets.list()
        datasets = [(f"{one.ref} · {one.train_rows:,}", one.ref) for one in found]
        base = parts.query_value(request, "base") or next(iter(bases), "")
        asked = parts.query_value(request, "dataset")
        meant = [one for one in found if asked in (one.ref, one.name)] or found
        first = meant[0].ref if meant else None
        values: list[Any] = [
            gr.Dropdown(choices=bases, value=base),
            gr.Dropdown(choices=datasets, value=first),
            gr.Dropdown(choices=datasets, value=None),
            f"{here.training.suggested_rate(base, 'full'):g}" if base else gr.skip(),
        ]
        return dict(zip(self.filled, values, strict=True))

    def rate(self, request: gr.Request, base: str, method: str) -> str:
        """A learning rate that suits the base and the method."""
        return f"{parts.project_of(request, self.studio).training.suggested_rate(base or '', method):g}"

    def draw(self, request: gr.Request, *values: Any) -> str:
        """The recipe with its estimate, or what is missing."""
        t, given = self.t, self._given(values)
        if absent := train_form.missing(given):
            return str(train_views.problem_card(t, t("needs"), ", ".join(t(name) for name in absent)))
        here = parts.project_of(request, self.studio)
        try:
            recipe = here.training.read_recipe(train_form.compose(given))
            return str(train_views.recipe_card(t, recipe, here.training.estimate(recipe), given["name"] or ""))
        except StudioError as exc:
            return str(train_views.problem_card(t, t("not.yet"), t.told(exc.message)))

    def show_mask(self, request: gr.Request, *values: Any) -> Iterator[str]:
        here, t = parts.project_of(request, self.studio), self.t
        recipe = here.training.read_recipe(train_form.compose(self._given(values)))
        yield str(parts.card(t("mask.title"), parts.progress_bar(0, None, detail=t("mask.wait"))))
        try:
            yield str(train_views.mask_card(t, here.training.preview(recipe, rows=PREVIEWED)))
        except StudioError as exc:
            yield str(parts.card(t("mask.title"), parts.note("warn", t("not.yet"), t.told(exc.message))))

    def begin(self, request: gr.Request, *values: Any) -> str:
        """Registers the student, queues its job, and returns the address where it is watched."""
        here, given = parts.project_of(request, self.studio), self._given(values)
        recipe = here.training.read_recipe(train_form.compose(given))
        model = here.training.create(recipe, (given["name"] or "").strip() or None)
        here.training.start(model.name)
        return links.to("train", here, model=model.name)

    # --- one training

    def read(self, request: gr.Request) -> parts.Live:
        """Everything but the form, in the order of the page's outputs."""
        here, name = parts.project_of(request, self.studio), parts.query_value(request, "model")
        rows = here.training.overviews()
        table = str(train_views.runs_table(self.t, rows, name, here))
        busy = any(one.state in train_views.UNDER_WAY for one in rows)
        if not name:
            blank = "" if here.datasets.list() else self._nothing_yet(here)
            return parts.Live([blank, gr.Column(visible=not blank), *_nothing_watched(), table], busy)
        try:
            watched = [
                "",
                gr.Column(visible=False),
                gr.Column(visible=True),
                *self._drawn(_watched(here, rows, name), here),
            ]
        except StudioError as exc:
            way = parts.link(self.t("new"), links.to("train", here))
            note = str(parts.note("warn", self.t("missing"), self.t.told(exc.message), action=way))
            watched = [note, gr.Column(visible=False), *_nothing_watched()]
        return parts.Live([*watched, table], busy)

    def stop(self, request: gr.Request) -> None:
        parts.project_of(request, self.studio).training.stop(parts.query_value(request, "model"))
        parts.say(self.t("stop.asked"))

    def resume(self, request: gr.Request) -> None:
        parts.project_of(request, self.studio).training.start(parts.query_value(request, "model"))
        parts.say(self.t("resume.asked"))

    def forget(self, request: gr.Request) -> str:
        here = parts.project_of(request, self.studio)
        here.training.forget(parts.query_value(request, "model"))
        return links.to("train", here)

    def _given(self, values: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self.fields, values, strict=True))

    def _nothing_yet(self, here: "Studio") -> str:
        t = self.t
        return str(parts.empty_state(t("empty"), t("empty.do"), links.to("datasets", here), icon="train"))

    def _drawn(self, seen: train_views.Watch, here: "Studio") -> list[Any]:
        """Head, three buttons, chart, stages, and settings with the log."""
        stopping = bool(seen.job and seen.job.stop_requested)
        ended = seen.state in (State.STOPPED, State.FAILED)
        untouched = all(not stage.steps for stage in seen.stages)
        return [
            str(train_views.watch_head(self.t, seen, here)),
            gr.Button(
                self.t("stopping" if stopping else "stop.save"),
                visible=seen.state in train_views.UNDER_WAY,
                interactive=not stopping,
            ),
            gr.Button(visible=ended),
            gr.Column(visible=ended and untouched),
            str(train_views.chart(self.t, seen)),
            str(train_views.stage_table(self.t, seen, here)),
            str(train_views.settings_card(self.t, seen)),
        ]


def _watched(here: "Studio", rows: Sequence["TrainingOverview"], name: str) -> train_views.Watch:
    """The training of that name, one of the newest or an older one. Raises NotFound."""
    one = next((row for row in rows if row.model.name == name), None) or here.training.overview(name)
    return train_views.Watch(
        model=one.model,
        state=one.state,
        job=one.job,
        stages=one.stages,
        points=here.training.points(one.stages),
        yaml=yaml.safe_dump(one.model.recipe or {}, sort_keys=False, allow_unicode=True),
        log=here.jobs.log(one.job.id or 0, LOG_LINES) if one.job else "",
    )


def _nothing_watched() -> list[Any]:
    hidden = [gr.Button(visible=False), gr.Button(visible=False), gr.Column(visible=False)]
    return [gr.Column(visible=False), "", *hidden, "", "", ""]
