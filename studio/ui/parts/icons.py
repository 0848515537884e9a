"""Small drawings in one weight, inline so that they take the colour of the words beside them.

icon("check")                 # decoration: hidden from screen readers, the word beside it is read
"""

from functools import cache

from markupsafe import Markup

from studio.ui.rendering import render

_PATHS = {
    "home": "M3 11.2 12 4l9 7.2M5.5 9.5V20h4.7v-5.6h3.6V20h4.7V9.5",
    "teachers": "M2.5 9 12 4.5 21.5 9 12 13.5 2.5 9Zm4 2.2v4.6c2.9 2.6 8.1 2.6 11 0v-4.6M21.5 9v5.5",
    "prompts": "M4 5h16v11.5H9.5L5.5 20v-3.5H4V5Z",
    "collect": "M12 3.5V15m-4.7-4.6L12 15l4.7-4.6M4 20h16",
    "traces": "M4 6.5h16M4 12h11M4 17.5h14",
    "datasets": "M4.5 6c0-3.3 15-3.3 15 0v12c0 3.3-15 3.3-15 0V6Zm0 0c0 3.3 15 3.3 15 0m-15 6c0 3.3 15 3.3 15 0",
    "train": "M3.5 16.5 9 11l4 3.8L20.5 7M15 7h5.5v5.5",
    "models": "m12 3 8 4.6v8.8L12 21l-8-4.6V7.6L12 3Zm-8 4.6 8 4.6 8-4.6M12 12.2V21",
    "compare": "M12 3v18M8.5 5.5H4v13h4.5m7-13H20v13h-4.5",
    "rate": "m12 3.8 2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8-4.2-4.1 5.8-.8L12 3.8Z",
    "jobs": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3 2",
    "settings": "M3.5 8H13m5.5 0h2M15.7 5.3v5.4M3.5 16h4m5 0h8M9.8 13.3v5.4",
    "check": "m5 12.5 4.5 4.5L19 7.5",
    "cross": "m6.5 6.5 11 11m0-11-11 11",
    "alert": "M12 4 2.8 19.5h18.4L12 4Zm0 6v4.5m0 2.3v.4",
    "dot": "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Z",
    "spinner": "M12 4a8 8 0 1 1-8 8",
    "copy": "M9 9h11v11H9V9Zm-4 6H4V4h11v1",
    "spark": "M12 3.5c.8 5 3.5 7.7 8.5 8.5-5 .8-7.7 3.5-8.5 8.5-.8-5-3.5-7.7-8.5-8.5 5-.8 7.7-3.5 8.5-8.5Z",
    "menu": "M4 6.5h16M4 12h16M4 17.5h16",
    "look": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Zm0 0v17m1.500-16v15m1.500-14v13m1.500-12v11m1.500-9.700v8",
    "arrow": "M4.5 12h15m-5.5-5.5 5.5 5.5-5.5 5.5",
    "down": "m6 9.5 6 6 6-6",
    "plus": "M12 5v14M5 12h14",
    "search": "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm4.8 11.3L20.5 20.5",
    "folder": "M3.5 6h6l2 2.5h9V19h-17V6Z",
    "language": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM3.8 12h16.4M12 3.5c-5 5-5 12 0 17 5-5 5-12 0-17Z",
}


@cache
def icon(name: str) -> Markup:
    """An inline SVG of 1.15 em. Raises KeyError for a name that is not drawn here."""
    return render("parts/icon", name=name, path=_PATHS[name])
