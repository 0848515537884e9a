"""`understudy delete`, `restore`, `rename`, `archive` and `understudy bin`: taking things away without losing them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, open_existing_of, progress_line, show
from studio.engine.bin import Away, Dependent, ThingKind
from studio.engine.studio import Studio

app = typer.Typer()

KINDS = ", ".join(ThingKind)
KindArgument = Annotated[str, typer.Argument(help=f"What it is: {KINDS}.", metavar="KIND")]
Name = Annotated[str, typer.Argument(help="Its name; of a dataset, NAME-vVERSION.", metavar="NAME")]


def delete(
    context: typer.Context,
    kind: KindArgument,
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only name what depends on it.")] = False,
    json_: JsonOption = False,
) -> None:
    """Put something into the bin. `restore` brings it back until the bin is emptied."""
    studio = _open(context, kind)
    found = studio.bin.look(kind, name) if dry_run else studio.bin.delete(kind, name)
    report = {
        "deleted": None if dry_run else found.name, "kind": found.kind, "would_delete": found.name if dry_run else None,
        "depends": [one.as_dict() for one in found.depends],
    }  # fmt: skip
    done = "would go into the bin." if dry_run else "is in the bin."
    back = "" if dry_run else f" Bring it back with: understudy restore {found.kind} '{found.name}'"
    show(context, report, json_, text=f"'{found.name}' {done}{_depending(found.depends)}{back}")


def restore(
    context: typer.Context,
    kind: KindArgument,
    name: Name,
    as_name: Annotated[str | None, typer.Option("--name", help="Another name, where its own is taken now.")] = None,
    json_: JsonOption = False,
) -> None:
    """Bring something back from the bin, or from where it was put away."""
    back = _open(context, kind).bin.restore(kind, name, as_name)
    by = f" {back.by} had deleted it." if back.by else ""
    report = {"restored": back.name, "kind": back.kind, "by": back.by or None, "deleted_at": back.at}
    show(context, report, json_, text=f"'{back.name}' is back.{by}")


def rename(
    context: typer.Context,
    kind: KindArgument,
    name: Annotated[str, typer.Argument(help="Its name; of a dataset, the name of all versions.", metavar="NAME")],
    to: Annotated[str, typer.Argument(help="Its new name.", metavar="NEW_NAME")],
    json_: JsonOption = False,
) -> None:
    """Give something another name; what was made from it is told."""
    renamed = _open(context, kind).bin.rename(kind, name, to)
    show(context, {"renamed": renamed, "kind": kind, "before": name}, json_, text=f"'{name}' is '{renamed}' now.")


def archive(context: typer.Context, kind: KindArgument, name: Name, json_: JsonOption = False) -> None:
    """Put something away: lists leave it out, its name still finds it. `restore` brings it back to the lists."""
    archived = _open(context, kind).bin.archive(kind, name).name
    text = f"'{archived}' is put away. Bring it back with: understudy restore {kind} '{archived}'"
    show(context, {"archived": archived, "kind": kind}, json_, text=text)


@app.callback(invoke_without_command=True)
def bin_(context: typer.Context, json_: JsonOption = False) -> None:
    """What was deleted and can be restored, until the bin is emptied."""
    if context.invoked_subcommand is None:
        list_(context, False, json_)


@app.command("list")
def list_(
    context: typer.Context,
    archived: Annotated[bool, typer.Option("--archived", help="What is put away instead.")] = False,
    json_: JsonOption = False,
) -> None:
    """Show what is in the bin, the newest first."""
    bin = open_existing_of(context, or_oldest=True).bin
    found = bin.archived() if archived else bin.list()
    empty = "Nothing is put away." if archived else "The bin is empty."
    show(context, {"items": [_row(one) for one in found]}, json_, text="\n".join(map(_line, found)) or empty)


@app.command()
def keep(
    context: typer.Context,
    days: Annotated[int | None, typer.Argument(help="Days; 0 is until the bin is emptied; leave out to see.")] = None,
    json_: JsonOption = False,
) -> None:
    """Show or set for how many days things stay in the bin before the app deletes them for good."""
    bin = open_existing_of(context, or_oldest=True).bin
    if days is not None:
        bin.keep_for(days)
    kept = bin.days_kept()
    text = f"Things stay in the bin for {kept:,} days." if kept else "Things stay in the bin until it is emptied."
    show(context, {"days": kept}, json_, text=text)


@app.command()
def empty(
    context: typer.Context,
    compact: Annotated[
        bool, typer.Option("--compact", help="Write the database's file anew; everybody waits meanwhile.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Delete for good what is in the bin. What other things still need of it stays: costs, and lineages of students."""
    line = progress_line(patient=True)
    try:
        report: dict[str, Any] = open_existing_of(context).bin.empty_here(compact=compact, on_progress=line)
    finally:
        line.close()
    text = f"{report['emptied']} deleted for good; {report['bytes']:,} bytes are free again."
    if report["reusable"]:
        text += f" {report['reusable']:,} more are free inside the database's file; --compact gives them to the disk."
    show(context, report, json_, text=text)


def _open(context: typer.Context, kind: str) -> Studio:
    """Projects are things of the workspace, so they are reached from any of them."""
    return open_existing_of(context, or_oldest=ThingKind.of(kind) is ThingKind.PROJECT)


def _depending(depends: Any) -> str:
    found: list[Dependent] = list(depends)
    return f" On it depend: {'; '.join(map(str, found))}." if found else ""


def _row(one: Away) -> dict[str, Any]:
    return asdict(one) | {
        "depends": [depending.as_dict() for depending in one.depends],
        "needed": [needing.as_dict() for needing in one.needed],
    }


def _line(one: Away) -> str:
    leaving = "  being deleted for good" if one.is_leaving else ""
    by = f"  by {one.by}" if one.by else ""
    goes = f"  goes on {datetime.fromtimestamp(one.goes_at):%Y-%m-%d}" if one.goes_at and not one.is_leaving else ""
    needed = f"  stays: needed by {'; '.join(map(str, one.needed))}" if one.needed else ""
    return f"{one.kind:<15} {one.name}{by}{leaving}{goes}{needed}"
