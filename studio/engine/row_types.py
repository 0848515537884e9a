"""The rows that services return, for those above the engine to name. They hold no session; services change them."""

from studio.engine.store.tables import (
    Dataset,
    Job,
    Model,
    ModelFile,
    Operation,
    Person,
    Prompt,
    PromptSource,
    Run,
    Stage,
    StagePoint,
    Study,
    SystemMessage,
    Teacher,
)

__all__ = [
    "Dataset",
    "Job",
    "Model",
    "ModelFile",
    "Operation",
    "Person",
    "Prompt",
    "PromptSource",
    "Run",
    "Stage",
    "StagePoint",
    "Study",
    "SystemMessage",
    "Teacher",
]
