"""`understudy datasets ...`: freeze traces into numbered versions, list them, look at their rows."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from studio.cli.output import JsonOption, open_studio_of, progress_line, show
from studio.cli.traces import FilterOption, QueryOption, RunOption, filter_of
from studio.engine.errors import BadInput
from studio.engine.traces.datasets import report

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
    found = open_studio_of(context).datasets.freeze(
        name,
        filter=filter_of(run, query, filters),
        test_share=test_share,
        avoid=avoid or (),
        seed=seed,
        keep_system_message=keep_system_message,
        progress=progress_line(),
    )
    show(context, found, json_)


@app.command("list")
def list_(context: typer.Context, json_: JsonOption = False) -> None:
    """Show every version of every dataset, the newest first."""
    found = open_studio_of(context).datasets.list()
    rows = [{**report(dataset), "terms": dataset.detail.get("terms", {})} for dataset in found]
    lines = [
        f"{one.name}-v{one.version}  {one.train_rows:,} train, {one.test_rows:,} test  {one.sha256[:12]}"
        for one in found
    ]
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
    if split not in (None, "train", "test"):
        raise BadInput(f"A split is train or test, not '{split}'.")
    datasets = open_studio_of(context).datasets
    found = datasets.get(dataset)
    ref = f"{found.name}-v{found.version}"
    rows = list(islice(datasets.rows(ref, split), max(limit, 0)))
    show(context, {**report(found), "detail": found.detail, "path": str(datasets.path(ref)), "first": rows}, json_)
