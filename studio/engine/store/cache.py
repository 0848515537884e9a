"""What was computed from rows, kept in this process for as long as those rows are as they were."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 256


class Cache:
    """`get(about, version, make)` makes a value once for each version of what it is about."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, about: Hashable, version: Hashable, make: Callable[[], T]) -> T:
        """The value for this version. Two who ask at once may both make it; a value that was made is never changed."""
        with self._lock:
            kept = self._kept.get(about)
        if kept is not None and kept[0] == version:
            return kept[1]  # type: ignore[no-any-return]
        value = make()
        with self._lock:
            self._kept[about] = version, value
            self._kept.move_to_end(about)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value

    def forget(self, about: Hashable) -> None:
        """What is asked for next is made anew."""
        with self._lock:
            self._kept.pop(about, None)
