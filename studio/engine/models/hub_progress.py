"""How far a download from the Hugging Face hub is, which its library tells to progress bars only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingface_hub.utils import tqdm

from studio.engine.domain.status import status

if TYPE_CHECKING:
    from studio.engine.jobs import Progress

BYTES, SENT = "B", ".transfer"


def counting_bar(progress: Progress) -> type[tqdm]:
    """A kind of bar that shows nothing and tells `progress` the bytes written. What `progress` raises ends the
    download; what was fetched stays in the hub's cache and is not fetched again."""

    class Counting(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self._counts = options.get("unit") == BYTES and not str(options.get("name", "")).endswith(SENT)
            self._fetched = int(options.get("initial") or 0)
            super().__init__(*arguments, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            if self._counts:
                self._fetched += int(n or 0)
                progress(self._fetched, int(self.total or 0) or None, status("bytes_fetched"))
            return super().update(n)

    return Counting
