"""`understudy backup`: the whole workspace in one file, and a workspace made of such a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, open_studio_of, progress_line, settings_of, show
from studio.engine.errors import BadInput


def backup(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to write it; ends in .tar.gz.", metavar="FILE")] = None,
    restore: Annotated[
        Path | None, typer.Option(help="Make the workspace, which must be empty, from this backup.", metavar="FILE")
    ] = None,
    without_models: Annotated[
        bool, typer.Option("--without-models", help="Leave out models, checkpoints and exported files.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Copy the workspace into one file while it is worked with, or make one from such a file."""
    if (file is None) == (restore is None) or (restore is not None and without_models):
        raise BadInput("Name the file to write, or with --restore the one to read, and nothing else.")
    line = progress_line(patient=True)
    try:
        if restore is not None:
            from studio.engine.backup import restore as restored_from

            report: dict[str, Any] = restored_from(restore, settings_of(context), line)
        else:
            backups = open_studio_of(context).backups
            report = backups.run_here(file or Path(), without_models=without_models, on_progress=line)
    finally:
        line.close()
    show(context, report, json_, text=_told(report))


def _told(report: dict[str, Any]) -> str:
    if "restored" in report:
        first = f"{report['restored']} holds {report['files']:,} files of the backup. Not in it, and made anew:"
    else:
        first = f"{report['path']} holds {report['files']:,} files in {report['bytes']:,} bytes. Not in it:"
    more = [f"model '{name}', whose files lie outside the workspace" for name in report.get("outside", ())]
    more += [f"{name}, which was deleted meanwhile" for name in report.get("missing", ())]
    return "\n".join([first, *(f"- {words}" for words in (*report["left_out"], *more))])
