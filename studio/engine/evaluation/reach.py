"""Whom a raters' link can reach, by the host in it."""

from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

AT_HOME = (".local", ".lan", ".home.arpa", ".internal")
"""Ends of names that only a local network knows."""


class Reach(StrEnum):
    MACHINE = "machine"
    """Browsers on this machine, and nobody else."""
    NETWORK = "network"
    """Devices of the same network."""
    PUBLIC = "public"
    """Anybody who has the link."""

    @property
    def words(self) -> str:
        """Whom it reaches and how to share it, for a terminal."""
        return WORDS[self]


WORDS: dict[str, str] = {
    Reach.MACHINE: (
        "It opens on this machine only. To let others rate, put a proxy before the app and start it with "
        "`understudy open --public-url ADDRESS`; raters' pages answer there, and nothing else."
    ),
    Reach.NETWORK: "It opens for devices of this network only. Send it to people who are on it.",
    Reach.PUBLIC: "It opens for anybody who has it. Send it to your raters; make links for one person each with "
    "`understudy studies invite`.",
}


def reach_of(link: str) -> Reach:
    """Of an address such as `https://rate.example.org/r/TOKEN`."""
    host = (urlsplit(link).hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return Reach.MACHINE
    try:
        address = ip_address(host)
    except ValueError:
        return Reach.NETWORK if "." not in host or host.endswith(AT_HOME) else Reach.PUBLIC
    if address.is_loopback:
        return Reach.MACHINE
    return Reach.NETWORK if address.is_private or address.is_link_local else Reach.PUBLIC
