"""`understudy people`: who works here. Each colleague can have a link of their own to the app on this machine."""

from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, open_studio_of, show
from studio.engine.domain.permissions import PersonKind
from studio.engine.store import address_of
from studio.engine.store.tables import Person

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the person.", metavar="NAME")]


@app.command("list")
def list_people(context: typer.Context, json_: JsonOption = False) -> None:
    """Show the owner and everyone who was added."""
    people = open_studio_of(context).people.list()
    lines = [f"{person.name:<24}  {person.kind}{'  has a link' if person.key else ''}" for person in people]
    show(context, {"people": [_row(person) for person in people]}, json_, text="\n".join(lines))


@app.command()
def add(
    context: typer.Context,
    name: Name,
    service: Annotated[bool, typer.Option("--service", help="A program, not a human being.")] = False,
    json_: JsonOption = False,
) -> None:
    """Add somebody, to be named by --by or to be given a link."""
    person = open_studio_of(context).people.add(name, PersonKind.SERVICE if service else PersonKind.LOCAL)
    text = f"{person.name} was added. `understudy people link '{person.name}'` opens a link for them."
    show(context, {"person": _row(person)}, json_, text=text)


@app.command()
def link(
    context: typer.Context,
    name: Name,
    port: Annotated[
        int | None, typer.Option(help="Of the app; that of the open one if left out.", min=1, max=65535)
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Open a link by which one browser of this machine, once, becomes that person's. The one before ends."""
    studio = open_studio_of(context)
    secret = studio.people.open_link(name)
    address = f"{address_of(studio.settings, port)}/?token={secret}"
    show(context, {"person": name, "link": address}, json_, text=address)


@app.command()
def close(context: typer.Context, name: Name, json_: JsonOption = False) -> None:
    """Take somebody's link back and their name off the list. What they did stays theirs."""
    open_studio_of(context).people.close(name)
    show(context, {"closed": name}, json_, text=f"The link of {name} is closed. What they did stays theirs.")


def _row(person: Person) -> dict[str, Any]:
    return {"name": person.name, "kind": person.kind, "has_link": person.key is not None, "since": person.created_at}
