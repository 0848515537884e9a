"""What collecting needs to know of prompts: a source by its name."""

from typing import Protocol

from studio.engine.store.tables import PromptSource


class PromptSources(Protocol):
    def source(self, name: str) -> PromptSource:
        """The source of that name; raises NotFound."""
        ...
