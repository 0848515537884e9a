"""What one stage of training is told: every key a recipe may hold, its bounds and what it means when left out."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from studio.engine.domain.bounds import BATCH, EPOCHS, LENGTH, RANK, RATE, STEPS, TRAINED_TOKENS, Bounds

LENGTHS = ("steps", "epochs", "tokens")
BATCHES = ("batch_size", "batch_tokens")
UNAVAILABLE = ("qlora", "dpo")
FULL_RATE, LORA_RATE = 2e-5, 2e-4
"""Learning rates for models of a billion parameters and more; a model of a few million wants about 1e-3."""


class LoraSettings(BaseModel):
    """A low-rank adapter, trained beside the frozen weights and merged into them at the end of the stage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(default=16, ge=RANK.least, le=RANK.most)
    alpha: int = Field(default=32, ge=1, le=2 * RANK.most)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    """Names of the layers that get an adapter, as the base calls them (q_proj, v_proj ...)."""

    @field_validator("targets")
    @classmethod
    def _some_target(cls, targets: tuple[str, ...] | str) -> tuple[str, ...] | str:
        if not targets:
            raise ValueError("must name at least one layer, or be all-linear")
        return targets


NUMBERS: dict[str, Bounds] = {
    "steps": STEPS, "epochs": EPOCHS, "tokens": TRAINED_TOKENS, "learning_rate": RATE, "batch_size": BATCH,
    "batch_tokens": TRAINED_TOKENS, "max_length": LENGTH, "checkpoint_steps": STEPS, "lora.rank": RANK,
}  # fmt: skip
"""What the numbers of a stage may be, by their key in a recipe."""


class StageSettings(BaseModel):
    """One stage with nothing left open. Lengths: exactly one of `steps`, `epochs` and `tokens`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=60)
    dataset: str = Field(min_length=1)
    """A frozen dataset: NAME for its newest version, or NAME-vN."""
    method: Literal["full", "lora"] = "full"
    steps: int | None = Field(None, ge=STEPS.least, le=STEPS.most)
    epochs: float | None = Field(None, gt=EPOCHS.least, le=EPOCHS.most)
    tokens: int | None = Field(None, ge=TRAINED_TOKENS.least, le=TRAINED_TOKENS.most)
    """Tokens through the model, prompts included, padding not."""
    learning_rate: float = Field(gt=RATE.least, le=RATE.most)
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    warmup_share: float = Field(0.03, ge=0, lt=1)
    """Share of the steps in which the learning rate rises from nothing."""
    batch_size: int | None = Field(None, ge=BATCH.least, le=BATCH.most)
    """Conversations a step."""
    batch_tokens: int | None = Field(None, ge=TRAINED_TOKENS.least, le=TRAINED_TOKENS.most)
    """Tokens a step at most (a longer conversation makes a step of its own), instead of `batch_size`."""
    max_length: int | None = Field(None, ge=LENGTH.least, le=LENGTH.most)
    """Tokens of a conversation at most; left out: what the base can read, up to 2,048."""
    too_long: Literal["drop", "cut"] = "drop"
    """What happens to longer conversations. They are counted either way."""
    packing: bool = True
    """Several conversations in one row of the batch, each blind to the others: the same gradients with less padding."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    gradient_clip: float = Field(1.0, ge=0, le=1e6)
    """Largest norm of the gradient; 0 leaves it alone."""
    lora: LoraSettings = LoraSettings()
    evaluations: int = Field(4, ge=0, le=1000)
    """How often the loss on the dataset's test split is read, the last time at the end; 0: never."""
    eval_rows: int = Field(64, ge=1, le=1_000_000)
    """Conversations of the test split that a reading uses, the first ones."""
    checkpoint_steps: int = Field(100, ge=STEPS.least, le=STEPS.most)
    """Steps between two checkpoints, from which a stopped or killed training goes on."""

    @model_validator(mode="after")
    def _one_length(self) -> "StageSettings":
        given = [key for key in LENGTHS if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of steps, epochs and tokens, but has {' and '.join(given) or 'none'}")
        if self.batch_size is not None and self.batch_tokens is not None:
            raise ValueError("has both batch_size and batch_tokens; keep one")
        return self


def filled(given: dict[str, object], before: dict[str, object] | None, number: int) -> dict[str, object]:
    """One stage's keys with those of the stage before under them and the defaults under both.

    This is the only place where a recipe inherits: a key that is absent or null is taken over from `before`, except
    the name, the other ways to state a length (or a batch) once one is given, and the learning rate of another method.
    """
    own = {key: value for key, value in given.items() if value is not None}
    inherited = {key: value for key, value in (before or {}).items() if value is not None and key != "name"}
    for group in (LENGTHS, BATCHES):
        if any(key in own for key in group):
            inherited = {key: value for key, value in inherited.items() if key not in group}
    if "method" in own and own["method"] != inherited.get("method"):
        inherited.pop("learning_rate", None)
    merged = {"name": f"stage-{number}", **inherited, **own}
    if isinstance(own.get("lora"), dict) and isinstance(inherited.get("lora"), dict):
        merged["lora"] = {**inherited["lora"], **own["lora"]}  # type: ignore[dict-item]
    if not any(merged.get(key) is not None for key in LENGTHS):
        merged["epochs"] = 1
    if not any(merged.get(key) is not None for key in BATCHES):
        merged["batch_size"] = 16
    merged.setdefault("learning_rate", LORA_RATE if merged.get("method") == "lora" else FULL_RATE)
    return merged
