"""Settings: language, look, where things are kept and how much room they take, keys, and what a bug report needs."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import gradio as gr
from markupsafe import Markup

from studio.engine.store.storage import Space, space
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import LANGUAGES, Texts

if TYPE_CHECKING:
    from studio.engine.settings import Settings
    from studio.engine.studio import Studio

LOOKS = ("system", "light", "dark")
LIBRARIES = ("understudy", "gradio", "openai", "torch", "transformers", "trl", "peft", "llama-cpp-python")


def build(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """Layout, then wiring: everything is drawn when the page opens."""
    parts.header(t, t("title"), t("subtitle"))
    body = parts.html(elem_id="settings-body")
    with gr.Row(elem_classes="toolbar"):
        check = gr.Button(t("check"), elem_id="settings-check", scale=0, min_width=220)
    checked = parts.html(elem_id="settings-checked")

    def read(request: gr.Request) -> parts.Live:
        here = parts.project_of(request, studio)
        return parts.Live([body_view(t, here.settings, space(here.settings), here)], busy=False)

    def examine() -> Markup:
        from studio.engine.doctor import examine as checks

        return checks_view(t, [(one.name, one.ok, one.detail) for one in checks(studio.settings)])

    parts.live(page, read, outputs=[body])
    check.click(parts.run_safely(examine, t), None, checked, api_visibility="private")


def body_view(t: Texts, settings: "Settings", used: Space, here: "Studio | str") -> Markup:
    """All cards. The choice of look is kept by the browser, the language by a cookie; both hold at once."""
    left = [_language(t, here), _look(t), _keys(t)]
    right = [_storage(t, settings, used), _about(t), _diagnostics(t, settings, used)]
    return Markup('<div class="grid">{}{}</div>').format(
        *(Markup('<div class="stack">{}</div>').format(Markup().join(cards)) for cards in (left, right))
    )


def checks_view(t: Texts, checks: list[tuple[str, bool | None, str]]) -> Markup:
    """What `understudy doctor` finds: name, whether it is there (None: good to have), detail."""
    kinds = {True: ("good", t("check.ok")), False: ("bad", t("check.missing")), None: ("warn", t("check.optional"))}
    rows = [[name, parts.badge(*kinds[ok]), detail] for name, ok, detail in checks]
    return parts.table([t("name"), t("state"), parts.Column(t("check.detail"))], rows, caption=t("check"))


def diagnostics(settings: "Settings", used: Space) -> str:
    """Plain text for a bug report: versions and sizes, no key, no address, no text, no user's name."""
    lines = [f"{name} {_version(name)}" for name in LIBRARIES]
    lines += [
        f"python {platform.python_version()}",
        f"system {platform.system()} {platform.release()} {platform.machine()}",
    ]
    lines += ["database " + settings.url.split(":", 1)[0]]
    lines += [f"{name} {figures.size(size)}" for name, size in used.items.items()]
    return "\n".join([*lines, f"free {figures.size(used.free)}"])


def _language(t: Texts, here: "Studio | str") -> Markup:
    choices = [
        parts.Tab(name, links.to("settings", here, lang=code), current=code == t.language)
        for code, name in LANGUAGES.items()
    ]
    return parts.card(t("language"), parts.tabs(choices))


def _look(t: Texts) -> Markup:
    buttons = Markup().join(
        Markup('<button type="button" class="btn" data-set-look="{}">{}</button>').format(look, t(f"look.{look}"))
        for look in LOOKS
    )
    return parts.card(t("look"), Markup('<div class="choices">{}</div>').format(buttons))


def _keys(t: Texts) -> Markup:
    lines = [
        ("?", "help.keys"),
        ("/", "help.search"),
        ("g", "help.go"),
        ("Ctrl Enter", "help.primary"),
        ("Esc", "help.close"),
    ]
    rows = Markup().join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(parts.keys(*names.split()), t(key)) for names, key in lines
    )
    return parts.card(t("help.title"), Markup('<dl class="facts keys">{}</dl>').format(rows))


def _storage(t: Texts, settings: "Settings", used: Space) -> Markup:
    rows = [(t(f"storage.{name}"), figures.size(size)) for name, size in used.items.items()]
    rows += [(t("storage.total"), figures.size(used.total)), (t("storage.free"), figures.size(used.free))]
    place = Markup("<p>{}</p>").format(parts.copy(t, str(settings.workspace)))
    return parts.card(t("storage"), place + parts.facts(rows))


def _about(t: Texts) -> Markup:
    rows = [(t("about.version"), _version("understudy")), (t("about.licence"), "Apache-2.0")]
    return parts.card(t("about"), Markup("<p>{}</p>").format(t("about.text")) + parts.facts(rows))


def _diagnostics(t: Texts, settings: "Settings", used: Space) -> Markup:
    text = diagnostics(settings, used)
    button = Markup('<button type="button" class="btn" data-copy="{}">{}{}</button>').format(
        text, parts.icon("copy"), t("copy")
    )
    shown = Markup("<p>{}</p><details><summary>{}</summary>{}</details>").format(
        t("diagnostics.text"), t("diagnostics.show"), parts.markdown.plain(text)
    )
    return parts.card(t("diagnostics"), shown, actions=button)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return figures.UNKNOWN
