"""`understudy teachers try`: chosen teachers under chosen system messages on one prompt, before anything is spent on
many. The answers are shown, and are no traces; the same again costs nothing."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from studio.cli.collect import read_parameters
from studio.cli.output import JsonOption, note, open_studio_of, show
from studio.engine.errors import TeacherFault
from studio.engine.store.tables import Prompt
from studio.engine.studio import Studio
from studio.engine.teachers.plans import SystemMessageChoice
from studio.engine.teachers.trying import Cell, check_size, try_matrix, typed_prompt

NO_MESSAGE = "none"


def try_teachers(
    context: typer.Context,
    teacher: Annotated[list[str], typer.Option(help="Whom to ask; up to six times.")],
    prompt: Annotated[str, typer.Option(help="What to ask.")] = "",
    source: Annotated[str, typer.Option(help="A prompt source to take the prompt from.")] = "",
    number: Annotated[int, typer.Option(help="Which of its prompts, from 1.", min=1, max=2**31)] = 1,
    system_message: Annotated[
        list[str] | None, typer.Option(help="From the library, up to six times; 'none' leaves the prompt its own.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option(help="KEY=JSON, such as temperature=0.7.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask again what was answered, and paid for, before.")] = False,
    json_: JsonOption = False,
) -> None:
    """Ask teachers one prompt under several system messages, side by side; the answers are no traces."""
    studio, names = open_studio_of(context), system_message or [NO_MESSAGE]
    check_size(len(teacher), len(names))
    teachers = [studio.teachers.get(name) for name in dict.fromkeys(teacher)]
    choices = [
        None if name == NO_MESSAGE else SystemMessageChoice.of(studio.system_messages.get(name))
        for name in dict.fromkeys(names)
    ]  # fmt: skip
    arriving = try_matrix(
        studio.asking, teachers, choices, _prompt(studio, prompt, source, number), read_parameters(param or []),
        fresh=fresh,
    )  # fmt: skip
    cells: list[Cell] = []
    for cell in arriving:
        note(f"{len(cells) + 1} of {len(teachers) * len(choices)}: {_place(cell)}")
        cells.append(cell)
    report: dict[str, Any] = {
        "answers": [asdict(cell) for cell in cells],
        "cost_usd": sum(one.cost_usd for one in cells),
    }
    if all(cell.error for cell in cells):
        raise TeacherFault(cells[0].error or "No teacher answered.", result=report)
    show(context, report, json_, text="\n\n".join(_told(cell) for cell in cells))


def _prompt(studio: Studio, text: str, source: str, number: int) -> Prompt:
    return studio.prompts.prompt(source, number - 1) if source and not text else typed_prompt(text)


def _told(cell: Cell) -> str:
    said = cell.error or cell.text
    took = f"{cell.seconds:.2f} s, {cell.input_tokens:,} + {cell.output_tokens:,} tokens, ${cell.cost_usd:.6f}"
    return f"--- {_place(cell)} ({took})\n{said}"


def _place(cell: Cell) -> str:
    return f"{cell.teacher}, {cell.message or 'no system message of the library'}"
