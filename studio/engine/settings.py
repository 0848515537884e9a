"""Typed settings. This is the only place that reads the environment."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit

import platformdirs
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from studio.engine.errors import BadInput

URL_PLAIN = "/\\: "
"""What a path keeps as it is in the URL of a database."""
RESTORED, SWITCHING = "workspace", "switching"
"""In the folder where a restored workspace waits: it, and what says that the one before was put aside for it."""
PACKAGE = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Read from variables that start with `UNDERSTUDY_`; command-line options override them."""

    model_config = SettingsConfigDict(env_prefix="UNDERSTUDY_", extra="ignore", frozen=True)

    workspace: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("understudy", appauthor=False)))
    database_url: str = ""
    """SQLAlchemy URL of a PostgreSQL database; empty means SQLite in the workspace."""
    port: int = 7860
    plain_host: bool = False
    """Answers to 127.0.0.1 instead of the workspace's own name, for browsers that do not know names in .localhost."""
    public_url: str = ""
    """Another address, of a proxy before the app, at which raters' pages answer and nothing else."""
    language: str = "en"
    tools: Path = Path(sys.prefix) / "share" / "understudy"
    """Where `understudy setup` keeps the GGUF converter: beside the environment."""
    synchronous: str = "NORMAL"
    """SQLite's durability against a power cut: NORMAL may cost the last moments' commits, FULL none."""
    allowed_key_variables: str = "*"
    """The key sources that teachers may name, separated by commas: a hosted instance lists them, `*` permits all."""
    allowed_roots: str = ""
    """The folders in which users may name files, separated as in PATH: a hosted instance lists them, empty is all."""
    batch_requests: int = Field(default=50_000, ge=1)
    """How many questions one file for a Batch API may hold, and below how many bytes it has to be."""
    batch_bytes: int = Field(default=200_000_000, ge=1_000)
    parser_memory_mb: int = Field(default=2_048, ge=256)
    """Megabytes of memory that a process may use which reads a file of strangers: Parquet, GGUF, a tokenizer."""

    model_memory_mb: int = Field(default=0, ge=0)
    """Megabytes of memory that a process may use which loads or converts a model; 0 is by the model's size and the
    machine."""

    @property
    def url(self) -> str:
        """Of a database; a folder may be called what would mean something in a URL."""
        return self.database_url or f"sqlite:///{quote(str(self.workspace / 'understudy.db'), safe=URL_PLAIN)}"

    @property
    def permitted_keys(self) -> tuple[str, ...] | None:
        """The key sources that teachers may name; None, as on one's own machine, for all."""
        names = tuple(name.strip() for name in self.allowed_key_variables.split(",") if name.strip())
        return None if "*" in names else names

    @property
    def roots(self) -> tuple[Path, ...] | None:
        """The folders that users may name paths in; None, as on one's own machine, for all."""
        folders = tuple(Path(folder) for folder in self.allowed_roots.split(os.pathsep) if folder.strip())
        return folders or None

    @property
    def restored(self) -> Path:
        """The folder beside the workspace in which a restored one waits for its place."""
        workspace = self.workspace.expanduser().resolve()
        return workspace.with_name(f".{workspace.name}-restored")

    @property
    def artifacts(self) -> Path:
        return self.workspace / "artifacts"

    @property
    def logs(self) -> Path:
        return self.workspace / "logs"

    @property
    def assets(self) -> Path:
        """The folder of shipped files: inside the installed package, or beside it in a checkout."""
        inside = PACKAGE / "assets"
        return inside if inside.is_dir() else PACKAGE.parent / "assets"

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, given: str) -> str:
        """Raises ValueError for what is no http or https address of a host alone."""
        parts = urlsplit(given)
        if given and not (parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")):
            raise ValueError(f"'{given}' is not the address of a host: write https://NAME, without a path.")
        return given.rstrip("/").lower()

    def prepare(self) -> Self:
        """Makes the workspace folders, which nobody else on the machine can enter."""
        try:
            if not self.workspace.exists():
                self._end_switch()
            if not self.workspace.exists():
                self.workspace.mkdir(parents=True, exist_ok=True)
                _close_to_others(self.workspace)
            elif self.artifacts.is_dir():  # One that an earlier version made.
                _close_to_others(self.workspace)
            for folder in (self.artifacts, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise BadInput(
                f"The workspace folder {self.workspace} cannot be used ({exc.strerror}). "
                "Name another with --workspace or UNDERSTUDY_WORKSPACE."
            ) from exc
        return self

    def _end_switch(self) -> None:
        """Whoever was killed between putting one workspace aside and another in its place has left both, whole."""
        with contextlib.suppress(OSError):
            if (self.restored / SWITCHING).is_file():
                (self.restored / RESTORED).rename(self.workspace.expanduser().resolve())


def _close_to_others(folder: Path) -> None:
    """Takes from group and others what they may do in a folder of ours; prompts, answers and keys' names are in it."""
    known = folder.stat()
    if os.name == "posix" and known.st_uid == os.geteuid() and known.st_mode & 0o077:
        folder.chmod(known.st_mode & ~0o077)
