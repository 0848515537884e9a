"""A project with something in every list that a form offers."""

import threading
from typing import Any

from studio.engine.teachers.plans import RunOptions


def small_project(site: Any, name: str, sums: int = 4) -> Any:
    """The Studio of a project with practice teachers, some prompts, a finished run of them and a dataset."""
    here = site.studio.at(name)
    filling = threading.Thread(target=_fill, args=(here, sums))
    filling.start()
    filling.join()
    return here


def _fill(here: Any, sums: int) -> None:
    here.teachers.add_practice()
    here.prompts.practice(["addition"], sums, 1, "sums")
    here.collecting.create("practice-plain", "sums", RunOptions(), name="run")
    here.collecting.run("run")
    here.datasets.freeze("plain", run="run")
