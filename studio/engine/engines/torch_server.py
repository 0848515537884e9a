"""Serves a model folder: `python -m studio.engine.engines.torch_server FOLDER` (started by `serving`)."""

import argparse
from pathlib import Path

from studio.engine.engines.engine import Engine
from studio.engine.engines.hosting import host
from studio.engine.engines.processes import leave


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path

    def load() -> Engine:
        from studio.engine.engines.torch_engine import TorchEngine

        return TorchEngine(path)

    return host(load)


if __name__ == "__main__":
    leave(main())
