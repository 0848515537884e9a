"""Links that let one browser in, once: a file of the workspace for each, named by the digest of its secret."""

import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

LASTS = 600.0
"""Seconds within which a link is used."""
FIRST_LASTS = 86_400.0
"""The same of the link that the app prints when it is opened, which may be looked for later."""


@dataclass(frozen=True)
class OneTimeLinks:
    """The links of one workspace. Whoever may write in its folder, which is its owner, can make one."""

    workspace: Path

    def make(self, lasts: float = LASTS) -> str:
        """A new secret, good for that many seconds; old ones that nobody used are removed."""
        folder = self._folder
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.iterdir():
            if not _is_good(left):
                left.unlink(missing_ok=True)
        secret = secrets.token_urlsafe(32)
        path = self._path(secret)
        path.touch(mode=0o600, exist_ok=False)
        ends = time.time() + lasts
        os.utime(path, (ends, ends))
        return secret

    def use(self, secret: str) -> bool:
        """Whether the secret is one that nobody used yet; it is used now."""
        path = self._path(secret)
        is_good = _is_good(path)
        try:
            path.unlink()  # Of two that come at once one removes it.
        except FileNotFoundError:
            return False
        return is_good

    def take_back(self) -> None:
        """No link that was made so far is good any more."""
        if self._folder.is_dir():
            for left in self._folder.iterdir():
                left.unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return self.workspace / "links"

    def _path(self, secret: str) -> Path:
        return self._folder / hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _is_good(path: Path) -> bool:
    """Whether a link is there and its time, which its file carries, has not passed."""
    try:
        return 0 <= path.stat().st_mtime - time.time() <= FIRST_LASTS
    except FileNotFoundError:
        return False
