"""The key of a teacher: read from the environment variable it names when it is needed, and kept out of every text."""

import os

from studio.engine.errors import BadInput
from studio.engine.store.tables import Teacher

NO_KEY = "none"
"""Sent where a teacher needs no key, since the protocol's client insists on one."""


def key_of(teacher: Teacher) -> str:
    """The key, or a placeholder. Raises BadInput when the variable that the teacher names is not set."""
    if not teacher.api_key_env:
        return NO_KEY
    key = os.environ.get(teacher.api_key_env, "").strip()
    if not key:
        raise BadInput(
            f"The variable {teacher.api_key_env}, which holds the key of the teacher '{teacher.name}', is not set. "
            f"Set it and start again, for example: export {teacher.api_key_env}=..."
        )
    if not key.isascii() or any(character.isspace() for character in key):
        raise BadInput(
            f"The variable {teacher.api_key_env} holds a space or a character that no key has. Copy the key once more."
        )  # fmt: skip
    return key


def key_state(teacher: Teacher) -> str:
    """`none` when no key is needed, else whether the variable is `set` or `missing` in this process."""
    if not teacher.api_key_env:
        return "none"
    return "set" if os.environ.get(teacher.api_key_env, "").strip() else "missing"


def without_key(text: str, key: str) -> str:
    """Outside text in which the key, if it is repeated there, is blotted out."""
    return text if key == NO_KEY else text.replace(key, "[key]")
