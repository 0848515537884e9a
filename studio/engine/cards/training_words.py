"""The parts of a card that tell how a student was trained: its stages with their data, and what made it."""

from collections.abc import Iterator

from studio.engine.cards.escaping import code, inline
from studio.engine.cards.facts import Card, StageFacts
from studio.engine.cards.wording import Words
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


def stages(card: Card, words: Words) -> Iterator[str]:
    """Every stage of every student of the chain, the oldest first."""
    if not card.stages:
        yield words("Its stages are not recorded.")
        return
    for student in card.students:
        if len(card.students) > 1:
            yield f"**{inline(student.name)}**"
        yield "\n".join(_stage(number, stage, words) for number, stage in enumerate(student.stages, 1))


def making(card: Card, words: Words) -> Iterator[str]:
    """The versions that were running when the training ended, and the day of the card."""
    made = words.joined(f"{inline(name)} {inline(version)}" for name, version in card.made_with.items())
    yield words("With {made}.", made=made) if made else words("The versions it was made with are not recorded.")
    written = words("This card was written on {day}, from what was recorded then.", day=card.day)
    seed = [words("Seed {seed}.", seed=card.seed)] if card.seed is not None else []
    yield words.sentences([*seed, written])


def _stage(number: int, stage: StageFacts, words: Words) -> str:
    stands = {"number": number, "stage": code(stage.name), "dataset": code(stage.dataset)}
    lines = [
        words("{number}. {stage} on {dataset} (sha256 {digest})", **stands, digest=code(stage.sha256))
        if stage.sha256
        else words("{number}. {stage} on {dataset}, which is not recorded here", **stands)
    ]
    rows = [f"{count:,} {_counted(key, words)}" for key, count in stage.rows.items() if count]
    lines += [words("   - conversations: {rows}", rows=words.joined(rows))] if rows else []
    lines.append(f"   - {_length(stage, words)}")
    lines += [f"   - {loss}"] if (loss := _losses(stage, words)) else []
    lines += [f"   - {settings}"] if (settings := _settings(stage, words)) else []
    return "\n".join(lines)


def _counted(key: str, words: Words) -> str:
    return words(COUNTED[key]) if key in COUNTED else inline(key)


def _length(stage: StageFacts, words: Words) -> str:
    if not stage.steps:
        return words("not trained yet")
    took = {"n": stage.steps, "tokens": stage.tokens, "seconds": stage.seconds}
    if stage.state != StageState.DONE and stage.total_steps:
        return words("{n:,} of {total:,} steps, {tokens:,} tokens, {seconds:,.0f} s", **took, total=stage.total_steps)
    return words("{n:,} steps, {tokens:,} tokens, {seconds:,.0f} s", **took)


def _losses(stage: StageFacts, words: Words) -> str:
    """Nats per taught token, as training reports them."""
    said = []
    if stage.train_loss is not None:
        said.append(
            words("training loss {loss:.4g} nats per taught token (mean of the last tenth)", loss=stage.train_loss)
        )
    if stage.eval_loss is not None:
        said.append(words("{loss:.4g} on rows held out", loss=stage.eval_loss))
    return words.joined(said)


def _settings(stage: StageFacts, words: Words) -> str:
    """What the stage was told, as a recipe would say it: its keys are the same in every language."""
    told = stage.settings
    said = [words("method {name}", name=inline(told["method"]))] if told.get("method") else []
    if told.get("method") == "lora" and isinstance(told.get("lora"), dict):
        said += [f"{key} {inline(told['lora'][key])}" for key in ("rank", "alpha") if key in told["lora"]]
    said += [f"{key.replace('_', ' ')} {inline(told[key])}" for key in TOLD if told.get(key) is not None]
    return words.joined(said)
