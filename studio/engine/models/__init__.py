"""The models of a project: bases, students and brought GGUF files, with what they are and where they came from."""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.models.bringing import from_hub
    from studio.engine.models.folder import FolderFacts, chat_template_of, read_folder
    from studio.engine.models.gguf_file import read_gguf
    from studio.engine.models.import_jobs import ModelImports
    from studio.engine.models.licence import OPEN_LICENCES, Verdict, verdict_of
    from studio.engine.models.locations import located
    from studio.engine.models.registry import Models
    from studio.engine.models.source import PRACTICE_BASE, ModelRef
    from studio.engine.models.weights import identity_of

__all__ = [
    "OPEN_LICENCES",
    "PRACTICE_BASE",
    "FolderFacts",
    "ModelImports",
    "ModelRef",
    "Models",
    "Verdict",
    "chat_template_of",
    "from_hub",
    "identity_of",
    "located",
    "read_folder",
    "read_gguf",
    "verdict_of",
]

__getattr__ = on_demand(
    __name__,
    {
        "bringing": ("from_hub",),
        "folder": ("FolderFacts", "chat_template_of", "read_folder"),
        "gguf_file": ("read_gguf",),
        "import_jobs": ("ModelImports",),
        "licence": ("OPEN_LICENCES", "Verdict", "verdict_of"),
        "locations": ("located",),
        "registry": ("Models",),
        "source": ("ModelRef", "PRACTICE_BASE"),
        "weights": ("identity_of",),
    },
)
