"""`understudy projects`: the projects of a workspace, and what all that asks a teacher in one of them may cost."""

from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, open_existing_of, open_studio_of, show
from studio.engine.errors import BadInput
from studio.engine.teachers.runs import ProjectMoney

app = typer.Typer(no_args_is_help=True)

LIFTED = "none"


@app.command("list")
def list_(context: typer.Context, json_: JsonOption = False) -> None:
    """Name the projects of the workspace, the oldest first."""
    studio = open_existing_of(context, or_oldest=True)
    rows = [{"name": project.name, "budget_usd": project.budget_usd} for project in studio.projects.list()]
    show(context, {"projects": rows}, json_, text="\n".join(str(row["name"]) for row in rows))


@app.command()
def budget(
    context: typer.Context,
    amount: Annotated[
        str | None,
        typer.Argument(help="US dollars that all runs together may cost; 'none' lifts it; leave out to see."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Show or set what the project may spend on teachers: collections, inventions, try-outs, chats and studies."""
    wanted = None if amount is None or amount == LIFTED else _dollars(amount)
    studio = open_studio_of(context)
    if amount is not None:
        studio.spending.set_budget(wanted)
    spent = studio.spending.spent()
    money = spent.money
    report: dict[str, Any] = {
        "project": studio.project.name, "budget_usd": money.budget_usd, "spent_usd": money.spent_usd,
        "under_way_usd": money.under_way_usd, "left_usd": money.left_usd, "by_kind": spent.by_kind,
    }  # fmt: skip
    show(context, report, json_, text=_told(money))


def _dollars(given: str) -> float:
    try:
        return float(given)
    except ValueError as exc:
        raise BadInput(f"'{given}' is no amount. Write US dollars such as 25 or 0.5, or '{LIFTED}'.") from exc


def _told(money: ProjectMoney) -> str:
    spent = f"${money.spent_usd:,.4f} is spent"
    if money.unheard_usd:
        spent += f", ${money.unheard_usd:,.4f} is perhaps spent by runs that broke off"
    if money.under_way_usd:
        spent += f", ${money.under_way_usd:,.4f} is reckoned for what is under way"
    if money.budget_usd is None:
        return f"{spent}. The project has no budget; set one with: understudy projects budget AMOUNT"
    return f"{spent} of a budget of ${money.budget_usd:,.2f}; ${money.left_usd or 0.0:,.4f} is left."
