"""Runs one invention of a workspace in a process that a test can kill: `python invent_child.py WORKSPACE NAME`."""

import sys
from pathlib import Path

from collecting_rooms import open_rooms
from inventing import inventions_of

from studio.engine.settings import Settings

if __name__ == "__main__":
    print(inventions_of(open_rooms(Settings(workspace=Path(sys.argv[1])))).run_as_job(sys.argv[2]))
