"""Of the answers that one handler gives an open page, none to an earlier event replaces one to a later event.

Gradio holds back an event whose handler is under way, but it knows that only once the first has been sent: two changes
in one moment run side by side, and the answer about the form as it was may arrive last, and stay.

page.on(field.change, foresee, ...)     # `Page.on` has it so for all that is not pressed
"""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from studio.ui import gradio_adapter

PAGES = 1000
"""Open pages that are remembered; beyond that the one that was silent longest is forgotten."""

Updates = dict[Any, Any]


class Newest:
    """Which event of each open page has been answered last."""

    def __init__(self) -> None:
        self._answered: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def only(self, handler: Callable[..., Updates], nothing: Updates) -> Callable[..., Updates]:
        """The handler, whose answer is `nothing` when a later event of the page has been answered already."""

        @functools.wraps(handler)
        def call(*values: Any, **named: Any) -> Updates:
            page, number = gradio_adapter.arrival()
            updates = handler(*values, **named)
            return updates if not page or self._is_newest(page, number) else nothing

        return call

    def _is_newest(self, page: str, number: int) -> bool:
        with self._lock:
            if number < self._answered.get(page, 0):
                return False
            self._answered[page] = number
            self._answered.move_to_end(page)
            if len(self._answered) > PAGES:
                self._answered.popitem(last=False)
            return True
