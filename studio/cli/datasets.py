"""`understudy datasets ...`: freeze traces into numbered versions, list, look at, export and compare them."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from studio.cli.output import JsonOption, note, open_studio_of, progress_line, show
from studio.cli.traces import FilterOption, QueryOption, RunOption, filter_of
from studio.engine.errors import BadInput
from studio.engine.traces import DATASET_FORMATS, FreezeOptions, contradiction_sentence, dataset_report

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def freeze(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the dataset; its versions count themselves.")],
    run: RunOption = None,
    query: QueryOption = "",
    filters: FilterOption = None,
    test_share: Annotated[float, typer.Option(help="Share of the prompts kept for testing, 0 to 1.")] = 0.0,
    avoid: Annotated[
        list[Path] | None, typer.Option(help="File whose prompts must not be trained on. May be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the split.")] = 0,
    keep_system_message: Annotated[
        bool, typer.Option("--keep-system-message", help="Show the student the teacher's system message too.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Freeze the traces that match as the next version of a dataset. Rejected ones never enter."""
    options = FreezeOptions(filter_of(run, query, filters), test_share, avoid or (), seed, keep_system_message)
    line = progress_line()
    try:
        found = open_studio_of(context).freezes.run_here(name, options, on_progress=line)
    finally:
        line.close()
    if warning := contradiction_sentence(found["contradictions"]):
        note(warning)
    show(context, found, json_)


@app.command()
def export(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="NAME for its newest version, or NAME-vVERSION.")],
    file: Annotated[Path, typer.Argument(help="File to write.")],
    format: Annotated[str, typer.Option(help=f"One of {', '.join(DATASET_FORMATS)}.")] = "messages",
    split: Annotated[str | None, typer.Option(help="train or test; both otherwise.")] = None,
    json_: JsonOption = False,
) -> None:
    """Write a version to a file that other training tools read."""
    studio, line = open_studio_of(context), progress_line(patient=True)
    try:
        report = studio.datasets.export(dataset, file, format, split=_checked_split(split), progress=line)
    finally:
        line.close()
    show(context, report, json_)


@app.command()
def diff(
    context: typer.Context,
    first: Annotated[str, typer.Argument(help="The version before.")],
    second: Annotated[str, typer.Argument(help="The version after.")],
    json_: JsonOption = False,
) -> None:
    """Count the traces that one version has more, fewer and otherwise than another."""
    show(context, open_studio_of(context).datasets.difference(first, second), json_)


@app.command("list")
def list_(context: typer.Context, json_: JsonOption = False) -> None:
    """Show every version of every dataset, the newest first."""
    found = open_studio_of(context).datasets.list()
    rows = [{**dataset_report(dataset), "terms": dataset.detail.get("terms", {})} for dataset in found]
    lines = [f"{one.ref}  {one.train_rows:,} train, {one.test_rows:,} test  {one.sha256[:12]}" for one in found]
    show(context, {"datasets": rows}, json_, text="\n".join(lines) or "No dataset is frozen yet.")


@app.command("show")
def show_one(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="NAME for its newest version, or NAME-vVERSION.")],
    limit: Annotated[int, typer.Option(help="Rows to show.")] = 3,
    split: Annotated[str | None, typer.Option(help="train or test.")] = None,
    json_: JsonOption = False,
) -> None:
    """Show a version: how it was made, where its file is, and its first rows."""
    split = _checked_split(split)
    datasets = open_studio_of(context).datasets
    found = datasets.get(dataset)
    ref = found.ref
    rows = list(islice(datasets.rows(ref, split), max(limit, 0)))
    show(
        context,
        {**dataset_report(found), "detail": found.detail, "path": str(datasets.path(ref)), "first": rows},
        json_,
    )


def _checked_split(split: str | None) -> str | None:
    if split not in (None, "train", "test"):
        raise BadInput(f"A split is train or test, not '{split}'.")
    return split
