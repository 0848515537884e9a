"""A tiny random Llama with the practice base's kind of tokenizer, a dataset file, and the training service alone."""

from pathlib import Path

import pytest
from training_rooms import Room, conversations, lines_of

from studio.engine.store.database import Database
from studio.engine.studio import studio_in


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Llama of about 40,000 random weights; like the practice base in all but size."""
    import sentencepiece
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaTokenizer

    from studio.engine.practice.pretrain import CHAT_TEMPLATE, END, TURNS

    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    texts = [turn["content"] for chat in conversations(300, 1) for turn in chat]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(folder / "tokenizer"), model_type="bpe", vocab_size=400,
        split_digits=True, byte_fallback=True, add_dummy_prefix=False, remove_extra_whitespaces=False,
        normalization_rule_name="identity", pad_id=3, eos_piece=END, control_symbols=list(TURNS), minloglevel=2,
    )  # fmt: skip
    (folder / "tokenizer.vocab").unlink()
    tokenizer = LlamaTokenizer.from_pretrained(folder, add_prefix_space=False, eos_token=END)
    tokenizer.add_special_tokens(
        {"bos_token": "<s>", "unk_token": "<unk>", "pad_token": "<pad>", "extra_special_tokens": list(TURNS)}
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=512, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=3,
    )  # fmt: skip
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


@pytest.fixture
def dataset_file(tmp_path: Path) -> Path:
    file = tmp_path / "dataset.jsonl"
    file.write_text("\n".join(lines_of(conversations(48, 5), tests=8)) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def room(database: Database, tiny_base: Path) -> Room:
    """The training service, on SQLite and on PostgreSQL."""
    studio = studio_in(database)
    return Room(studio.training, studio.jobs, studio.models, database, studio.artifacts, studio.project_id, tiny_base)
