"""`understudy prompts sample` and `mixtures`: draw a source from a mixture, and see those that are shipped."""

from pathlib import Path
from typing import Annotated

import typer

from studio.cli.output import JsonOption, note, open_studio_of, progress_line, show
from studio.engine.errors import BadInput
from studio.engine.prompts.mixtures import Outcome, read_file


def sample(
    context: typer.Context,
    mixture: Annotated[Path, typer.Option("--mixture", metavar="FILE", help="YAML of collections and quotas.")],
    name: Annotated[str, typer.Option("--name", help="Name of the new prompt source.")] = "",
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed draws the same prompts.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it comes to; store nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Draw a new source from a mixture of sources, with exact totals, the same for the same seed."""
    studio = open_studio_of(context)
    wanted, line = read_file(studio.references.source(mixture)), progress_line(patient=True)
    try:
        if dry_run:
            source, outcome = None, studio.mixtures.outcome(wanted, seed, progress=line)
        else:
            source, outcome = name.strip(), studio.mixtures.sample(wanted, name, seed, progress=line)
    finally:
        line.close()
    for part in outcome.collections:
        if part.shared:
            note(f"{part.collection.name}: {part.shared:,} prompts are in earlier collections, not drawn again.")
    show(context, {"source": source, **outcome.as_dict()}, json, text=_text(source, outcome))


def mixtures(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One of them, to see or write to a file.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write that one to this file, to be edited.")] = None,
    json: JsonOption = False,
) -> None:
    """List the mixtures that come with the studio, or show one: a file for `prompts sample` to start from."""
    studio = open_studio_of(context)
    shipped = studio.mixtures
    if name is None:
        rows = [{"mixture": one.name, "about": one.mixture.about} for one in shipped.shipped()]
        show(context, {"mixtures": rows}, json, text="\n".join(f"{row['mixture']:<12}  {row['about']}" for row in rows))
        return
    one = shipped.shipped_named(name)
    if out is not None:
        _write(studio.references.source(out), one.text)
    report = {"mixture": one.name, "about": one.mixture.about, "text": one.text, "path": str(out) if out else None}
    show(context, report, json, text=f"Written to {out}" if out else one.text.rstrip())


def register(app: typer.Typer) -> None:
    """Adds both to `understudy prompts`."""
    app.command()(sample)
    app.command()(mixtures)


def _write(out: Path, text: str) -> None:
    """A new file with a mixture. Raises BadInput."""
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as exc:
        raise BadInput(f"{out} is there already. Name a new file.") from exc
    except OSError as exc:
        raise BadInput(f"{out} cannot be written ({exc.strerror or exc}). Name one in a folder that exists.") from exc


def _text(source: str | None, outcome: Outcome) -> str:
    head = f"Source '{source}': {outcome.count:,} prompts." if source else f"It comes to {outcome.count:,} prompts."
    lines = [
        f"{part.taken:>9,} of {part.available:>9,}  {part.collection.name} ({part.collection.algorithm}, "
        f"{sum(1 for task in part.tasks if task.taken):,} of {len(part.tasks):,} tasks)"
        for part in outcome.collections
    ]
    return "\n".join([head, *lines])
