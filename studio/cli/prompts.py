"""`understudy prompts`: import prompts from files, make practice problems, look at sources and delete them."""

from pathlib import Path
from typing import Annotated

import typer

from studio.cli import invention, mixtures
from studio.cli.cleaning import (
    CleanOption,
    LanguagesOption,
    MaxTokensOption,
    TokenizerOption,
    WithoutOption,
    explain_cleaning,
    explain_unread,
    rules_of,
)
from studio.cli.output import JsonOption, note, open_studio_of, progress_line, show
from studio.engine.prompts import FIELDS, FORMATS, STANDARD_LEVEL, ImportReport, NewPrompt, ReadOptions, parse_map

app = typer.Typer(no_args_is_help=True)
mixtures.register(app)
invention.register(app)

FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="JSON, CSV, TSV, Parquet or Arrow (JSON, CSV and TSV also gzipped), a folder of the datasets library, or "
        "hub:OWNER/NAME[:CONFIGURATION/SPLIT].",
    ),
]
FormatOption = Annotated[str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")]
MapOption = Annotated[
    str, typer.Option("--map", metavar="FIELD=COLUMN,...", help=f"Columns, may be dotted. Fields: {', '.join(FIELDS)}.")
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the prompt source in this project.")]
SHOWN_CHARACTERS = 160
MOST = 2**31 - 1
"""What a database counts places with."""


@app.command("import")
def import_(
    context: typer.Context, file: FileArgument, name: NameOption, format: FormatOption = "auto", map: MapOption = "",
    clean: CleanOption = False, languages: LanguagesOption = "", max_tokens: MaxTokensOption = None,
    tokenizer: TokenizerOption = None, without: WithoutOption = "", json: JsonOption = False,
) -> None:  # fmt: skip
    """Import a file of prompts as a new source. What cannot be used is left out, counted and shown with its line."""
    line = progress_line(patient=True)
    studio = open_studio_of(context)
    rules = rules_of(studio, clean, languages, max_tokens, tokenizer, without)
    try:
        options = ReadOptions(format=format, mapping=parse_map(map), rules=rules)
        report = studio.prompt_jobs.import_file_here(file, name, options, on_progress=line)
    finally:
        line.close()
    _explain_skips(report)
    explain_cleaning(report.cleaning)
    explain_unread(report.unread)
    show(context, report.as_dict(), json)


@app.command()
def preview(
    context: typer.Context, file: FileArgument, format: FormatOption = "auto", map: MapOption = "",
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Show how a file would be imported: its format, its columns and the first prompts. Nothing is stored."""
    found = open_studio_of(context).prompts.preview(file, format, parse_map(map))
    report = {
        "format": found.format,
        "columns": found.columns,
        "mapping": found.mapping,
        "prompts": [_row(prompt) for prompt in found.rows],
        "skipped": [{"line": skip.line, "reason": str(skip)} for skip in found.skips],
    }
    show(context, report, json)


@app.command()
def practice(
    context: typer.Context,
    families: Annotated[
        str, typer.Option("--families", metavar="A,B", help="Families of problems, with commas between.")
    ],
    count: Annotated[int, typer.Option("--count", help="How many problems.")],
    name: NameOption,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same problems.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write them to this JSONL file too.")] = None,
    level: Annotated[int, typer.Option("--level", help="Difficulty, 1 to 3.")] = STANDARD_LEVEL,
    json: JsonOption = False,
) -> None:
    """Make practice problems with their right answers as a new source."""
    wanted = [family.strip() for family in families.split(",") if family.strip()]
    source = open_studio_of(context).prompt_jobs.practice_here(wanted, count, seed, name, level=level, out=out)
    if source.count < count:
        note(f"At level {level} these families hold {source.count:,} different problems; {count:,} were asked for.")
    show(context, {"source": source.name, "count": source.count}, json)


@app.command("list")
def list_(context: typer.Context, json: JsonOption = False) -> None:
    """List the prompt sources of this project."""
    sources = open_studio_of(context).prompts.sources()
    rows = [{"source": source.name, "kind": source.kind, "count": source.count} for source in sources]
    text = (
        "\n".join(f"{row['count']:>9,}  {row['kind']:<8}  {row['source']}" for row in rows)
        or "There are no prompts yet."
    )
    show(context, {"sources": rows}, json, text=text)


@app.command("show")
def show_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The prompt source.")],
    query: Annotated[str, typer.Option("--query", help="Only prompts that contain this.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 10,
    after: Annotated[int | None, typer.Option("--after", max=MOST, help="Start after this place; see `next`.")] = None,
    json: JsonOption = False,
) -> None:
    """Show prompts of a source in order."""
    rows = open_studio_of(context).prompts.page(name, query=query, after=after, limit=limit)
    report = {
        "prompts": [{"place": row.position, **_row(row)} for row in rows],
        "next": rows[-1].position if len(rows) == limit else None,
    }
    text = "\n".join(f"{row.position:>7}  {' '.join(row.text.split())[:SHOWN_CHARACTERS]}" for row in rows)
    show(context, report, json, text=text or "No prompt is like that.")


@app.command()
def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The prompt source.")],
    json: JsonOption = False,
) -> None:
    """Delete a source that nothing was collected from."""
    open_studio_of(context).prompts.delete(name)
    show(context, {"deleted": name}, json)


def _row(prompt: object) -> dict[str, object]:
    """The fields of a stored or a new prompt that a script may want."""
    names = [field for field in NewPrompt.__dataclass_fields__ if field != "text"]
    fields = {name: getattr(prompt, name) for name in names}
    return {"prompt": prompt.text, **{name: value for name, value in fields.items() if value is not None}}  # type: ignore[attr-defined]


def _explain_skips(report: ImportReport) -> None:
    """The first rows that were left out for each reason, with their lines."""
    for line, reason in report.examples:
        note(f"line {line}: {reason}")
    for reason, count in report.reasons.items():
        note(f"{count:,} left out: {reason}")
