"""The parts of a card that tell how a student was trained: its stages with their data, and what made it."""

from collections.abc import Iterator

from studio.engine.cards.escaping import code, inline
from studio.engine.cards.facts import Card, StageFacts
from studio.engine.domain.states import StageState

COUNTED = {
    "used": "used",
    "test": "held out for the loss",
    "too_long": "left out as too long",
    "cut": "cut at the end",
    "ambiguous": "left out because their taught part was uncertain",
    "unanswered": "left out for want of an answer",
}
TOLD = ("epochs", "steps", "tokens", "learning_rate", "schedule", "warmup_share", "batch_size", "batch_tokens",
        "max_length", "packing", "weight_decay", "gradient_clip")  # fmt: skip


def stages(card: Card) -> Iterator[str]:
    """Every stage of every student of the chain, the oldest first."""
    if not card.stages:
        yield "Its stages are not recorded."
        return
    for student in card.students:
        if len(card.students) > 1:
            yield f"**{inline(student.name)}**"
        yield "\n".join(_stage(number, stage) for number, stage in enumerate(student.stages, 1))


def making(card: Card) -> Iterator[str]:
    """The versions that were running when the training ended, and the day of the card."""
    made = ", ".join(f"{inline(name)} {inline(version)}" for name, version in card.made_with.items())
    yield f"With {made}." if made else "The versions it was made with are not recorded."
    seed = f"Seed {card.seed}. " if card.seed is not None else ""
    yield f"{seed}This card was written on {card.day}, from what was recorded then."


def _stage(number: int, stage: StageFacts) -> str:
    data = f"on {code(stage.dataset)} (sha256 {code(stage.sha256)})" if stage.sha256 else (
        f"on {code(stage.dataset)}, which is not recorded here"
    )  # fmt: skip
    lines = [f"{number}. {code(stage.name)} {data}"]
    rows = [f"{count:,} {COUNTED.get(key, inline(key))}" for key, count in stage.rows.items() if count]
    lines += [f"   - conversations: {', '.join(rows)}"] if rows else []
    lines.append(f"   - {_length(stage)}")
    lines += [f"   - {loss}"] if (loss := _losses(stage)) else []
    lines += [f"   - {settings}"] if (settings := _settings(stage)) else []
    return "\n".join(lines)


def _length(stage: StageFacts) -> str:
    if not stage.steps:
        return "not trained yet"
    of = f" of {stage.total_steps:,}" if stage.state != StageState.DONE and stage.total_steps else ""
    return f"{stage.steps:,}{of} steps, {stage.tokens:,} tokens, {stage.seconds:,.0f} s"


def _losses(stage: StageFacts) -> str:
    """Nats per taught token, as training reports them."""
    words = []
    if stage.train_loss is not None:
        words.append(f"training loss {stage.train_loss:.4g} nats per taught token (mean of the last tenth)")
    if stage.eval_loss is not None:
        words.append(f"{stage.eval_loss:.4g} on rows held out")
    return ", ".join(words)


def _settings(stage: StageFacts) -> str:
    """What the stage was told, as a recipe would say it."""
    told = stage.settings
    words = [f"method {inline(told['method'])}"] if told.get("method") else []
    if told.get("method") == "lora" and isinstance(told.get("lora"), dict):
        words += [f"{key} {inline(told['lora'][key])}" for key in ("rank", "alpha") if key in told["lora"]]
    words += [f"{key.replace('_', ' ')} {inline(told[key])}" for key in TOLD if told.get(key) is not None]
    return ", ".join(words)
