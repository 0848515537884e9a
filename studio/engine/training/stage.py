"""One stage of training with the Hugging Face trainer: full weights or an adapter, resumed from its last checkpoint."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)
from transformers.trainer_callback import ProgressCallback

from studio.engine.errors import BadInput
from studio.engine.training import checkpoints
from studio.engine.training.base import open_model, save_student
from studio.engine.training.batches import Batch, Collator, Steps, keeps_apart, loader, mean_loss
from studio.engine.training.callbacks import Watch
from studio.engine.training.plan import plan_steps, tokens_of
from studio.engine.training.rows import StageRows
from studio.engine.training.spec import Observer, StageReport
from studio.engine.training.stage_settings import LoraSettings, StageSettings

log = logging.getLogger(__name__)
TRIED_STEPS = 200
"""Steps whose padding is measured for the report."""


class StageTrainer(Trainer):
    """The trainer, reading batches that were planned beforehand."""

    def __init__(self, *, loader: DataLoader[Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.planned = loader

    def get_train_dataloader(self) -> DataLoader[Any]:
        return self.accelerator.prepare(self.planned)


class StageRun:
    """What one stage needs: its settings, its rows, where it starts from and where it works."""

    def __init__(
        self,
        position: int,
        settings: StageSettings,
        rows: StageRows,
        max_length: int,
        base: Path,
        folder: Path,
        seed: int,
    ) -> None:
        self.position = position
        self.settings = settings
        self.rows = rows
        self.max_length = max_length
        self.base = base
        self.folder = folder
        self.seed = seed
        self.plan = plan_steps(rows.lengths, settings, seed + position)
        self.tokens = tokens_of(self.plan, rows.lengths)

    def train(
        self, tokenizer: PreTrainedTokenizerBase, observer: Observer
    ) -> tuple[bool, StageReport, PreTrainedModel]:
        """Trains to the end or to a stop request. Returns (finished, report, model with any adapter merged)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        checkpoints.discard_unfinished(self.folder)
        start = checkpoints.newest(self.folder)
        torch.manual_seed(self.seed + self.position)
        model = self._model()
        collator, notes = self._collator(model, tokenizer)
        watch = Watch(
            self.position, self.settings, self.tokens, observer, lambda: self._evaluate(trainer, collator), start
        )
        trainer = self._trainer(model, collator, watch)
        observer.stage_started(self.position, watch.step)
        trainer.train(resume_from_checkpoint=str(start.path) if start else None)
        report = self._report(watch, collator, notes)
        return not watch.stopped, report, self._merged(model)

    def _model(self) -> PreTrainedModel:
        model = open_model(self.base, adapter=self.settings.method == "lora")
        return _with_adapter(model, self.settings.lora) if self.settings.method == "lora" else model

    def _collator(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> tuple[Collator, list[str]]:
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0
        hidden = getattr(model.config.get_text_config(), "hidden_size", 4096)
        collator = Collator(int(pad), self.max_length, hidden, self.settings.packing)
        if not collator.packing or keeps_apart(model, self.rows.train, collator):
            return collator, []
        collator.packing = False
        note = "Packing is off: this architecture would let conversations in one row see each other."
        log.warning(note)
        return collator, [note]

    def _trainer(self, model: PreTrainedModel, collator: Collator, watch: Watch) -> Trainer:
        trainer = StageTrainer(
            model=model,
            args=self._arguments(),
            loader=loader(Steps(self.rows.train, self.plan), collator),
            train_dataset=Steps(self.rows.train, self.plan),
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.remove_callback(ProgressCallback)
        return trainer

    def _arguments(self) -> TrainingArguments:
        settings, total = self.settings, len(self.plan)
        warmup = round(settings.warmup_share * total)
        constant = "constant_with_warmup" if warmup else "constant"
        return TrainingArguments(
            output_dir=str(self.folder),
            max_steps=total,
            per_device_train_batch_size=1,
            learning_rate=settings.learning_rate,
            lr_scheduler_type=constant if settings.schedule == "constant" else settings.schedule,
            warmup_steps=warmup,
            weight_decay=settings.weight_decay,
            max_grad_norm=settings.gradient_clip,
            optim="adamw_torch_fused",
            bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
            seed=self.seed + self.position,
            # The watch decides when to log, evaluate and save; the strategies of the trainer stay out of its way.
            logging_strategy="no",
            save_strategy="no",
            eval_strategy="no",
            logging_nan_inf_filter=False,
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
        )

    def _evaluate(self, trainer: Trainer, collator: Collator) -> float | None:
        def batches() -> Iterator[Batch]:
            size = self.settings.batch_size or 16
            for start in range(0, len(self.rows.test), size):
                yield collator(self.rows.test[start : start + size])

        with trainer.compute_loss_context_manager():
            return mean_loss(trainer.model, batches())  # type: ignore[arg-type]

    def _report(self, watch: Watch, collator: Collator, notes: list[str]) -> StageReport:
        tokens, seconds = watch.seen[watch.step], watch.seconds
        return StageReport(
            name=self.settings.name,
            dataset=self.settings.dataset,
            steps=watch.step,
            seconds=round(seconds, 3),
            tokens=tokens,
            train_loss=watch.train_loss(),
            eval_loss=watch.eval_loss,
            tokens_per_second=round(tokens / seconds, 1) if seconds else 0.0,
            packing_efficiency=round(self._efficiency(collator), 4),
            rows=self.rows.counts,
            notes=notes,
        )

    def _efficiency(self, collator: Collator) -> float:
        held = places = 0
        for step in self.plan[:TRIED_STEPS]:
            lengths = [self.rows.lengths[row] for row in step]
            packing = collator.arrange(lengths)
            held, places = held + sum(lengths), places + len(packing.rows) * packing.width
        return held / places

    def _merged(self, model: PreTrainedModel) -> PreTrainedModel:
        return model.merge_and_unload() if self.settings.method == "lora" else model  # type: ignore[operator]


def save_stage(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, base: Path, folder: Path) -> None:
    """Writes the weights beside where they belong and moves them there once they are whole."""
    temporary = folder.with_name(folder.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    save_student(model, tokenizer, base, temporary)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def _with_adapter(model: PreTrainedModel, lora: LoraSettings) -> PreTrainedModel:
    from peft import LoraConfig, get_peft_model

    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    config = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, task_type="CAUSAL_LM"
    )
    try:
        return get_peft_model(model, config)  # type: ignore[return-value]
    except ValueError as exc:
        raise BadInput(
            f"The base has no layers named {targets} for an adapter. Use all-linear, or names like q_proj and v_proj."
        ) from exc
