"""What of a prompt decides which system messages it is asked under."""

from typing import NamedTuple, Self

from studio.engine.store.tables import Prompt


class PromptTraits(NamedTuple):
    """A prompt without its text."""

    id: int
    position: int
    digest: bytes
    collection: str
    task: str | None

    @classmethod
    def of(cls, prompt: Prompt, source_name: str) -> Self:
        """A prompt that no mixture sampled is of the collection that its source is."""
        collection = prompt.collection if prompt.collection is not None else source_name
        task = prompt.task if prompt.task is not None else prompt.family
        return cls(prompt.id or 0, prompt.position, prompt.digest, collection, task)
