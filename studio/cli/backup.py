"""`understudy backup`: the whole workspace in one file, and a workspace made of such a file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, ProgressLine, open_studio_of, progress_line, settings_of, show
from studio.engine.errors import BadInput


def backup(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to write it; ends in .tar.gz.", metavar="FILE")] = None,
    restore: Annotated[
        Path | None, typer.Option(help="Make the workspace, which must be empty, from this backup.", metavar="FILE")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="With --restore: take the place of a workspace that holds something; that is kept beside it.",
        ),
    ] = False,
    look: Annotated[Path | None, typer.Option(help="Only show what is in this backup.", metavar="FILE")] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel-restore", help="Keep the workspace: what was to take its place is removed.")
    ] = False,
    without_models: Annotated[
        bool, typer.Option("--without-models", help="Leave out models, checkpoints and exported files.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Copy the workspace into one file while it is worked with, or make one from such a file."""
    wanted = [file is not None, restore is not None, look is not None, cancel]
    if sum(wanted) != 1 or (without_models and file is None) or (replace and restore is None):
        raise BadInput("Name the file to write, or with --restore the one to read, and nothing else.")
    line = progress_line(patient=True)
    try:
        if file is not None:
            backups = open_studio_of(context).backups
            report = backups.run_here(file, without_models=without_models, on_progress=line)
        elif look is not None:
            report = _looked_at(context, look, line)
        elif restore is not None:
            report = _replaced(context, restore, line) if replace else _restored(context, restore, line)
        else:
            open_studio_of(context).restores.cancel()
            report = {"waiting": None}
    finally:
        line.close()
    show(context, report, json_, text=_told(report))


def _restored(context: typer.Context, archive: Path, line: ProgressLine) -> dict[str, Any]:
    from studio.engine.backup import restore as restored_from

    return restored_from(archive, settings_of(context), line)


def _replaced(context: typer.Context, archive: Path, line: ProgressLine) -> dict[str, Any]:
    """At once where nobody else has the workspace open, else when the app starts next."""
    from studio.engine.backup import LEFT_OUT, holds_something, switch

    settings = settings_of(context)
    if not holds_something(settings.workspace.expanduser()):
        return _restored(context, archive, line)
    studio = open_studio_of(context)
    try:
        waiting = studio.restores.run_here(archive, on_progress=line)
        studio.restores.confirm(waiting.prepared_at)
    finally:
        studio.close()
    done = switch(settings)
    return {
        "restored": str(settings.workspace) if done else None, "before": done.before if done else None,
        "waiting": None if done else waiting.archive, "files": waiting.holding.files, "bytes": waiting.holding.bytes,
        "left_out": list(LEFT_OUT), "without_models": waiting.holding.without_models,
    }  # fmt: skip


def _looked_at(context: typer.Context, archive: Path, line: ProgressLine) -> dict[str, Any]:
    return open_studio_of(context).restores.look(archive, line).as_dict()


def _told(report: dict[str, Any]) -> str:
    if "projects" in report:
        return _holding_told(report)
    if report.get("waiting"):
        first = (
            f"{report['waiting']} is unpacked and takes the place of this workspace, which is kept beside it, when the "
            "app is started next: somebody has this one open. `understudy backup --cancel-restore` keeps this one. Not "
            "in it, and made anew:"
        )
    elif report.get("restored"):
        kept = f" What was there before is kept in {before}." if (before := report.get("before")) else ""
        first = f"{report['restored']} holds {report['files']:,} files of the backup.{kept} Not in it, and made anew:"
    elif "waiting" in report:
        return "This workspace stays: nothing waits to take its place."
    else:
        first = f"{report['path']} holds {report['files']:,} files in {report['bytes']:,} bytes. Not in it:"
    more = [f"model '{name}', whose files lie outside the workspace" for name in report.get("outside", ())]
    more += [f"{name}, which was deleted meanwhile" for name in report.get("missing", ())]
    return "\n".join([first, *(f"- {words}" for words in (*report["left_out"], *more))])


def _holding_told(report: dict[str, Any]) -> str:
    made = datetime.fromtimestamp(report["made_at"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    models = ", without models" if report["without_models"] else ""
    first = f"Made {made} by version {report['version']}: {report['files']:,} files, {report['bytes']:,} bytes{models}."
    return "\n".join([first, *(f"- {_project_told(dict(one))}" for one in report["projects"])])


def _project_told(project: dict[str, Any]) -> str:
    return f"{project.pop('name')}: {', '.join(f'{what} {count:,}' for what, count in project.items())}"
