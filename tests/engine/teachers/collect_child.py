"""A collector in a process of its own, for tests that kill it: `collect_child.py WORKSPACE RUN`."""

import sys
from pathlib import Path

from collecting_rooms import open_rooms

from studio.engine.settings import Settings

if __name__ == "__main__":
    open_rooms(Settings(workspace=Path(sys.argv[1]))).collecting.run(sys.argv[2])
