"""What a model's server process does: loads, prints its address or why it cannot, serves, and dies with its parent."""

import json
import secrets
import sys
import threading
import traceback
from collections.abc import Callable

import uvicorn

from studio.engine.engines.completions import model_app
from studio.engine.engines.engine import Engine, Inbox
from studio.engine.engines.processes import die_with_parent
from studio.engine.errors import StudioError
from studio.engine.practice import HOST, KEPT_OPEN, bind


def host(load: Callable[[], Engine]) -> int:
    """Prints `http://127.0.0.1:PORT/SECRET/v1`, or `{"error": ...}` when the model cannot be loaded; then serves."""
    die_with_parent()
    try:
        engine = load()
    except StudioError as error:
        print(json.dumps({"error": error.message}), flush=True)
        return error.exit_code
    inbox, secret = Inbox(), secrets.token_urlsafe(24)
    threading.Thread(target=_work, args=(engine, inbox), daemon=True).start()
    listener = bind(0)
    server = uvicorn.Server(
        uvicorn.Config(
            model_app(engine.name, inbox, secret),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=KEPT_OPEN,
        )
    )
    print(f"http://{HOST}:{listener.getsockname()[1]}/{secret}/v1", flush=True)
    server.run(sockets=[listener])
    return 0


def _work(engine: Engine, inbox: Inbox) -> None:
    """Answers for ever. A failure has been told to whoever asked; the next ones get a fresh start."""
    while True:
        try:
            engine.serve(inbox)
        except Exception:
            traceback.print_exc(file=sys.stderr)
