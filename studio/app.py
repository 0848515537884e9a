"""The composition root: settings -> Studio -> the web app, with the worker that runs its jobs."""

import os
import threading
from concurrent.futures import Future
from functools import partial

from fastapi import FastAPI

from studio.engine.backup import switch
from studio.engine.bin import Expire, Expiring
from studio.engine.jobs import Worker
from studio.engine.settings import Settings
from studio.engine.studio import RUNNER, Studio, open_studio


def create_app(settings: Settings | None = None, *, project: str = "default", worker: bool = True) -> FastAPI:
    """The app over one workspace. Gradio is told, before it is imported, to call nobody and to keep uploads in it."""
    settings = (settings or Settings()).prepare()
    switch(settings)  # What was restored takes its place before anything is opened.
    settings.prepare()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(settings.workspace / "uploads")
    opened: Future[Studio] = Future()
    threading.Thread(target=_open, args=(settings, project, opened), name="open", daemon=True).start()
    from studio.ui import auth, shell  # Takes seconds: the database is opened, and upgraded, meanwhile.

    studio = opened.result()
    background = (Worker(settings, studio.executor, whole=RUNNER.whole), Expiring(partial(_bins, studio)))
    key = auth.key_of(settings.workspace)
    return shell.build_app(studio, key=key, background=background if worker else ())


def _bins(studio: Studio) -> list[Expire]:
    return [studio.find(project.name).bin.expire for project in studio.projects.list()]


def _open(settings: Settings, project: str, opened: "Future[Studio]") -> None:
    try:
        opened.set_result(open_studio(settings, project))
    except BaseException as exc:
        opened.set_exception(exc)
