"""Settings: language, look, where things are kept and how much room they take, keys, and what a bug report needs."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import gradio as gr
from markupsafe import Markup

from studio.engine.bin import ThingKind
from studio.engine.domain.bounds import DOLLARS
from studio.engine.store import Space, space
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages import settings_backup, settings_bin, settings_people, settings_restore
from studio.ui.parts import figures
from studio.ui.parts.numbers import number_field, number_in, typed
from studio.ui.parts.thing_actions import thing_actions
from studio.ui.rendering import render
from studio.ui.text import LANGUAGES, Texts

if TYPE_CHECKING:
    from studio.engine.settings import Settings
    from studio.engine.studio import Studio
    from studio.engine.teachers import Spent

LOOKS = ("system", "light", "dark")
SHORTCUTS = (
    (("?",), "help.keys"),
    (("/",), "help.search"),
    (("g",), "help.go"),
    (("Ctrl", "Enter"), "help.primary"),
    (("Esc",), "help.close"),
)
"""Keys, and the words that say what they do."""
LIBRARIES = ("understudy", "gradio", "openai", "torch", "transformers", "trl", "peft", "llama-cpp-python")


def build(page: Page, studio: "Studio") -> None:
    """Layout, then wiring: everything is drawn when the page opens."""
    t = page.t
    page.header()
    body = parts.html(elem_id="settings-body")
    money = parts.html(elem_id="settings-money")
    with gr.Row(elem_classes="toolbar"):
        budget = number_field(
            t, t("budget.field"), DOLLARS, info=t("budget.info"), elem_id="settings-budget", scale=0, min_width=260
        )
        keep = gr.Button(t("budget.keep"), elem_id="settings-budget-keep", scale=0, min_width=180, interactive=False)
    form = parts.form({"budget_usd": budget})
    settings_people.build(page)
    this_project = thing_actions(page, ThingKind.PROJECT, "settings-project", settings_bin.project_address)
    settings_bin.build(page)
    settings_restore.build(page, settings_backup.build(page))
    with gr.Row(elem_classes="toolbar"):
        check = gr.Button(t("check"), elem_id="settings-check", scale=0, min_width=220)
    checked = parts.html(elem_id="settings-checked")

    def read(request: gr.Request) -> parts.Live:
        here = page.project(request)
        drawn = body_view(t, here.settings, space(here.settings), here)
        values = [drawn, money_view(t, here.spending.spent()), *this_project.values(here.project.name)]
        return parts.Live(values, busy=False)

    def fill(request: gr.Request) -> tuple[str, gr.Button]:
        """The button waits for it: before, the field does not show what holds."""
        return typed(page.project(request).spending.money().budget_usd), gr.Button(interactive=True)

    def set_budget(request: gr.Request, amount: str) -> None:
        """An empty field lifts the limit."""
        dollars = number_in(amount, t("budget.field"), t, DOLLARS, "budget_usd")
        page.project(request).spending.set_budget(dollars)
        parts.say(t("budget.kept"))

    def examine() -> Markup:
        from studio.engine.doctor import examine as checks

        return checks_view(t, [(one.name, one.ok, one.detail) for one in checks(studio.settings)])

    again = page.live(read, outputs=[body, money, *this_project.outputs])
    page.load(fill, outputs=[budget, keep])
    again(page.on(keep.click, set_budget, [budget], form=form).success)
    page.on(check.click, examine, None, checked)


def body_view(t: Texts, settings: "Settings", used: Space, here: "Studio | str") -> Markup:
    """All cards. The choice of look is kept by the browser, the language by a cookie; both hold at once."""
    sizes = [(t(f"storage.{name}"), figures.size(size)) for name, size in used.items.items()]
    sizes += [(t("storage.total"), figures.size(used.total)), (t("storage.free"), figures.size(used.free))]
    return render(
        "settings/body",
        t=t,
        languages=[
            parts.Tab(name, links.to("settings", here, lang=code), current=code == t.language)
            for code, name in LANGUAGES.items()
        ],
        looks=LOOKS,
        shortcuts=SHORTCUTS,
        workspace=str(settings.workspace),
        sizes=sizes,
        versions=[(t("about.version"), _version("understudy")), (t("about.licence"), "Apache-2.0")],
        report=diagnostics(settings, used),
    )


def money_view(t: Texts, spent: "Spent") -> Markup:
    """What the project may spend, has spent on what, and has left."""
    money = spent.money
    limit = t("budget.none") if money.budget_usd is None else figures.money(money.budget_usd)
    facts = [(t("budget"), limit), (t("budget.spent"), figures.money(money.spent_usd))]
    facts += [(t(f"spent.{kind}"), figures.money(cost)) for kind, cost in spent.by_kind.items()]
    if money.unheard_usd:
        facts.append((t("budget.unheard"), figures.money(money.unheard_usd)))
    if money.under_way_usd:
        facts.append((t("budget.under.way"), figures.money(money.under_way_usd)))
    if money.left_usd is not None:
        facts.append((t("budget.left"), figures.money(money.left_usd)))
    note = parts.note("warn", t("budget.used.up"), t("budget.used.up.text")) if money.left_usd == 0 else Markup()
    return parts.card(t("budget.title"), note + parts.facts(facts))


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


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return figures.UNKNOWN
