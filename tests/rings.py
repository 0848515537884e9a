"""A keyring for tests, and how it takes the place of the system's."""

from collections.abc import Iterator
from contextlib import contextmanager

import keyring
import keyring.backend
import keyring.errors


class InMemory(keyring.backend.KeyringBackend):
    """A keyring that forgets."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError


@contextmanager
def as_keyring(one: keyring.backend.KeyringBackend) -> Iterator[None]:
    """That is the system's keyring during the block."""
    before = keyring.get_keyring()
    keyring.set_keyring(one)
    yield
    keyring.set_keyring(before)
