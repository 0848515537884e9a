"""Running a local teacher: binds a loopback port, prints its base URL, and serves until it is stopped."""

import errno
import os
import secrets
import socket
import sys
import threading

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.engine.errors import BadInput

HOST = "127.0.0.1"
KEPT_OPEN = 120
"""Seconds for which an idle connection stays open: longer than a client keeps one, so that no question is sent into a
connection that is being closed."""


def bind(port: int) -> socket.socket:
    """A listening loopback socket; port 0 takes any free one. Raises BadInput when the port cannot be had."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(512)
    except (OSError, OverflowError) as exc:
        listener.close()
        if getattr(exc, "errno", None) == errno.EADDRINUSE:
            raise BadInput(
                f"Port {port} on {HOST} is in use. Choose another with --port, or 0 for any free one."
            ) from exc
        raise BadInput(f"Port {port} on {HOST} cannot be used ({exc}). Choose another with --port.") from exc
    return listener


def serve(app: ASGIApp, port: int = 0, *, until_input_ends: bool = False) -> None:
    """Prints `http://127.0.0.1:PORT/v1` once connections are accepted, then serves until Ctrl-C or a termination.

    With `until_input_ends` it also stops when standard input closes, which is how a child process notices that the
    process that started it is gone, however that one ended. Only that process is answered then: the address is
    `http://127.0.0.1:PORT/SECRET/v1`, which it alone is told.
    """
    prefix = ""
    if until_input_ends:
        secret = secrets.token_urlsafe(24)
        app, prefix = behind(secret, app), f"/{secret}"
    listener = bind(port)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2,
        timeout_keep_alive=KEPT_OPEN,
    )  # fmt: skip
    server = uvicorn.Server(config)
    if until_input_ends:
        threading.Thread(target=_stop_when_input_ends, args=(server,), daemon=True).start()
    print(f"http://{HOST}:{listener.getsockname()[1]}{prefix}/v1", flush=True)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def behind(secret: str, app: ASGIApp) -> ASGIApp:
    """The app at `/SECRET`; whoever does not know the secret, another account of this machine or a page in a browser,
    finds nothing."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        said, _, rest = scope["path"].removeprefix("/").partition("/")
        if secrets.compare_digest(said.encode(), secret.encode()):
            await app({**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}, receive, send)
        else:
            await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)

    return guarded


def _stop_when_input_ends(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 1024):  # reading sys.stdin itself would hold its lock at exit
        pass
    server.should_exit = True
