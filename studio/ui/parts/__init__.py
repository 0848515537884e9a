"""Pieces that two or more pages share: `from studio.ui import parts`, then `parts.table(...)`.

Each module opens with examples.
"""

from studio.ui.parts import figures, markdown
from studio.ui.parts.blocks import Live, UndoBar, confirm_button, header, html, live, undo_bar
from studio.ui.parts.handlers import person_of, project_of, query_value, run_safely, say
from studio.ui.parts.icons import icon
from studio.ui.parts.pieces import (
    Cell,
    Column,
    Stat,
    Tab,
    badge,
    card,
    copy,
    empty_state,
    facts,
    grid,
    keys,
    link,
    note,
    progress_bar,
    state_badge,
    stats,
    table,
    tabs,
)

__all__ = [
    "Cell",
    "Column",
    "Live",
    "Stat",
    "Tab",
    "UndoBar",
    "badge",
    "card",
    "confirm_button",
    "copy",
    "empty_state",
    "facts",
    "figures",
    "grid",
    "header",
    "html",
    "icon",
    "keys",
    "link",
    "live",
    "markdown",
    "note",
    "person_of",
    "progress_bar",
    "project_of",
    "query_value",
    "run_safely",
    "say",
    "state_badge",
    "stats",
    "table",
    "tabs",
    "undo_bar",
]
