"""Pieces that two or more pages share: `from studio.ui import parts`, then `parts.table(...)`.

Each module opens with examples.
"""

from studio.ui.parts import figures, markdown
from studio.ui.parts.blocks import Opening, Panel, confirm_button, header, html, panel, waiting
from studio.ui.parts.forms import Form, answering, arriving, corner, form
from studio.ui.parts.handlers import person_of, project_of, query_value, say
from studio.ui.parts.icons import icon
from studio.ui.parts.long_work import LongWork, is_under_way, long_work, wait_words, waits_for
from studio.ui.parts.newest import Newest
from studio.ui.parts.pieces import (
    Cell,
    Column,
    Stat,
    Tab,
    badge,
    bar,
    card,
    copy,
    empty_state,
    facts,
    fold,
    grid,
    keys,
    link,
    muted,
    note,
    progress_bar,
    section,
    state_badge,
    stats,
    table,
    tabs,
)
from studio.ui.parts.reading import AFTER_ALL, Live, live

__all__ = [
    "AFTER_ALL",
    "Cell",
    "Column",
    "Form",
    "Live",
    "LongWork",
    "Newest",
    "Opening",
    "Panel",
    "Stat",
    "Tab",
    "answering",
    "arriving",
    "badge",
    "bar",
    "card",
    "confirm_button",
    "copy",
    "corner",
    "empty_state",
    "facts",
    "figures",
    "fold",
    "form",
    "grid",
    "header",
    "html",
    "icon",
    "is_under_way",
    "keys",
    "link",
    "live",
    "long_work",
    "markdown",
    "muted",
    "note",
    "panel",
    "person_of",
    "progress_bar",
    "project_of",
    "query_value",
    "say",
    "section",
    "state_badge",
    "stats",
    "table",
    "tabs",
    "wait_words",
    "waiting",
    "waits_for",
]
