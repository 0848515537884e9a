"""Entries for limited children that misbehave in every way that a parser can."""

import os
import time
from collections.abc import Callable, Iterator


def echo(value: object) -> object:
    return value


def fills_memory() -> int:
    return len([bytes(1 << 26) for _ in range(1000)])


def loops() -> None:
    while True:
        pass


def sleeps(seconds: float) -> str:
    time.sleep(seconds)
    return "late"


def dies(signal: int) -> None:
    os.kill(os.getpid(), signal)


def prints() -> str:
    print("a library's own words")
    os.write(1, b"and those of native code\n")
    return "kept"


def endless() -> Iterator[dict[str, int]]:
    while True:
        yield {}


def one_large(size: int) -> str:
    return "x" * size


def asked() -> Callable[[int], int]:
    return lambda number: number + 1
