"""The composition root: settings -> Studio -> the web app, with the worker that runs its jobs."""

import os

from fastapi import FastAPI

from studio.engine.jobs.worker import Worker
from studio.engine.settings import Settings
from studio.engine.studio import open_studio


def create_app(settings: Settings | None = None, *, project: str = "default", worker: bool = True) -> FastAPI:
    """The app over one workspace. Gradio is told, before it is imported, to call nobody and to keep uploads in it."""
    settings = (settings or Settings()).prepare()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(settings.workspace / "uploads")
    from studio.ui import auth, shell

    studio = open_studio(settings, project)
    background = Worker(settings) if worker else None
    return shell.build_app(studio, key=auth.key_of(settings.workspace), background=background)
