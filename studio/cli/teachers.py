"""`understudy teachers`: whom to ask, and the embedded teachers that anyone can serve."""

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, open_studio_of, show
from studio.engine.store.tables import Teacher

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to call the teacher in this project.")],
    base_url: Annotated[str, typer.Option(help="Address of the API, often ending in /v1; or practice://.")],
    model: Annotated[str, typer.Option(help="The model's name, as the provider writes it.")],
    api_key_env: Annotated[str, typer.Option(help="Name of the environment variable that holds the key.")] = "",
    rpm: Annotated[int | None, typer.Option(help="Requests a minute.")] = None,
    tpm: Annotated[int | None, typer.Option(help="Tokens a minute.")] = None,
    concurrency: Annotated[int, typer.Option(help="Questions under way at once.")] = 8,
    timeout: Annotated[float, typer.Option(help="Seconds an answer may take.")] = 120.0,
    input_price: Annotated[float | None, typer.Option(help="US dollars per million input tokens.")] = None,
    output_price: Annotated[float | None, typer.Option(help="US dollars per million output tokens.")] = None,
    terms: Annotated[str, typer.Option(help="May answers train a model? yes, no, research or unknown.")] = "unknown",
    terms_note: Annotated[str, typer.Option(help="Where the terms say so.")] = "",
    json_: JsonOption = False,
) -> None:
    """Add a teacher."""
    teacher = open_studio_of(context).teachers.add(
        name, base_url, model, api_key_env=api_key_env, rpm=rpm, tpm=tpm, concurrency=concurrency, timeout=timeout,
        input_price=input_price, output_price=output_price, terms=terms, terms_note=terms_note,
    )  # fmt: skip
    show(context, {"teacher": teacher.name}, json_, text=f"The teacher '{teacher.name}' is added.")


@app.command("add-practice")
def add_practice(context: typer.Context, json_: JsonOption = False) -> None:
    """Add the embedded practice teacher's two models, which work offline."""
    names = [teacher.name for teacher in open_studio_of(context).teachers.add_practice()]
    show(context, {"teachers": names}, json_, text=f"Added: {', '.join(names)}.")


@app.command("list")
def list_teachers(context: typer.Context, json_: JsonOption = False) -> None:
    """List the teachers of this project."""
    rows = [_row(teacher) for teacher in open_studio_of(context).teachers.list()]
    text = "\n".join(f"{row['name']}: {row['model']} at {row['base_url']}" for row in rows)
    show(context, {"teachers": rows}, json_, text=text or "There are no teachers yet. Add one with `teachers add`.")


@app.command("test")
def test(context: typer.Context, name: Annotated[str, typer.Argument()], json_: JsonOption = False) -> None:
    """Ask a teacher one small question: is it reached, is the key accepted, does the model answer?"""
    from studio.engine.errors import TeacherFault

    result = open_studio_of(context).teachers.test(name)
    report: dict[str, Any] = {"teacher": name} | result.as_dict()
    if not result.answered:
        raise TeacherFault(result.error or f"The teacher '{name}' did not answer.", result=report)
    show(
        context, report, json_, text=f"It answered in {result.seconds:.2f} s for ${result.cost_usd:.6f}: {result.text}"
    )


@app.command("archive")
def archive(context: typer.Context, name: Annotated[str, typer.Argument()], json_: JsonOption = False) -> None:
    """Take a teacher off the lists; its answers stay."""
    teacher = open_studio_of(context).teachers.archive(name)
    show(context, {"teacher": teacher.name}, json_, text=f"The teacher '{teacher.name}' is archived; its answers stay.")


@app.command("serve-practice")
def serve_practice(port: Annotated[int, typer.Option(help="0 takes any free one.")] = 0) -> None:
    """Serve the practice teacher over HTTP until stopped; prints its base URL."""
    from studio.engine.practice.server import serve_practice as serve

    serve(port)


@app.command("serve-replay")
def serve_replay(
    file: Annotated[Path, typer.Argument(help="JSONL of prompt, response and maybe system_message, model.")],
    map_: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN,... with dotted columns.")] = None,
    port: Annotated[int, typer.Option(help="0 takes any free one.")] = 0,
) -> None:
    """Serve recorded answers over HTTP until stopped; prints its base URL."""
    from studio.engine.teachers.replay import read_mapping
    from studio.engine.teachers.replay import serve_replay as serve

    serve(file, read_mapping(",".join(map_ or ())), port)


def _row(teacher: Teacher) -> dict[str, Any]:
    columns = (
        "name", "base_url", "model", "api_key_env", "requests_per_minute", "tokens_per_minute", "concurrency",
        "timeout", "input_price", "output_price", "terms", "terms_note", "last_test",
    )  # fmt: skip
    return {column: getattr(teacher, column) for column in columns}
