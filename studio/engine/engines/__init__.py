"""What answers on this machine: a folder in transformers or a GGUF file in llama.cpp, each in a process of its own.

`running(name, path)` serves one over HTTP for as long as a block lasts. Nothing here knows a registry or a database.
"""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.engines.engine import Ask, Completion, Engine, Inbox
    from studio.engine.engines.limited import LimitedChild, Limits, has_limits, read_in_child
    from studio.engine.engines.llama_engine import LlamaEngine
    from studio.engine.engines.machine import memory_bytes, nvidia_gpus
    from studio.engine.engines.model_limits import ModelLimits, deadline
    from studio.engine.engines.processes import (
        bare_environment,
        die_with_parent,
        leave,
        report_to_parent,
        run_child,
        threads_for,
    )
    from studio.engine.engines.serving import ModelProcess, running
    from studio.engine.engines.templates import ChatTemplate, without_generation_marks
    from studio.engine.engines.torch_engine import TorchEngine

__all__ = [
    "Ask",
    "ChatTemplate",
    "Completion",
    "Engine",
    "Inbox",
    "LimitedChild",
    "Limits",
    "LlamaEngine",
    "ModelLimits",
    "ModelProcess",
    "TorchEngine",
    "bare_environment",
    "deadline",
    "die_with_parent",
    "has_limits",
    "leave",
    "memory_bytes",
    "nvidia_gpus",
    "read_in_child",
    "report_to_parent",
    "run_child",
    "running",
    "threads_for",
    "without_generation_marks",
]

__getattr__ = on_demand(
    __name__,
    {
        "engine": ("Ask", "Completion", "Engine", "Inbox"),
        "limited": ("LimitedChild", "Limits", "has_limits", "read_in_child"),
        "llama_engine": ("LlamaEngine",),
        "machine": ("memory_bytes", "nvidia_gpus"),
        "model_limits": ("ModelLimits", "deadline"),
        "processes": ("bare_environment", "die_with_parent", "leave", "report_to_parent", "run_child", "threads_for"),
        "serving": ("ModelProcess", "running"),
        "templates": ("ChatTemplate", "without_generation_marks"),
        "torch_engine": ("TorchEngine",),
    },
)
