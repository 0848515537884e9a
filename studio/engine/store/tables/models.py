"""Models, the stages that made them, and their GGUF files."""

from typing import Any

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.engine.domain.states import ModelState, StageState
from studio.engine.store.tables.columns import identity, json_value, now, reference, state


class Model(SQLModel, table=True):
    """A base or a student. A student points to what it grew from and the recipe that made it."""

    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: int | None = identity()
    project_id: int = reference("project", index=True)
    name: str
    kind: str
    """base, student, or gguf for a file that was brought."""
    state: ModelState = state(ModelState.READY)
    path: str = ""
    """The address of the folder with the weights, or of the GGUF file that was brought."""
    parent: str = ""
    """What it was trained from: a model's name, a folder or a hub id."""
    recipe: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    job_id: int | None = reference("job", default=None)
    detail: dict[str, Any] = json_value()
    """Parameters, architecture, licence verdict, scores."""
    created_at: float = now()
    archived_at: float | None = None
    """When it was put away: lists leave it out, its name still finds it. Seconds since 1970, as below."""
    binned_at: float | None = None
    """When it was put into the bin: nothing finds it until it is restored."""


class Stage(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("model_id", "position"),)
    id: int | None = identity()
    model_id: int = reference("model")
    position: int
    name: str
    dataset: str
    state: StageState = state(StageState.WAITING)
    spec: dict[str, Any] = json_value()
    steps: int = 0
    total_steps: int = 0
    seconds: float = 0.0
    tokens: int = 0
    train_loss: float | None = None
    eval_loss: float | None = None
    tokens_per_second: float | None = None
    packing_efficiency: float | None = None


class StagePoint(SQLModel, table=True):
    """One reading of a training stage, for the live chart."""

    __tablename__ = "stage_point"
    stage_id: int = reference("stage", primary_key=True)
    step: int = Field(primary_key=True)
    loss: float | None = None
    eval_loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    tokens: int = 0
    seconds: float = 0.0


class ModelFile(SQLModel, table=True):
    """A GGUF file of a model."""

    __tablename__ = "model_file"
    __table_args__ = (UniqueConstraint("model_id", "quantization"),)
    id: int | None = identity()
    model_id: int = reference("model")
    quantization: str
    path: str
    """The file's address."""
    bytes: int = Field(sa_type=BigInteger)
    sha256: str
    tensor_types: dict[str, int] = json_value()
    parity: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    created_at: float = now()
