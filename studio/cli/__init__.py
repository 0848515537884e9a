"""The command line: `understudy [--workspace DIR] [--project NAME] COMMAND`.

Each command parses, calls the engine once and prints. Exit 0: done. Exit 2: bad input, nothing changed. Exit 1: it
ran and something failed.
"""

import importlib
import importlib.metadata
import json
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from studio.cli.plain import is_text, plain
from studio.engine.errors import BadInput, Failed, StudioError

GROUPS = {
    "projects": "List projects, and keep what one may spend to a budget.",
    "prompts": "Import, sample or invent prompts.",
    "teachers": "Add, test and try teachers, and serve the embedded ones.",
    "traces": "Browse, grade, label, repair and export answers.",
    "datasets": "Freeze traces into versioned training data.",
    "models": "List, import, export and talk to models.",
    "studies": "Blind preference tests.",
    "bin": "What was deleted and can be restored, until it is emptied.",
    "jobs": "What runs in the background.",
    "people": "Who works here, and the link of each.",
}
SINGLE = {"setup": "setup", "doctor": "setup", "demo": "demo", "collect": "collect", "train": "train",
          "worker": "jobs", "open": "open", "delete": "bin", "restore": "bin", "rename": "bin",
          "archive": "bin", "backup": "backup"}  # fmt: skip


class Rooms(typer.core.TyperGroup):
    """Loads a command's module when it is called, so that `--help` and quick commands do not wait for the others."""

    def list_commands(self, context: Any) -> list[str]:
        return [
            "setup",
            "doctor",
            "demo",
            "open",
            *GROUPS,
            "collect",
            "train",
            "worker",
            "delete",
            "restore",
            "rename",
            "archive",
            "backup",
        ]

    def get_command(self, context: Any, name: str) -> Any:
        if name in GROUPS:
            group = typer.main.get_command(importlib.import_module(f"studio.cli.{name}").app)
            group.name, group.help = name, group.help or GROUPS[name]
            return group
        if name in SINGLE:
            module = importlib.import_module(f"studio.cli.{SINGLE[name]}")
            return _single(name, module)
        return None


def _single(name: str, module: object) -> Any:
    app = typer.Typer(add_completion=False)
    app.command(name)(getattr(module, name, None) or module.command)  # type: ignore[attr-defined]
    command = typer.main.get_command(app)
    command.name = name
    return command


app = typer.Typer(cls=Rooms, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(importlib.metadata.version("understudy"))
        raise typer.Exit()


@app.callback()
def options(
    context: typer.Context,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder of the workspace.", envvar="UNDERSTUDY_WORKSPACE")
    ] = None,
    project: Annotated[str, typer.Option(help="Project within the workspace.")] = "default",
    by: Annotated[str | None, typer.Option(help="Who does it; a new name is added to the people.")] = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Build imitation models from a teacher's explanations, and compare them blind."""
    context.obj = {"workspace": workspace, "project": project, "by": by}


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and turns every failure into its exit code and one clear sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        code = run(arguments)
    except Exception as exc:
        code = _failed(_unforeseen(exc), arguments)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs a command in this process and returns its exit code."""
    if not all(map(is_text, arguments)):
        _complain("An argument is not UTF-8 text. Give it as UTF-8; rename a file whose name is not.")
        return BadInput.exit_code
    try:
        code = app(arguments, standalone_mode=False, prog_name="understudy")
        return code if isinstance(code, int) else 0
    except typer.Exit as exc:
        return exc.exit_code
    except TyperException as exc:
        words = exc.format_message() if hasattr(exc, "format_message") else str(exc)
        _complain(f"{words.rstrip('.')}. Add --help to see what the command takes.")
        return BadInput.exit_code
    except (typer.Abort, KeyboardInterrupt):
        _complain("Stopped. What was committed before is kept.")
        return 130
    except StudioError as exc:
        return _failed(exc, arguments)
    except OSError as exc:
        if exc.errno != 28:
            raise
        full = "There is no disk space left. What was committed before is kept; free some space and try again."
        return _failed(Failed(full), arguments)


def _unforeseen(exc: Exception) -> Failed:
    """A fault of the program itself: one sentence for the person, everything else in a file for whoever mends it."""
    said = f"This is a fault of Understudy itself ({type(exc).__name__}); what was committed before is kept."
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="understudy-fault-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            traceback.print_exception(exc, file=file)
    except OSError:
        return Failed(f"{said} Run the command again.")
    return Failed(f"{said} Please report it with the file {file.name}.")


def _failed(fault: StudioError, arguments: list[str]) -> int:
    if fault.exit_code == 1 and "--json" in arguments:
        sys.stdout.write(json.dumps({**fault.result, "error": fault.message}, ensure_ascii=False, default=str) + "\n")
    _complain(fault.message)
    return fault.exit_code


def _complain(message: str) -> None:
    sys.stderr.write(plain(" ".join(message.split())) + "\n")
