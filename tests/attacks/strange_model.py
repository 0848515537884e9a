"""A child that works on a model and misbehaves as a hostile one may: `python -m strange_model HOW [FILE]`."""

import resource
import sys
import time
from pathlib import Path

from studio.engine.engines import die_with_parent, report_to_parent


def main() -> None:
    how = sys.argv[1]
    die_with_parent()
    if how == "sleeps":
        time.sleep(600)
    elif how == "fills_memory":
        kept = [bytes(1 << 24) for _ in range(10_000)]
        report_to_parent({"kept": len(kept)})
    elif how == "writes":
        with Path(sys.argv[2]).open("wb") as file:
            for _ in range(32):
                file.write(bytes(1 << 20))
    kinds = (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)
    report_to_parent({"limits": [resource.getrlimit(kind)[0] for kind in kinds]})


if __name__ == "__main__":
    main()
