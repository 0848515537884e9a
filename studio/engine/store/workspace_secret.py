"""Secrets of a workspace: files that only its owner can read, made once, whoever comes first."""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

SHORTEST = 32
RATERS = "raters.key"
"""Signs the cookies of raters and decides the order in which they see pairs."""


def secret_of(workspace: Path, name: str) -> str:
    """The secret in that file of the workspace, made on first use. A file that holds none is replaced.

    It appears whole: it is written beside its place and linked there, so that of several processes one makes it and
    the others read what that one made.
    """
    path = workspace / name
    while len(kept := _read(path)) < SHORTEST:
        draft = path.with_name(f".{name}-{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            if path.exists():
                draft.replace(path)  # It held no secret.
            else:
                with contextlib.suppress(FileExistsError):
                    os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    return kept


def signature(secret: str, said: str) -> str:
    """What only somebody with the secret can put beside these words, as 64 hexadecimal digits."""
    return hmac.new(secret.encode(), said.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def is_signed(secret: str, said: str, proof: str) -> bool:
    """Whether `proof` is the signature of these words."""
    return hmac.compare_digest(signature(secret, said).encode(), proof.encode(errors="surrogatepass"))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        return ""
