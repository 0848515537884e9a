"""The app and the command line start without the heavy libraries: only child processes load them."""

import subprocess
import sys

HEAVY = ("torch", "transformers", "trl", "peft", "accelerate", "llama_cpp", "datasets")


def loaded_by(*modules: str) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_no_heavy_library_is_loaded_by_the_app_or_the_command_line() -> None:
    rooms = ("prompts", "teachers", "traces", "datasets", "models", "studies", "jobs", "collect", "train",
             "demo", "setup")  # fmt: skip
    assert loaded_by("studio.app", "studio.engine.studio", *(f"studio.cli.{room}" for room in rooms)) == set()


def test_the_engine_loads_without_pages_and_without_what_only_some_commands_need() -> None:
    code = (
        "import sys, studio.engine.job_process;"
        "print([n for n in ('gradio', 'fastapi', 'aiohttp', 'numpy', 'openai', 'pyarrow') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == ["[]"]
