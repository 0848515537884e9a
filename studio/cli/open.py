"""`understudy open`: the app in this machine's browser, for this person only."""

import os
import socket
import threading
import time
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from studio.cli.output import note, settings_of
from studio.engine.errors import BadInput
from studio.engine.settings import Settings
from studio.engine.store import PLAIN_HOST, address_of, open_address, opened_on


def command(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the link.")] = False,
    plain_host: Annotated[
        bool,
        typer.Option(
            "--plain-host",
            help="Answer to 127.0.0.1, for a browser that does not know names in .localhost. Other programs of this "
            "machine that serve pages on 127.0.0.1 are then sent the cookie that opens the studio.",
        ),
    ] = False,
    public_url: Annotated[
        str | None, typer.Option(help="Address of a proxy at which raters' pages answer, and nothing else.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link for an app that is open: good for once, for ten minutes.")
    ] = False,
) -> None:
    """Opens the app: prints a link that lets one browser in, once, and serves until Ctrl-C."""
    settings = settings_of(context).prepare()
    if link:
        _print_fresh(settings)
        return
    listener = _listen(settings.port if port is None else port)
    number = listener.getsockname()[1]
    settings = _with(settings, port=number, plain_host=plain_host or settings.plain_host, public_url=public_url)

    import uvicorn

    from studio.app import create_app
    from studio.ui.closing import EndsStreams
    from studio.ui.one_time_links import FIRST_LASTS, OneTimeLinks

    app = create_app(settings, project=(context.obj or {}).get("project") or "default")
    first = f"{address_of(settings, number)}/?token={OneTimeLinks(settings.workspace).make(FIRST_LASTS)}"
    # What a proxy says of an address is believed at the public address alone: see `studio.ui.rate_limits`.
    served = uvicorn.Config(
        EndsStreams(app, lambda: server.should_exit), log_level="warning", timeout_graceful_shutdown=3,
        server_header=False, proxy_headers=False,
    )  # fmt: skip
    server = uvicorn.Server(served)
    threading.Thread(
        target=_announce, args=(server, first, None if no_browser else settings.workspace), daemon=True
    ).start()
    try:
        with opened_on(settings, number):
            server.run(sockets=[listener])
    finally:
        listener.close()


def _print_fresh(settings: Settings) -> None:
    """Raises BadInput when no app of the workspace is open."""
    from studio.ui.one_time_links import OneTimeLinks

    address = open_address(settings)
    if address is None:
        raise BadInput("No app of this workspace is open on this machine. Start it with `understudy open`.")
    print(f"{address}/?token={OneTimeLinks(settings.workspace).make()}", flush=True)


def _with(settings: Settings, **given: Any) -> Settings:
    """The settings with what was given on the command line. Raises BadInput for what cannot be."""
    try:
        return Settings.model_validate({**settings.model_dump(), **{k: v for k, v in given.items() if v is not None}})
    except ValidationError as exc:
        raise BadInput(str(exc.errors()[0]["ctx"]["error"])) from exc


def _listen(port: int) -> socket.socket:
    """Takes the port before anything slow happens. Raises BadInput when someone else has it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((PLAIN_HOST, port))
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
    note(
        "Understudy is open at this link. Ctrl-C closes it; work that runs is kept. If the browser does not find its "
        "host, use --plain-host."
    )
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
