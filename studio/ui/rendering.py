"""HTML from the templates in `templates/`, one small file for each view; every value is escaped unless it is Markup.

    render("home/steps", t=t, steps=steps)          # templates/home/steps.html -> Markup

A template has what its view passes, and: `parts`, `figures`, `links`, `icon("check")`, `keys("Ctrl", "Enter")`, the
enums `State` and `JobState`, the filters `number`, `money`, `share`, `size`, and, where `t` is passed, `ago` and
`duration`. A name that nobody passed raises. Line breaks and indentation are for the reader of a template: `>` and `}`
join what follows on the next line without a space, as does a `<` or `{` that opens it; other lines join with one. A
space that is meant beside a tag at a line's end is written `{{ " " }}`; one before an optional attribute stands inside
its `{% if %}`.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
_LINE_BREAK = re.compile(r"(\S)[ \t]*\n\s*(?=(\S))")


def render(name: str, /, **values: Any) -> Markup:
    """The template `templates/NAME.html` with these values. Raises jinja2's UndefinedError for one left out."""
    return Markup(environment().get_template(f"{name}.html").render(values))


@cache
def environment() -> Environment:
    """The one environment; a template is compiled at its first use and kept."""
    from studio.engine.domain import states
    from studio.ui import links, parts  # The parts are drawn with templates, and templates use the parts.

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        cache_size=-1,
        extensions=[JoinedLines],
    )
    figures = parts.figures
    made.globals.update(State=states.State, JobState=states.JobState)
    made.globals.update(parts=parts, figures=figures, links=links, icon=parts.icon, keys=parts.keys)
    made.filters.update(number=figures.number, money=figures.money, share=figures.share, size=figures.size)
    made.filters.update(ago=_ago, duration=_duration)
    return made


class JoinedLines(Extension):
    """Takes a template's line breaks out, so that its layout adds no space between elements."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return _LINE_BREAK.sub(_join, source.strip())


def _join(found: re.Match[str]) -> str:
    before, after = found.groups()
    return before + ("" if before in ">}" or after in "<{" else " ")


@pass_context
def _ago(context: Context, moment: float | None) -> Markup:
    from studio.ui.parts.figures import ago

    return ago(context["t"], moment)


@pass_context
def _duration(context: Context, seconds: float | None) -> str:
    from studio.ui.parts.figures import duration

    return duration(context["t"], seconds)
