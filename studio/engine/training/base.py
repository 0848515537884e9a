"""Opens the model that a training starts from: a folder or a hub id, weights as safetensors, no code of strangers."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from studio.engine.domain.reference import is_hub_id
from studio.engine.errors import BadInput
from studio.engine.models import chat_template_of, from_hub, read_folder
from studio.engine.training.formatting import PLAIN_TEMPLATE

LONGEST = 2048
"""Tokens of a conversation when neither the recipe nor the base sets a limit."""
WEIGHTS = "model.safetensors"
CARRIED = ("tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
           "vocab.json", "merges.txt", "spiece.model", "chat_template.jinja", "generation_config.json")  # fmt: skip
"""Files that training does not change; a student gets them as the base had them."""


def base_folder(reference: str) -> Path:
    """The folder of a base; a hub id is fetched first (what is on this computer already is not fetched again), and what
    came is checked in a limited child before any of it is opened."""
    folder = Path(reference).expanduser()
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise BadInput(f"The folder {folder} holds no model: it has no config.json. Name the folder that has it.")
    if not folder.is_dir() and not is_hub_id(reference):
        raise BadInput(
            f"The base '{reference}' is neither a folder nor a hub id. Name a model of this project or a folder."
        )
    if folder.is_dir():
        return folder
    fetched = from_hub(reference)
    read_folder(fetched)
    return fetched


def open_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer, with a plain chat template when the base brings none."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as exc:  # Broken or exotic files fail in many ways inside the libraries.
        raise BadInput(
            f"The tokenizer in {folder} cannot be opened ({_short(exc)}). Use a base with a tokenizer.json."
        ) from exc
    if not tokenizer.chat_template and tokenizer.eos_token:
        tokenizer.chat_template = PLAIN_TEMPLATE
    return tokenizer


def has_template(folder: Path) -> bool:
    """Whether the base brings a chat template of its own."""
    return chat_template_of(folder) is not None


def reading_limit(folder: Path) -> int:
    """Tokens the base can read at once."""
    limit = getattr(AutoConfig.from_pretrained(folder, local_files_only=True), "max_position_embeddings", None)
    return limit if isinstance(limit, int) and limit > 0 else 1_000_000


def open_model(folder: Path, *, adapter: bool) -> PreTrainedModel:
    """The weights: float32 to be trained whole, bfloat16 beside an adapter on a GPU that can."""
    frozen = adapter and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.bfloat16 if frozen else torch.float32,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
        )
    except Exception as exc:
        raise BadInput(
            f"The weights in {folder} cannot be opened ({_short(exc)}). Use a base whose architecture transformers "
            "knows and whose weights are safetensors."
        ) from exc
    model.config.use_cache = False
    return model


def save_student(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, base: Path, folder: Path) -> None:
    """Writes weights (in the number format the base had them), configuration, tokenizer and chat template."""
    kept = _stored_dtype(base)
    model.config.use_cache = True
    trained = model.dtype
    model.to(kept or trained).save_pretrained(folder)  # type: ignore[arg-type]
    model.to(trained)  # type: ignore[arg-type]
    model.config.use_cache = False
    tokenizer.save_pretrained(folder)
    for name in CARRIED:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)
    if not has_template(folder):
        (folder / "chat_template.jinja").write_text(str(tokenizer.chat_template), encoding="utf-8")


def _stored_dtype(base: Path) -> Any:
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    name = config.get("dtype") or config.get("torch_dtype") or (config.get("text_config") or {}).get("dtype")
    dtype = getattr(torch, name, None) if isinstance(name, str) else None
    return dtype if isinstance(dtype, torch.dtype) and dtype.is_floating_point else None


def _short(exc: BaseException) -> str:
    return " ".join(str(exc).split())[:200] or type(exc).__name__
