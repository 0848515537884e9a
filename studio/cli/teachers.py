"""`understudy teachers`: whom to ask, and the embedded teachers that anyone can serve."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, open_studio_of, settings_of, show
from studio.cli.try_teachers import try_teachers
from studio.engine.errors import BadInput
from studio.engine.store import References
from studio.engine.store.tables import Teacher
from studio.engine.teachers import FiledKey

app = typer.Typer(no_args_is_help=True, add_completion=False)
CLEARABLE = {
    "rpm", "tpm", "input_price", "output_price", "api_key_env", "terms_note", "terms_checked",
}  # fmt: skip

app.command("try")(try_teachers)


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to call the teacher in this project.")],
    base_url: Annotated[str, typer.Option(help="Address of the API, often ending in /v1; or practice://.")],
    model: Annotated[str, typer.Option(help="The model's name, as the provider writes it.")],
    api_key_env: Annotated[
        str, typer.Option(help="Where the key is: a variable's name, or keyring:NAME; several with commas.")
    ] = "",
    rpm: Annotated[int | None, typer.Option(help="Requests a minute.")] = None,
    tpm: Annotated[int | None, typer.Option(help="Tokens a minute.")] = None,
    concurrency: Annotated[int, typer.Option(help="Questions under way at once.")] = 8,
    timeout: Annotated[float, typer.Option(help="Seconds an answer may take.")] = 120.0,
    input_price: Annotated[float | None, typer.Option(help="US dollars per million input tokens.")] = None,
    output_price: Annotated[float | None, typer.Option(help="US dollars per million output tokens.")] = None,
    terms: Annotated[str, typer.Option(help="May answers train a model? yes, no, research or unknown.")] = "unknown",
    terms_note: Annotated[str, typer.Option(help="Where the terms say so.")] = "",
    terms_checked: Annotated[str | None, typer.Option(help="The day they were read, as YYYY-MM-DD.")] = None,
    batch_price_share: Annotated[float, typer.Option(help="What a batch costs, as a share of the prices.")] = 0.5,
    json_: JsonOption = False,
) -> None:
    """Add a teacher."""
    teacher = open_studio_of(context).teachers.add(
        name, base_url, model, api_key_env=api_key_env, rpm=rpm, tpm=tpm, concurrency=concurrency, timeout=timeout,
        input_price=input_price, output_price=output_price, terms=terms, terms_note=terms_note,
        terms_checked_on=terms_checked, batch_price_share=batch_price_share,
    )  # fmt: skip
    show(context, {"teacher": teacher.name}, json_, text=f"The teacher '{teacher.name}' is added.")


@app.command("edit")
def edit(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which teacher; its name stays, since answers are kept under it.")],
    base_url: Annotated[str | None, typer.Option(help="Address of the API.")] = None,
    model: Annotated[str | None, typer.Option(help="The model's name.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Where the key is: VARIABLE or keyring:NAME, ...")] = None,
    rpm: Annotated[int | None, typer.Option(help="Requests a minute.")] = None,
    tpm: Annotated[int | None, typer.Option(help="Tokens a minute.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Questions under way at once.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds an answer may take.")] = None,
    input_price: Annotated[float | None, typer.Option(help="US dollars per million input tokens.")] = None,
    output_price: Annotated[float | None, typer.Option(help="US dollars per million output tokens.")] = None,
    batch_price_share: Annotated[float | None, typer.Option(help="What a batch costs, as a share.")] = None,
    terms: Annotated[str | None, typer.Option(help="May answers to come train a model?")] = None,
    terms_note: Annotated[str | None, typer.Option(help="Where the terms say so.")] = None,
    terms_checked: Annotated[str | None, typer.Option(help="The day they were read, as YYYY-MM-DD.")] = None,
    clear: Annotated[list[str] | None, typer.Option(help="A field to leave open again, such as rpm.")] = None,
    json_: JsonOption = False,
) -> None:
    """Change a teacher. Answers that are there already keep the terms they were collected under."""
    given = {
        "base_url": base_url, "model": model, "api_key_env": api_key_env, "rpm": rpm, "tpm": tpm,
        "concurrency": concurrency, "timeout": timeout, "input_price": input_price, "output_price": output_price,
        "batch_price_share": batch_price_share, "terms": terms, "terms_note": terms_note,
        "terms_checked_on": terms_checked,
    }  # fmt: skip
    changes = {field: value for field, value in given.items() if value is not None} | _cleared(clear or [])
    if not changes:
        raise BadInput("Say what to change, such as --rpm 60 or --terms no.")
    teachers = open_studio_of(context).teachers
    teacher = teachers.update(name, **changes)
    kept = teachers.traces_by_terms(name) if terms else {}
    other = {held: count for held, count in kept.items() if held != teacher.terms}
    report = {"teacher": teacher.name, "changed": sorted(changes), "traces_under_other_terms": other}
    show(context, report, json_, text=_edited(teacher, other))


@app.command("set-key")
def set_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to file the key under in the system keyring.")],
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Another key under an old name may be sent for other projects too.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Read a key without showing it and put it into the system keyring; it is kept nowhere else.

    Another key under a name that holds one may be sent where the old one was granted for this project; what was granted
    for other projects is taken back.
    """
    filed = open_studio_of(context).keys.file(name, _secret(f"Key to store as '{name}'"), everywhere=everywhere)
    report = {
        "source": filed.source, "hosts": list(filed.hosts), "kept_elsewhere": _places(filed.kept_elsewhere),
        "taken_back": _places(filed.taken_back),
    }  # fmt: skip
    show(context, report, json_, text=_filed(filed))


@app.command("grants")
def grants(context: typer.Context, json_: JsonOption = False) -> None:
    """List which keys may be sent to which host for this project."""
    rows: list[dict[str, Any]] = [
        {
            "source": one.source, "host": one.host, "by": one.by, "granted_at": one.granted_at,
            "teachers": list(one.teachers),
        }
        for one in open_studio_of(context).keys.grants()
    ]  # fmt: skip
    text = "\n".join(
        f"{row['source']} -> {row['host']} (by {row['by'] or 'an earlier version'}; "
        f"{', '.join(row['teachers']) or 'no teacher uses it'})"
        for row in rows
    )
    show(context, {"grants": rows}, json_, text=text or "No key may be sent anywhere for this project.")


@app.command("revoke")
def revoke(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Where the key is, as `teachers grants` lists it.")],
    host: Annotated[str, typer.Argument(help="The host, as `teachers grants` lists it.")],
    json_: JsonOption = False,
) -> None:
    """Take a grant back: the key is sent to that host for this project no more."""
    open_studio_of(context).keys.revoke(source, host)
    text = f"{source} is sent to {host} no more. A collection that is under way goes on with it until it ends."
    show(context, {"revoked": {"source": source, "host": host}}, json_, text=text)


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
    from studio.engine.practice import serve_practice as serve

    serve(port)


@app.command("serve-replay")
def serve_replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSONL of prompt, response and maybe system_message, model.")],
    map_: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN,... with dotted columns.")] = None,
    port: Annotated[int, typer.Option(help="0 takes any free one.")] = 0,
) -> None:
    """Serve recorded answers over HTTP until stopped; prints its base URL."""
    from studio.engine.teachers import read_mapping
    from studio.engine.teachers import serve_replay as serve

    serve(References(settings_of(context)).source(file), read_mapping(",".join(map_ or ())), port)


def _cleared(fields: list[str]) -> dict[str, str | None]:
    names = {field.strip().replace("-", "_") for part in fields for field in part.split(",") if field.strip()}
    if unknown := names - CLEARABLE:
        raise BadInput(f"{', '.join(sorted(unknown))} cannot be left open. These can: {', '.join(sorted(CLEARABLE))}.")
    texts = ("api_key_env", "terms_note")
    return {"terms_checked_on" if name == "terms_checked" else name: "" if name in texts else None for name in names}


def _edited(teacher: Teacher, other: dict[str, int]) -> str:
    text = f"The teacher '{teacher.name}' is changed."
    for terms, count in other.items():
        text += f" {count:,} traces keep the terms they were collected under: {terms}."
    return text


def _filed(filed: FiledKey) -> str:
    words = [f"Stored. Give it to a teacher with: --api-key-env {filed.source}"]
    if filed.hosts:
        words.append(f"In this project it may be sent to {', '.join(filed.hosts)}, as the key of that name before it.")
    for project, host in filed.kept_elsewhere:
        words.append(f"For the project '{project}' it may be sent to {host}.")
    for project, host in filed.taken_back:
        words.append(
            f"For the project '{project}' it may not be sent to {host}, since another key was granted there. Grant it "
            "by giving the teacher its address again: "
            f"understudy --project '{project}' teachers edit NAME --base-url ..."
        )
    return "\n".join(words)


def _places(found: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"project": project, "host": host} for project, host in found]


def _secret(prompt: str) -> str:
    """From a terminal without showing it, else the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{prompt}: ", stream=sys.stderr)
    return sys.stdin.readline().strip()


def _row(teacher: Teacher) -> dict[str, Any]:
    columns = (
        "name", "base_url", "model", "api_key_env", "requests_per_minute", "tokens_per_minute", "concurrency",
        "timeout", "input_price", "output_price", "batch_price_share", "terms", "terms_note",
        "terms_checked_on", "last_test",
    )  # fmt: skip
    return {column: getattr(teacher, column) for column in columns}
