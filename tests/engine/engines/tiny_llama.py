"""Makes a Llama of half a million random weights with the practice base's kind of tokenizer: whole, and quick to run.

The engine's conftest loads this file by its path.
"""

from pathlib import Path


def make(folder: Path, seed: int = 0, *, licence: str = "apache-2.0") -> Path:
    """A model folder. Its rows are 256 wide, so that K-quants apply; another seed is another model, same tokenizer."""
    import sentencepiece
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaTokenizer

    from studio.engine.practice.pretrain import CHAT_TEMPLATE, END, TURNS
    from studio.engine.practice.world import ask

    folder.mkdir(parents=True)
    texts = [f"{question.prompt} The answer is {question.answer}." for question in ask(("addition", "sorting"), 400, 1)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(folder / "tokenizer"), model_type="bpe", vocab_size=420,
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
    torch.manual_seed(seed)
    shape = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=256, intermediate_size=256, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=128, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
        pad_token_id=3, initializer_range=0.06,
    )  # fmt: skip
    model = LlamaForCausalLM(shape)
    # Control tokens and bytes never win, so that what it says is text; the end token (2) may.
    with torch.no_grad():
        model.lm_head.weight[[0, 1, *range(3, tokenizer.convert_tokens_to_ids("<0xFF>") + 1)]] = 0
    model.save_pretrained(folder)
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n# Tiny\n", encoding="utf-8")
    return folder
