"""`understudy models`: list, show, import, export, describe and talk to models."""

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.collect import read_parameters
from studio.cli.output import JsonOption, open_studio_of, progress_line, show
from studio.engine.domain.states import State
from studio.engine.store.tables import Model

app = typer.Typer(no_args_is_help=True, help="List, import, export and talk to models.")

NameArgument = Annotated[str, typer.Argument(help="A model of this project.")]


@app.command("list")
def list_(context: typer.Context, json_: JsonOption = False) -> None:
    """The models of the project."""
    studio = open_studio_of(context)
    states = studio.training.states()
    rows = [_row(model, states) for model in studio.models.list()]
    text = "\n".join(f"{row['name']}  {row['kind']}  {row['state']}  {row['parent'] or ''}".rstrip() for row in rows)
    show(context, {"models": rows}, json_, text=text or "There are no models yet.")


@app.command("show")
def show_(context: typer.Context, name: NameArgument, json_: JsonOption = False) -> None:
    """Where a model came from, its files, and what it may be used for."""
    studio = open_studio_of(context)
    report = studio.models.show(name)
    report["state"] = studio.training.states().get(name, report["state"])
    show(context, report, json_, text=_told(report))


@app.command("import")
def import_(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A Hugging Face folder, a .gguf file, or a hub id such as org/name.")],
    name: Annotated[str, typer.Option("--name", help="What to call it here.")],
    in_place: Annotated[bool, typer.Option("--in-place", help="Use it where it is instead of copying it.")] = False,
    json_: JsonOption = False,
) -> None:
    """Bring a model that exists already."""
    studio, line = open_studio_of(context), progress_line(patient=True)
    try:
        model = studio.model_imports.run_here(source, name, in_place=in_place, on_progress=line)
    finally:
        line.close()
    report = _row(model, {}) | {"model": model.name, "path": str(studio.models.path_of(model)), "detail": model.detail}
    text = "\n".join([f"Imported {model.name} ({model.kind}).", *model.detail.get("warnings", [])])
    show(context, report, json_, text=text)


@app.command("export")
def export(
    context: typer.Context,
    name: NameArgument,
    quantization: Annotated[str, typer.Option("--quantization", "-q", help="f16, Q8_0, Q4_K_M and others.")] = "Q8_0",
    out: Annotated[Path | None, typer.Option("--out", help="The file to write.")] = None,
    json_: JsonOption = False,
) -> None:
    """Write a GGUF file and check that it answers like the original."""
    studio = open_studio_of(context)
    line = progress_line()
    try:
        report = studio.exporting.export(name, quantization, out, progress=line)
    finally:
        line.close()
    show(context, report, json_)


@app.command("card")
def card(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A student of this project.")],
    out: Annotated[Path | None, typer.Option("--out", help="The file to write, in place of its own README.md.")] = None,
    language: Annotated[
        str | None, typer.Option(help="en or zh; by default that of the card that is there, else the studio's.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Write a student's model card anew: README.md in its folder, or another file.

    A file that the studio did not write, or that was changed since, is never overwritten.
    """
    cards = open_studio_of(context).cards
    path = cards.write(name, out, language=language)
    show(context, {"model": name, "path": str(path)}, json_, text=f"The card of {name} is in {path}")


@app.command("chat")
def chat(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A model, a teacher, a folder or a .gguf file.")],
    message: Annotated[str, typer.Option("--message", "-m", help="What to say.")],
    system: Annotated[str, typer.Option("--system", help="The text of a system message.")] = "",
    quantization: Annotated[str | None, typer.Option("--quantization", "-q", help="Ask this GGUF file of it.")] = None,
    param: Annotated[list[str] | None, typer.Option(help="KEY=JSON, such as temperature=0.7.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask a teacher again what it has answered before.")] = False,
    json_: JsonOption = False,
) -> None:
    """Ask a model one thing."""
    parameters = read_parameters(param or [])
    response = open_studio_of(context).inference.chat(
        name, message, system, quantization=quantization, parameters=parameters, fresh=fresh
    )
    show(context, {"model": name, "response": response}, json_, text=response)


def _row(model: Model, states: dict[str, State]) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "state": states.get(model.name, model.state),
        "parent": model.parent or None,
        "parameters": model.detail.get("parameters"),
        "created_at": model.created_at,
    }


def _told(report: dict[str, Any]) -> str:
    lines = [f"{report['name']}  {report['kind']}  {report['state']}", report["path"], report["licence_verdict"]]
    for ancestor in report["lineage"]:
        lines.append(f"from {ancestor['model']} ({ancestor['kind']})")
        for stage in ancestor["stages"]:
            teachers = ", ".join(f"{share['teacher']} ({share['terms']})" for share in stage["teachers"]) or "unknown"
            lines.append(f"  stage {stage['name']}: {stage['rows']} rows of {stage['dataset']}, teachers {teachers}")
    for file in report["files"]:
        same = file["parity"]["same_answers"] if file["parity"] else None
        agreement = f", {same:.0%} same answers" if same is not None else ""
        lines.append(f"{file['quantization']}: {file['path']} ({file['bytes']:,} bytes{agreement})")
    return "\n".join([*lines, *report["detail"].get("warnings", [])])
