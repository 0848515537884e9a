"""Runs llama.cpp's converter: `python -m studio.engine.export.convert_child SCRIPT FOLDER OUT TYPE NAME`.

The converter allows models to bring code for their tokenizer, and may look things up on the hub. Neither happens here:
loading is forced to the code that transformers ships, and connecting to anything is refused.
"""

import logging
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from studio.engine.engines import die_with_parent, leave, report_to_parent


def main() -> None:
    script, folder, out, kind, name = sys.argv[1:]
    die_with_parent()
    sys.addaudithook(_refuse_network)
    _refuse_foreign_code()
    sys.argv = [script, folder, "--outfile", out, "--outtype", kind, "--model-name", name]
    sys.path.insert(0, str(Path(script).parent))
    faults = _Faults()
    logging.getLogger().addHandler(faults)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as exit_:
        if exit_.code:
            _give_up(faults.last or f"it ended with {exit_.code}")
    except NotImplementedError as exc:
        _give_up(str(exc) or "its kind is not supported")
    report_to_parent({"out": out})


class _Faults(logging.Handler):
    """Remembers the last error that the converter logged, which is all it says before it exits."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.last = record.getMessage()


def _give_up(reason: str) -> NoReturn:
    words = " ".join(reason.split())[:300].rstrip(".")
    report_to_parent(
        {"error": f"llama.cpp cannot convert this model ({words}). Use a model of a kind it knows.", "bad_input": True}
    )
    sys.exit(2)


def _refuse_network(event: str, _arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        raise PermissionError("converting a model needs no network, and none is allowed")


def _refuse_foreign_code() -> None:
    import transformers

    for name in ("AutoConfig", "AutoTokenizer", "AutoProcessor", "AutoModel", "AutoModelForCausalLM"):
        loader = getattr(transformers, name)
        loader.from_pretrained = _without_foreign_code(loader.from_pretrained)


def _without_foreign_code(load: Callable[..., Any]) -> Callable[..., Any]:
    def careful(*arguments: Any, **options: Any) -> Any:
        return load(*arguments, **{**options, "trust_remote_code": False})

    return careful


if __name__ == "__main__":
    main()
    leave(0)
