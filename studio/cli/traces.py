"""`understudy traces ...`: browse, grade, label, undo, repair, restate terms, export and import answers."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

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
from studio.cli.following import CHANGE, following, how_far, stopped_by_interrupt
from studio.cli.output import JsonOption, open_studio_of, progress_line, show
from studio.engine.errors import BadInput
from studio.engine.prompts import FORMATS, parse_map
from studio.engine.prompts.shapes import ANSWER_FIELDS
from studio.engine.row_types import Operation
from studio.engine.studio import Studio
from studio.engine.traces import AnswerOptions, ExportOptions, Selection, TraceDetail, TraceFilter

app = typer.Typer(no_args_is_help=True, add_completion=False)

RunOption = Annotated[str | None, typer.Option("--run", help="Only traces of this run.")]
QueryOption = Annotated[str, typer.Option("--query", help="Words that stand in the prompt or the answer.")]
FilterOption = Annotated[
    list[str] | None, typer.Option("--filter", help="KEY=VALUE, for example label=keep. May be given several times.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who decides this.")]


def filter_of(run: str | None, query: str, filters: list[str] | None) -> TraceFilter:
    """The filter that the options of a command describe together."""
    found = TraceFilter.from_pairs(filters or (), query=query)
    return found.with_values("run", run) if run is not None else found


@app.command("list")
def list_(
    context: typer.Context,
    run: RunOption = None,
    query: QueryOption = "",
    filters: FilterOption = None,
    limit: Annotated[int, typer.Option(help="Traces on a page.")] = 20,
    after: Annotated[str | None, typer.Option(help="The 'next' of the page before.")] = None,
    json_: JsonOption = False,
) -> None:
    """Show traces, a page at a time."""
    traces = open_studio_of(context).traces
    page = traces.page(filter_of(run, query, filters), after=after, limit=limit)
    rows = [_row(detail) for detail in traces.details(row.id or 0 for row in page.rows)]
    report = {"traces": rows, "next": page.next, "count": page.count, "count_is_exact": page.count_is_exact}
    report["under_way"] = [
        {"operation": one.id, "kind": one.kind, "state": one.state, "by": one.by, "changed": one.changed}
        for one in traces.under_way()
    ]
    show(context, report, json_, text=_listed(report))


@app.command()
def grade(context: typer.Context, run: RunOption = None, json_: JsonOption = False) -> None:
    """Compare the final answer of each trace with the known answer of its prompt."""
    studio = open_studio_of(context)
    job = studio.traces.start_grade(filter_of(run, "", []))
    followed = following(lambda line: how_far(studio.jobs.get(job.id or 0), line))
    with followed, stopped_by_interrupt(lambda: studio.jobs.stop(job.id or 0)):
        graded = studio.traces.finish_grade(job.id or 0)
    show(context, graded, json_)


@app.command()
def label(
    context: typer.Context,
    verdict: Annotated[str | None, typer.Option(help="keep, reject, or none to take a label off.")] = None,
    ids: Annotated[str | None, typer.Option(help="Ids, separated by commas.")] = None,
    run: RunOption = None,
    query: QueryOption = "",
    filters: FilterOption = None,
    tag: Annotated[str | None, typer.Option(help="A tag to add.")] = None,
    rating: Annotated[int | None, typer.Option(help="1 to 5, 0 to take it off.")] = None,
    by: ByOption = "",
    json_: JsonOption = False,
) -> None:
    """Keep or reject traces, rate or tag them: those of --ids, or all that the filters match."""
    selection = _selection(ids, filter_of(run, query, filters))
    studio = open_studio_of(context)
    operation = _ended(studio, studio.traces.start_label(selection, verdict, tag=tag, rating=rating, by=by))
    show(context, {"changed": operation.changed, "operation": operation.id}, json_)


@app.command()
def undo(
    context: typer.Context,
    by: Annotated[str | None, typer.Option("--by", help="Only what this person did.")] = None,
    json_: JsonOption = False,
) -> None:
    """Take back the last label, repair or restatement of terms; once more takes back the one before. A colleague takes
    back their own, the owner anybody's. A trace that was decided again later keeps the later decision."""
    studio = open_studio_of(context)
    started = studio.traces.start_undo(by)
    operation = _ended(studio, started) if started else None
    report = {"changed": operation.changed if operation else 0, "operation": operation.id if operation else None}
    show(context, report, json_, text=None if operation else "There is nothing to undo.")


@app.command("restate-terms")
def restate_terms(
    context: typer.Context,
    run: Annotated[str, typer.Option("--run", help="The run whose answers are meant.")],
    terms: Annotated[str, typer.Option(help="May they train other models: yes, no, research, unknown.")],
    note: Annotated[str, typer.Option(help="Why, and where that is written.")] = "",
    by: Annotated[
        str | None, typer.Option("--by", help="Who says so. Without it, the name you are logged in by.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Put right under which terms a run's answers are. `traces undo` takes it back.

    Datasets that are frozen already stay as they are; the licence verdict of a student tells the terms at freezing and
    those of now.
    """
    studio = open_studio_of(context)
    who = by if by is not None else "" if context.obj["by"] else _person()
    operation = _ended(studio, studio.traces.start_restating(run, terms, note=note, by=who))
    was = operation.detail["was"]
    report = {"changed": operation.changed, "operation": operation.id, "run": run, "terms": terms, "was": was}
    before = ", ".join(f"{count:,} were '{old}'" for old, count in was.items())
    done = f"{operation.changed:,} answers of {run} are under '{terms}' now ({before})."
    show(context, report, json_, text=done if was else f"All answers of {run} are under '{terms}' already.")


@app.command("show")
def show_one(
    context: typer.Context,
    id: Annotated[int, typer.Argument(help="Id of the trace.")],
    json_: JsonOption = False,
) -> None:
    """Show one trace whole."""
    detail = open_studio_of(context).traces.get(id)
    row = {**_row(detail), "original_response": detail.text.original_response, "known_answer": detail.text.known_answer}
    show(context, row, json_)


@app.command()
def repair(
    context: typer.Context,
    id: Annotated[int, typer.Argument(help="Id of the trace.")],
    response: Annotated[str | None, typer.Option(help="The answer to put in its place.")] = None,
    file: Annotated[Path | None, typer.Option(help="A text file with the answer.")] = None,
    by: ByOption = "",
    json_: JsonOption = False,
) -> None:
    """Put another answer in the place of the teacher's, which is kept beside it."""
    if (response is None) == (file is None):
        raise BadInput("Give the repaired answer with --response or --file, one of them.")
    studio = open_studio_of(context)
    detail = studio.traces.repair(id, studio.references.text_of(file) if file else response or "", by)
    show(context, _row(detail), json_)


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="File to write.")],
    run: RunOption = None,
    query: QueryOption = "",
    filters: FilterOption = None,
    format: Annotated[str, typer.Option(help="messages, alpaca, sharegpt or parquet.")] = "messages",
    system_messages: Annotated[bool, typer.Option(help="Write the teacher's system message too.")] = True,
    for_student: Annotated[
        bool,
        typer.Option(
            "--for-student",
            help="Write what a frozen dataset tells the student in place of the teacher's system message: the one that "
            "the run stores for it, else none.",
        ),
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Write the traces that match to a file.

    An export shows what the teacher was asked; with --for-student, what a student would be trained on. messages and
    parquet keep names and calls of tools; alpaca and sharegpt have no place for them.
    """
    studio, line = open_studio_of(context), progress_line(patient=True)
    options = ExportOptions(format, system_messages, for_student)
    try:
        report = studio.trace_exports.run_here(file, filter_of(run, query, filters), options, on_progress=line)
    finally:
        line.close()
    show(context, report, json_)


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="JSON, CSV, Parquet, Arrow, a folder of the datasets library, or hub:OWNER/NAME.")
    ],
    name: Annotated[str, typer.Option(help="Name of the run to make of it.")],
    teacher_name: Annotated[str, typer.Option(help="Who gave these answers.")],
    terms: Annotated[str, typer.Option(help="May they train a model: yes, no, research, unknown.")] = "unknown",
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")] = "auto",
    map_: Annotated[str, typer.Option("--map", help=f"FIELD=COLUMN,... Fields: {', '.join(ANSWER_FIELDS)}.")] = "",
    batch_input: Annotated[
        Path | None, typer.Option(help="The input file of a provider's batch whose output FILE is.")
    ] = None,
    every_turn: Annotated[
        bool, typer.Option("--every-turn", help="Each reply of a conversation is an answer, not the last one alone.")
    ] = False,
    clean: CleanOption = False,
    languages: LanguagesOption = "",
    max_tokens: MaxTokensOption = None,
    tokenizer: TokenizerOption = None,
    without: WithoutOption = "",
    json_: JsonOption = False,
) -> None:
    """Bring in answers that exist already, seen once all of them are there."""
    studio, line = open_studio_of(context), progress_line(patient=True)
    try:
        options = AnswerOptions(
            format=format,
            mapping=parse_map(map_) or None,
            teacher_name=teacher_name,
            terms=terms,
            rules=rules_of(studio, clean, languages, max_tokens, tokenizer, without),
            batch_input=batch_input,
            every_turn=every_turn,
        )
        report = studio.answer_imports.run_here(file, name, options, on_progress=line)
    finally:
        line.close()
    explain_cleaning(report.get("cleaning"))
    explain_unread(report.get("unread"))
    show(context, report, json_)


def _ended(studio: Studio, operation: Operation) -> Operation:
    """Carries a change of many traces to its end, with a line of progress; Ctrl-C takes it back."""
    job = studio.traces.job_of_change(operation)
    if job is None:
        return operation
    followed = following(lambda line: how_far(studio.jobs.get(job.id or 0), line))
    with followed, stopped_by_interrupt(lambda: studio.jobs.stop(job.id or 0), CHANGE):
        return studio.traces.finish_change(operation)


def _selection(ids: str | None, filter: TraceFilter) -> Selection:
    if ids is not None and not filter.is_empty:
        raise BadInput("Choose traces by --ids or by --run, --query and --filter, not by both.")
    if ids is not None:
        parts = [part.strip() for part in ids.split(",") if part.strip()]
        if not parts or not all(part.isascii() and part.isdigit() for part in parts):
            raise BadInput(f"--ids takes ids of traces separated by commas, as in 3,14, not '{ids[:60]}'.")
        return [int(part[:18]) for part in parts]
    if filter.is_empty:
        raise BadInput("Say which traces: --ids, --run, --query or --filter.")
    return filter


def _row(detail: TraceDetail) -> dict[str, Any]:
    trace, text = detail.trace, detail.text
    fields = ("id", "teacher", "model", "system_message", "collection", "family", "task", "terms", "label", "rating",
              "labelled_by", "correct", "finish_reason", "flags", "edited", "input_tokens", "output_tokens",
              "created_at")  # fmt: skip
    return {
        **{field: getattr(trace, field) for field in fields},
        "run": detail.run,
        "tags": detail.tags,
        "prompt": text.prompt,
        "system_message_text": text.system_message,
        "response": text.response,
    }


def _listed(report: dict[str, Any]) -> str:
    lines = []
    for row in report["traces"]:
        verdict = {True: "right", False: "wrong", None: ""}[row["correct"]]
        marks = ", ".join(mark for mark in (row["label"], verdict, *row["flags"], *row["tags"]) if mark)
        lines += [f"{row['id']}  {row['teacher']} · {row['run']}" + (f" · {marks}" if marks else "")]
        lines += [f"  ? {_line(row['prompt'])}", f"  > {_line(row['response'])}"]
    count = f"{report['count']:,}" + ("" if report["count_is_exact"] else " or more")
    following = f" Next page: --after {report['next']}" if report["next"] else ""
    busy = [f"A change by {one['by']} is under way: {one['changed']:,} so far." for one in report["under_way"]]
    return "\n".join([*lines, f"{count} traces match.{following}", *busy])


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:159] + "…"


def _person() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number that has no name
        return ""
