"""Typed settings. This is the only place that reads the environment."""

import sys
from pathlib import Path
from typing import Self

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from studio.engine.errors import BadInput

PACKAGE = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Read from variables that start with `UNDERSTUDY_`; command-line options override them."""

    model_config = SettingsConfigDict(env_prefix="UNDERSTUDY_", extra="ignore", frozen=True)

    workspace: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("understudy", appauthor=False)))
    database_url: str = ""
    """SQLAlchemy URL of a PostgreSQL database; empty means SQLite in the workspace."""
    port: int = 7860
    language: str = "en"
    tools: Path = Path(sys.prefix) / "share" / "understudy"
    """Where `understudy setup` keeps the GGUF converter: beside the environment."""
    synchronous: str = "NORMAL"
    """SQLite's durability against a power cut: NORMAL may cost the last moments' commits, FULL none."""
    allowed_key_variables: str = "*"
    """The key sources that teachers may name, separated by commas: a hosted instance lists them, `*` permits all."""
    batch_requests: int = Field(default=50_000, ge=1)
    """How many questions one file for a Batch API may hold, and below how many bytes it has to be."""
    batch_bytes: int = Field(default=200_000_000, ge=1_000)

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.workspace / 'understudy.db'}"

    @property
    def permitted_keys(self) -> tuple[str, ...] | None:
        """The key sources that teachers may name; None, as on one's own machine, for all."""
        names = tuple(name.strip() for name in self.allowed_key_variables.split(",") if name.strip())
        return None if "*" in names else names

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

    def prepare(self) -> Self:
        """Makes the workspace folders."""
        try:
            for folder in (self.workspace, self.artifacts, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise BadInput(
                f"The workspace folder {self.workspace} cannot be used ({exc.strerror}). "
                "Name another with --workspace or UNDERSTUDY_WORKSPACE."
            ) from exc
        return self
