"""The frame as HTML: side bar, phone bar, help, and the words its script needs. The server writes it into each page,
so that links, language and the current page are right before any script runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from studio.ui.links import OWN, to
from studio.ui.parts.icons import icon
from studio.ui.parts.pieces import keys
from studio.ui.text import LANGUAGES, Texts

STYLES = ("css/colours.css", "css/shell.css", "css/parts.css")
GROUPS = ("", "data", "model", "judge", "system")


@dataclass(frozen=True)
class Page:
    """One page of the app: its name is its address, its file in `pages/`, its words and its icon."""

    name: str
    group: str = ""
    plain: bool = False
    """Served by a route of its own instead of Gradio."""

    @property
    def path(self) -> str:
        return "/" if self.name == "home" else f"/{self.name}"


@dataclass(frozen=True)
class View:
    """What one request sees of the frame."""

    page: str
    project: str
    projects: Sequence[str]
    running: int
    version: str
    """Changes whenever a shipped file does, so that browsers may keep them for ever."""
    files: Sequence[str] = field(default_factory=list)
    """Further css and scripts of this page, relative to the assets folder."""


def head(t: Texts, view: View, nonce: str) -> str:
    """Before `</head>`: icon, styles, scripts."""
    styles = [*STYLES, *(name for name in view.files if name.endswith(".css"))]
    scripts = ["js/shell.js", *(name for name in view.files if name.endswith(".js"))]
    parts = [Markup('<link rel="icon" type="image/svg+xml" href="{}">').format(_own("icons/understudy.svg", view))]
    parts += [
        Markup('<link rel="preload" as="font" type="font/woff2" crossorigin href="{}">').format(f"{OWN}/fonts/{name}")
        for name in ("plex-sans-400.woff2", "plex-sans-600.woff2", "plex-sans-700.woff2")
    ]
    parts += [Markup('<link rel="stylesheet" href="{}">').format(_own(name, view)) for name in styles]
    parts.append(Markup('<script nonce="{}" src="{}"></script>').format(nonce, _own("js/early.js", view)))
    parts += [Markup('<script defer nonce="{}" src="{}"></script>').format(nonce, _own(name, view)) for name in scripts]
    return str(Markup().join(parts))


def before(t: Texts, view: View, pages: Sequence[Page]) -> str:
    """Before the app: everything that stays the same around a page."""
    return str(
        Markup().join(
            [
                Markup('<a class="us-skip" href="#us-main">{}</a>').format(t("skip")),
                Markup('<input type="checkbox" id="us-menu" aria-label="{}">').format(t("menu")),
                _bar(t, view),
                Markup('<div class="us-shade"></div>'),
                _side(t, view, pages),
                _help(t),
                _new_project(t),
                _words(t, view),
                Markup('<div class="us-toasts" id="us-toasts" role="status" aria-live="polite"></div>'),
                Markup('<div class="us-lost" id="us-lost" role="alert" hidden>{}</div>').format(t("error.lost")),
                Markup('<div id="us-main" tabindex="-1"></div>'),
            ]
        )
    )


def title(t: Texts, view: View) -> str:
    return str(Markup("{} · Understudy").format(t(f"page.{view.page}")))


def _own(name: str, view: View) -> str:
    return f"{OWN}/{name}?v={view.version}"


def _bar(t: Texts, view: View) -> Markup:
    return Markup(
        '<div class="us-bar"><label for="us-menu" aria-hidden="true">{}</label><b>Understudy</b>'
        '<a class="us-jobs" href="{}">{}</a></div>'
    ).format(icon("menu"), to("jobs", view.project), _count(t, view))


def _side(t: Texts, view: View, pages: Sequence[Page]) -> Markup:
    other = next(code for code in LANGUAGES if code != t.language)
    path = "/" if view.page == "home" else f"/{view.page}"
    return Markup(
        '<aside class="us-side"><a class="us-brand" href="{}"><img src="{}" alt=""><span><b>Understudy</b>'
        '<small>{}</small></span></a>{}<nav class="us-nav" aria-label="{}">{}</nav><div class="us-foot">'
        '<a href="{}?project={}&amp;lang={}" hreflang="{}" lang="{}" title="{}" data-language>{}</a>'
        '<button type="button" class="us-square" data-look-button aria-label="{}">{}</button></div></aside>'
    ).format(
        to("home", view.project), _own("icons/understudy.svg", view), t("studio"), _projects(t, view), t("menu"),
        Markup().join(_group(t, view, group, pages) for group in GROUPS),
        path, view.project, other, other, other, t("language.switch"), t("language.other"), t("look"), icon("look"),
    )  # fmt: skip


def _projects(t: Texts, view: View) -> Markup:
    options = Markup().join(
        Markup('<option value="{0}"{1}>{0}</option>').format(name, Markup(" selected") if name == view.project else "")
        for name in view.projects
    )
    return Markup(
        '<div class="us-project"><label for="us-project">{}</label><select id="us-project" autocomplete="off">{}'
        '<option value="">{}</option></select></div>'
    ).format(t("project"), options, t("project.new"))


def _group(t: Texts, view: View, group: str, pages: Sequence[Page]) -> Markup:
    items = Markup().join(_item(t, view, page) for page in pages if page.group == group)
    name = Markup("<h2>{}</h2>").format(t(f"group.{group}")) if group else ""
    return Markup("{}<ul>{}</ul>").format(name, items)


def _item(t: Texts, view: View, page: Page) -> Markup:
    current = Markup(' aria-current="page"') if page.name == view.page else ""
    count = _count(t, view) if page.name == "jobs" else ""
    return Markup('<li><a href="{}" data-page="{}"{}>{}<span>{}</span>{}</a></li>').format(
        to(page.name, view.project), page.name, current, icon(page.name), t(f"page.{page.name}"), count
    )


def _count(t: Texts, view: View) -> Markup:
    return Markup('<span class="us-count" title="{}"{}>{}<b>{}</b></span>').format(
        t("jobs.running", n=view.running), "" if view.running else Markup(" hidden"), icon("spinner"), view.running
    )


def _help(t: Texts) -> Markup:
    lines = [
        (keys("?"), t("help.keys")), (keys("/"), t("help.search")), (keys("g"), t("help.go")),
        (keys("Ctrl", "Enter"), t("help.primary")), (keys("Esc"), t("help.close")),
    ]  # fmt: skip
    body = Markup().join(Markup("<dt>{}</dt><dd>{}</dd>").format(key, text) for key, text in lines)
    return Markup(
        '<dialog class="us-dialog" id="us-help"><h2>{}</h2><dl>{}</dl><div class="row">'
        '<button type="button" class="btn" data-close autofocus>{}</button></div></dialog>'
    ).format(t("help.title"), body, t("close"))


def _new_project(t: Texts) -> Markup:
    return Markup(
        '<dialog class="us-dialog" id="us-new-project"><form method="dialog"><h2>{}</h2><p>{}</p>'
        '<label class="sr-only" for="us-name">{}</label><input id="us-name" name="name" maxlength="80" required '
        'autocomplete="off" placeholder="{}"><p role="alert"></p><div class="row">'
        '<button class="btn" value="cancel" formnovalidate>{}</button>'
        '<button class="btn primary" value="create">{}</button></div></form></dialog>'
    ).format(
        t("project.create"), t("project.create.hint"), t("project.name"), t("project.name"), t("cancel"), t("create")
    )


def _words(t: Texts, view: View) -> Markup:
    return Markup(
        '<div id="us-words" hidden data-lang="{}" data-title="{}" data-project="{}" data-copied="{}" data-cancel="{}" '
        'data-look="{}" data-look-system="{}" data-look-light="{}" data-look-dark="{}"></div>'
    ).format(
        lang_tag(t.language), f"{t(f'page.{view.page}')} · Understudy", view.project, t("copied"), t("cancel"),
        t("look"), t("look.system"), t("look.light"), t("look.dark"),
    )  # fmt: skip


def lang_tag(language: str) -> str:
    """What `<html lang>` says."""
    return "zh-CN" if language == "zh" else language
