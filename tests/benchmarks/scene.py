"""What the benchmarks' server does to each request: how late it answers, and which faults it draws, from a seed."""

import argparse
from dataclasses import dataclass, fields
from hashlib import blake2b

GOOD, LIMITED, ERROR, MALFORMED, HANG = "good", "limited", "error", "malformed", "hang"
OVER_LIMIT, DOWN = "over_limit", "down"
"""Refused because the sliding minute was full, or because it was a time of outage; everything else is drawn."""

PROMPT_TOKENS, ANSWER_TOKENS = 60, 150
"""What every answer says that it used."""


@dataclass(frozen=True)
class Scene:
    """Shares are between 0 and 1, times in seconds, limits per sliding minute (0: none)."""

    latency: float = 0.0
    jitter: float = 0.0
    slow_share: float = 0.0
    slow_seconds: float = 10.0
    limited_share: float = 0.0
    retry_after: float = 1.0
    retry_after_share: float = 0.5
    error_share: float = 0.0
    malformed_share: float = 0.0
    hang_share: float = 0.0
    down_from: float = 0.0
    down_seconds: float = 0.0
    down_status: int = 502
    """An outage, counted from the first request, in which everything is answered with this status."""
    seed: int = 7
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    headers: str = "none"
    """x-ratelimit headers, in one of the styles of `limit_headers`."""
    advertised: int = 0
    """The requests a minute that the headers speak of; 0: those that are enforced."""


@dataclass(frozen=True)
class Outcome:
    """What becomes of one request."""

    kind: str
    latency: float
    retry_after: float | None = None


def outcome_of(scene: Scene, row: int, number: int) -> Outcome:
    """The outcome of a row's attempt, from 0: the same for the same seed, however the requests interleave."""
    drawn = {name: _drawn(scene.seed, name, row, number) for name in ("fault", "late", "wait")}
    slow = scene.slow_share and _drawn(scene.seed, "slow", row, 0) < scene.slow_share
    latency = scene.slow_seconds if slow else scene.latency + scene.jitter * (2 * drawn["late"] - 1)
    kind = _fault(scene, drawn["fault"])
    if kind == LIMITED:
        named = scene.retry_after if drawn["wait"] < scene.retry_after_share else None
        return Outcome(kind, min(latency, 0.01), named)
    return Outcome(kind, max(0.0, latency))


def is_plain(scene: Scene) -> bool:
    """Whether every request has the same outcome, so that none need be drawn."""
    shares = (scene.slow_share, scene.limited_share, scene.error_share, scene.malformed_share, scene.hang_share)
    return not any(shares) and not scene.jitter


def add_options(parser: argparse.ArgumentParser) -> None:
    """One option for each field of a scene."""
    for field in fields(Scene):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)


def scene_of(options: argparse.Namespace) -> Scene:
    return Scene(**{field.name: getattr(options, field.name) for field in fields(Scene)})


def as_arguments(scene: Scene) -> list[str]:
    """The options that make this scene."""
    pairs = [(field.name, getattr(scene, field.name)) for field in fields(Scene)]
    return [part for name, value in pairs for part in (f"--{name.replace('_', '-')}", str(value))]


def _fault(scene: Scene, drawn: float) -> str:
    shares = (
        (LIMITED, scene.limited_share), (ERROR, scene.error_share),
        (MALFORMED, scene.malformed_share), (HANG, scene.hang_share),
    )  # fmt: skip
    for kind, share in shares:
        if drawn < share:
            return kind
        drawn -= share
    return GOOD


def _drawn(seed: int, name: str, row: int, number: int) -> float:
    """A number from 0 up to 1."""
    digest = blake2b(f"{seed}:{name}:{row}:{number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56
