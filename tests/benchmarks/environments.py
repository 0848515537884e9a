"""Makes the virtual environments of the tools that throughput is compared with, from PyPI, outside the repository.

`python tests/benchmarks/environments.py [--folder DIR]`; a second run does nothing again. Neither needs torch, and a
constraint keeps it out.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = {
    "distilabel": ["distilabel[openai]==1.5.3", "requests"],
    "curator": ["bespokelabs-curator==0.1.31"],
}
KEPT_OUT = "torch<0\nvllm<0\n"
FOLDER = Path(os.environ.get("BENCH_ENVIRONMENTS") or Path(tempfile.gettempdir()) / "understudy-bench-environments")


def python_of(name: str, folder: Path = FOLDER) -> Path | None:
    """The interpreter of an environment, or None while it is not there."""
    python = folder / name / "bin" / "python"
    return python if (folder / name / "ready").is_file() else None


def make(name: str, folder: Path) -> None:
    """A fresh environment with its packages; marked ready when it is whole."""
    environment, constraint = folder / name, folder / "kept-out.txt"
    folder.mkdir(parents=True, exist_ok=True)
    constraint.write_text(KEPT_OUT, "utf-8")
    subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--constraint", str(constraint), *PACKAGES[name]], check=True)
    (environment / "ready").write_text("\n".join(PACKAGES[name]) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    for name in PACKAGES:
        if python_of(name, folder) is None:
            make(name, folder)
        print(f"{name}: {python_of(name, folder)}")


if __name__ == "__main__":
    main()
