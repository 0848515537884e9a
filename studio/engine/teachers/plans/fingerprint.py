"""What makes two questions the same: sixteen bytes over everything that shapes the answer, and nothing else."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from studio.engine.domain import fingerprints
from studio.engine.store.tables import Teacher
from studio.engine.teachers.local import is_local


def identity(teacher: Teacher) -> str:
    """Who answers, whatever port it happens to listen on.

    A hosted service is its address without the scheme; an embedded teacher is its own address. Any number of servers
    may share one machine or private network and move between ports, so there the teacher's name says who it is.
    """
    if is_local(teacher.base_url):
        return teacher.base_url
    parts = urlsplit(teacher.base_url)
    host = (parts.hostname or "").lower()
    if _is_private(host):
        return f"name:{teacher.name}"
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    return f"{host}{port}{parts.path.rstrip('/')}{'?' + parts.query if parts.query else ''}"


def fingerprint(teacher: Teacher, messages: list[dict[str, Any]], parameters: dict[str, Any], sample: int) -> bytes:
    """16 bytes of the teacher's identity and model, all messages, the decoding parameters and the sample's number."""
    return fingerprint_of(identity(teacher), teacher.model, messages, parameters, sample)


def fingerprint_of(
    who: str, model: str, messages: list[dict[str, Any]], parameters: dict[str, Any], sample: int
) -> bytes:
    """The same, for many questions to a teacher whose `identity` is already known."""
    return fingerprints.fingerprint_of(who, model, messages, parameters, sample)


def _is_private(host: str) -> bool:
    if ("." not in host and ":" not in host) or host.endswith((".local", ".localhost", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
