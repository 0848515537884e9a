"""Whole trainings in this process: stages, adapters, stopping, resuming, and what goes wrong."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training_rooms import conversations, lines_of

from studio.engine.errors import BadInput, Failed
from studio.engine.training.recipe import read_recipe
from studio.engine.training.spec import Observer, Reading, StageReport, StageSpec, TrainSpec

FAST = {"dataset": "d-v1", "steps": 6, "learning_rate": 5e-3, "batch_size": 8, "evaluations": 2, "checkpoint_steps": 2}


def spec_of(base: Path, file: Path, *stages: dict[str, Any]) -> TrainSpec:
    recipe = read_recipe({"base": str(base), "seed": 3, "threads": 1, "stages": list(stages)})
    return TrainSpec(str(base), tuple(StageSpec(stage, file) for stage in recipe.stages), recipe.seed, recipe.threads)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


class Notes(Observer):
    """Remembers what it was told; asks to stop once `stop_at` steps of a stage are done."""

    def __init__(self, stop_at: int | None = None, stage: int = 0) -> None:
        self.stop_at = stop_at
        self.stage = stage
        self.started: list[tuple[int, int]] = []
        self.readings: list[tuple[int, Reading]] = []
        self.finished: list[StageReport] = []
        self.steps: list[list[int]] = []
        self.last = (0, 0)

    def planned(self, total_steps: list[int]) -> None:
        self.steps.append(total_steps)

    def stage_started(self, position: int, step: int) -> None:
        self.started.append((position, step))

    def reading(self, position: int, reading: Reading) -> None:
        self.readings.append((position, reading))

    def progress(self, position: int, step: int, message: str) -> None:
        self.last = (position, step)

    def stage_finished(self, position: int, report: StageReport) -> None:
        self.finished.append(report)

    def should_stop(self) -> bool:
        return self.stop_at is not None and self.last >= (self.stage, self.stop_at)


@pytest.fixture
def prompt_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stop request is looked at after every step."""
    from studio.engine.training import callbacks

    monkeypatch.setattr(callbacks, "BETWEEN_SIGNS", 0.0)


def train(spec: TrainSpec, tmp_path: Path, observer: Observer | None = None) -> Any:
    from studio.engine.training.launch import train_stages

    return train_stages(spec, tmp_path / "work", tmp_path / "student", observer)


def test_two_stages_make_a_student_that_answers_for_itself(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    notes = Notes()
    result = train(
        spec_of(tiny_base, dataset_file, FAST | {"name": "one"}, {"name": "two", "epochs": 0.5}), tmp_path, notes
    )
    assert (result.state, [report.name for report in result.stages]) == ("done", ["one", "two"])
    assert [report.steps for report in result.stages] == [6, 3] == notes.steps[0]
    first = result.stages[0]
    assert first.train_loss < notes.readings[0][1].loss
    assert first.eval_loss is not None
    assert 0.8 < first.packing_efficiency <= 1
    assert first.rows == {"used": 40, "test": 8}
    assert [reading.step for _, reading in notes.readings if reading.eval_loss is not None] == [3, 6, 2, 3]
    tokenizer = AutoTokenizer.from_pretrained(result.path)
    AutoModelForCausalLM.from_pretrained(result.path)
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(tiny_base).chat_template
    assert {path.suffix for path in result.path.iterdir()} <= {".json", ".safetensors", ".model", ".jinja"}
    assert json.loads((result.path / "config.json").read_text())["use_cache"] is True


def test_the_tokens_reported_are_those_of_the_data(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    from studio.engine.training.base import open_tokenizer

    result = train(spec_of(tiny_base, dataset_file, FAST | {"steps": None, "epochs": 1}), tmp_path)
    tokenizer = open_tokenizer(tiny_base)
    rows = [json.loads(line) for line in dataset_file.read_text().splitlines()]
    chats = [row["messages"] for row in rows if row["split"] == "train"]
    counted = sum(len(tokenizer.apply_chat_template(chat, return_dict=True)["input_ids"]) for chat in chats)
    assert result.stages[0].tokens == counted


def test_packing_trains_the_same_weights(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    import torch

    uneven = conversations(20, 5) + conversations(20, 6, "be brief")
    dataset_file.write_text("\n".join(lines_of(uneven)), encoding="utf-8")
    made, share = {}, {}
    for packing in (True, False):
        spec = spec_of(tiny_base, dataset_file, FAST | {"packing": packing, "learning_rate": 1e-3})
        result = train(spec, tmp_path / str(packing))
        made[packing], share[packing] = weights(result.path), result.stages[0].packing_efficiency
    assert share[True] > share[False]
    for name, weight in made[True].items():
        torch.testing.assert_close(weight, made[False][name], rtol=1e-2, atol=1e-4)


@pytest.mark.usefixtures("prompt_signs")
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_stopped_training_goes_on_to_the_same_weights(
    method: str, tiny_base: Path, dataset_file: Path, tmp_path: Path
) -> None:
    import torch

    stages = (FAST | {"name": "one", "method": method, "steps": 3}, {"name": "two", "steps": 6})
    spec = spec_of(tiny_base, dataset_file, *stages)
    whole = train(spec, tmp_path / "whole")
    halves = tmp_path / "halves"
    stopped = train(spec, halves, Notes(stop_at=3, stage=1))
    assert (stopped.state, stopped.stages[-1].steps) == ("stopped", 3)
    assert weights(stopped.path).keys() == weights(tiny_base).keys()  # Usable as it is.
    notes = Notes()
    resumed = train(spec, halves, notes)
    assert notes.started == [(1, 3)]
    assert [report.steps for report in resumed.stages] == [3, 6]
    assert resumed.stages[1].tokens == whole.stages[1].tokens
    assert resumed.stages[1].train_loss == pytest.approx(whole.stages[1].train_loss, rel=1e-5)
    for name, weight in weights(whole.path).items():
        torch.testing.assert_close(weights(resumed.path)[name], weight)


def test_a_training_that_ended_is_not_done_again(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    spec = spec_of(tiny_base, dataset_file, FAST)
    first = train(spec, tmp_path)
    written = (first.path / "model.safetensors").stat().st_mtime_ns
    notes = Notes()
    assert train(spec, tmp_path, notes) == first
    assert (notes.started, (first.path / "model.safetensors").stat().st_mtime_ns) == ([], written)


def test_a_checkpoint_that_was_half_written_is_not_trusted(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    half = tmp_path / "work" / "stage-1" / "checkpoint-5"
    half.mkdir(parents=True)
    (half / "model.safetensors").write_bytes(b"half")
    notes = Notes()
    result = train(spec_of(tiny_base, dataset_file, FAST), tmp_path, notes)
    assert notes.started == [(0, 0)]
    assert result.stages[0].steps == 6


def test_a_merged_adapter_answers_like_base_and_adapter(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from studio.engine.training import launch

    kept = tmp_path / "adapter"
    with pytest.MonkeyPatch.context() as patch:
        from studio.engine.training.stage import StageRun

        merge = StageRun._merged
        patch.setattr(StageRun, "_merged", lambda run, model: (model.save_pretrained(kept), merge(run, model))[1])
        spec = spec_of(tiny_base, dataset_file, FAST | {"method": "lora", "learning_rate": 0.05, "lora": {"rank": 4}})
        result = launch.train_stages(spec, tmp_path / "work", tmp_path / "student")
    ids = torch.arange(4, 60)[None]
    with torch.no_grad():
        base = AutoModelForCausalLM.from_pretrained(tiny_base)(ids).logits
        adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), kept)(ids).logits
        merged = AutoModelForCausalLM.from_pretrained(result.path)(ids).logits
    torch.testing.assert_close(merged, adapted, rtol=1e-3, atol=1e-4)
    assert (merged - base).abs().max() > 0.01


def test_an_adapter_leaves_the_other_weights_alone(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    spec = spec_of(tiny_base, dataset_file, FAST | {"method": "lora", "lora": {"targets": ["q_proj"]}})
    made, base = weights(train(spec, tmp_path).path), weights(tiny_base)
    changed = {name for name, weight in made.items() if not weight.equal(base[name])}
    assert changed == {name for name in base if "q_proj" in name}


def test_layers_that_do_not_exist_are_refused(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    spec = spec_of(tiny_base, dataset_file, FAST | {"method": "lora", "lora": {"targets": ["z_proj"]}})
    with pytest.raises(BadInput, match=r"no layers named \['z_proj'\]"):
        train(spec, tmp_path)


def test_numbers_that_break_stop_the_training_and_keep_the_checkpoint(
    tiny_base: Path, dataset_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import LlamaForCausalLM

    forward, calls = LlamaForCausalLM.forward, []

    def breaks(self: Any, *args: Any, **keys: Any) -> Any:
        output = forward(self, *args, **keys)
        calls.append(output)
        output.loss = output.loss * torch.nan if len(calls) > 7 and self.training else output.loss
        return output

    monkeypatch.setattr(LlamaForCausalLM, "forward", breaks)
    monkeypatch.setattr("studio.engine.training.stage.keeps_apart", lambda *_: True)
    spec = spec_of(tiny_base, dataset_file, FAST | {"steps": 40, "evaluations": 0, "checkpoint_steps": 3})
    with pytest.raises(
        Failed, match=r"loss became nan at step 8 of stage 'stage-1'.*checkpoint after step 6 is kept.*learning_rate"
    ):
        train(spec, tmp_path)
    assert (tmp_path / "work" / "stage-1" / "checkpoint-6" / "complete.json").is_file()
    assert not (tmp_path / "student").exists()


@pytest.mark.parametrize(
    "fault",
    [
        OSError(28, "No space left on device"),
        RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/0"),
    ],
    ids=["system", "torch"],
)
def test_a_full_disk_keeps_the_last_whole_checkpoint(
    fault: Exception, tiny_base: Path, dataset_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    save, saved = torch.save, []

    def full(what: Any, path: Any, *rest: Any, **keys: Any) -> None:
        saved.append(path)
        if "checkpoint-4" in str(path):
            raise fault
        save(what, path, *rest, **keys)

    spec = spec_of(tiny_base, dataset_file, FAST)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(Failed, match=r"no disk space left.*last whole checkpoint is kept"):
            train(spec, tmp_path)
    notes = Notes()
    assert train(spec, tmp_path, notes).stages[0].steps == 6
    assert notes.started == [(0, 2)]


def test_a_later_stage_without_data_is_refused_before_anything_is_trained(
    tiny_base: Path, dataset_file: Path, tmp_path: Path
) -> None:
    spec = spec_of(tiny_base, dataset_file, FAST, {"name": "short", "max_length": 8})
    notes = Notes()
    with pytest.raises(BadInput, match="fits into max_length 8"):
        train(spec, tmp_path, notes)
    assert notes.started == []


def test_a_row_longer_than_the_base_can_read_is_refused(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="reads at most 512 tokens"):
        train(spec_of(tiny_base, dataset_file, FAST | {"max_length": 513}), tmp_path)


def test_a_base_without_weights_as_safetensors_is_refused(tiny_base: Path, dataset_file: Path, tmp_path: Path) -> None:
    import shutil

    empty = tmp_path / "empty"
    shutil.copytree(tiny_base, empty)
    (empty / "model.safetensors").rename(empty / "pytorch_model.bin")
    with pytest.raises(BadInput, match="safetensors"):
        train(spec_of(empty, dataset_file, FAST), tmp_path)


def test_a_hub_base_that_cannot_be_fetched_is_one_clear_sentence(dataset_file: Path, tmp_path: Path) -> None:
    spec = replace(spec_of(Path("x"), dataset_file, FAST), base="understudy-tests/no-such-base")
    with pytest.raises(Failed, match=r"understudy-tests/no-such-base is not on this machine and the hub cannot"):
        train(spec, tmp_path)
