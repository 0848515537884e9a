"""`understudy open`: the app in this machine's browser, for this person only."""

import os
import socket
import threading
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from studio.cli.output import note, settings_of
from studio.engine.errors import BadInput


def command(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the link.")] = False,
) -> None:
    """Opens the app: prints a link that lets one browser in, and serves until Ctrl-C."""
    settings = settings_of(context).prepare()
    listener = _listen(settings.port if port is None else port)
    number = listener.getsockname()[1]
    settings = settings.model_copy(update={"port": number})

    import uvicorn

    from studio.app import create_app
    from studio.ui.auth import key_of

    app = create_app(settings, project=(context.obj or {}).get("project") or "default")
    link = f"http://127.0.0.1:{number}/?token={key_of(settings.workspace).token}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3, server_header=False))
    threading.Thread(
        target=_announce, args=(server, link, None if no_browser else settings.workspace), daemon=True
    ).start()
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()


def _listen(port: int) -> socket.socket:
    """Takes the port before anything slow happens. Raises BadInput when someone else has it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError as exc:
        listener.close()
        raise BadInput(
            f"Port {port} cannot be used ({exc.strerror}): another program, perhaps another `understudy open`, has it. "
            "Choose another with --port, or --port 0 for any free one."
        ) from exc
    return listener


def _announce(server: "object", link: str, workspace: Path | None) -> None:
    """Prints the link once the server answers, and opens it."""
    while not getattr(server, "started", False):
        if getattr(server, "should_exit", False):
            return
        time.sleep(0.02)
    print(link, flush=True)
    note("Understudy is open at this link. Ctrl-C closes it; work that runs is kept.")
    if workspace is not None:
        webbrowser.open(_doorway(link, workspace).as_uri())


def _doorway(link: str, workspace: Path) -> Path:
    """A page that only its owner can read and that leads to the link: everyone on the machine can see a browser's
    arguments, and the token must not be among them."""
    path = workspace / "open.html"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={link}">')
        file.write(f'<a href="{link}">Understudy</a>')
    return path
