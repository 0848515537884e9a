"""What passes between the studio and a teacher: address and key, question and reply, faults and when to ask again."""

from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.faults import Fault, FaultKind
from studio.engine.teachers.wire.keys import NO_KEY, check_allowed, has_keyring, key_state, last_of, set_key

__all__ = [
    "NO_KEY",
    "Endpoint",
    "Fault",
    "FaultKind",
    "check_allowed",
    "has_keyring",
    "key_state",
    "last_of",
    "set_key",
]
