"""Serves a GGUF file: `python -m studio.engine.inference.llama_server FILE` (started by `serving`)."""

import argparse
import sys
from pathlib import Path

from studio.engine.inference.hosting import host
from studio.engine.models.asking import Engine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path

    def load() -> Engine:
        from studio.engine.models.llama_engine import LlamaEngine

        return LlamaEngine(path)

    return host(load)


if __name__ == "__main__":
    sys.exit(main())
