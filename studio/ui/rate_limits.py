"""How many new raters and votes the raters' pages take in a minute, from one address and for one study.

limits = RateLimits()
limits.votes.take(study, address)      # False: too many, come back in a moment
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request

NEW_PER_ADDRESS, NEW_PER_STUDY = 15, 60
"""A class behind one address comes in within two minutes; a script makes no more raters than that."""
VOTES_PER_ADDRESS, VOTES_PER_STUDY = 120, 1200
REMEMBERED = 10_000
"""Addresses of which something is known. The one heard of longest ago goes first: its bucket is full again."""


@dataclass
class Limit:
    """A token bucket for each key: a minute's worth at once, refilled evenly."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[tuple[str, ...], tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, *key: str) -> bool:
        """Takes one; False, and nothing taken, where there is none left."""
        with self._lock:
            now = self.clock()
            left, at = self._buckets.pop(key, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - at) * self.per_minute / 60)
            is_free = left >= 1
            self._buckets[key] = (left - 1 if is_free else left, now)
            while len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
            return is_free


@dataclass(frozen=True)
class Both:
    """A limit for each address at a study, and one for the study whoever comes."""

    address: Limit
    study: Limit

    def take(self, study: str, address: str) -> bool:
        return self.address.take(study, address) and self.study.take(study)


@dataclass(frozen=True)
class RateLimits:
    """The limits of one app; it has one process, so they are kept in memory."""

    newcomers: Both = field(default_factory=lambda: Both(Limit(NEW_PER_ADDRESS), Limit(NEW_PER_STUDY)))
    votes: Both = field(default_factory=lambda: Both(Limit(VOTES_PER_ADDRESS), Limit(VOTES_PER_STUDY)))


def is_public(request: Request, public_url: str) -> bool:
    """Whether a request came to the public address, by the proxy that stands there."""
    place = urlsplit(public_url).netloc.lower()
    return bool(place) and request.headers.get("host", "").lower() == place


def address_of(request: Request, public_url: str) -> str:
    """Whose request it is: of one that came to the public address what its proxy added last to X-Forwarded-For, of any
    other whoever connected. An IPv6 network counts as one, since whoever has one has all its addresses."""
    peer = request.client.host if request.client else ""
    if is_public(request, public_url):
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        peer = forwarded.rpartition(",")[2].strip() or peer
    try:
        found = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:64]
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(found.ipv4_mapped or found) if found.version == 6 else str(found)
