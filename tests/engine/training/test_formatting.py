"""The loss mask: exactly the teacher's words and the token that ends them, whatever the template is like."""

import re
from typing import Any

import pytest

from studio.engine.errors import BadInput

CHAT_ML = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
HIDES_EARLIER = (
    "{% for m in messages %}<|{{ m['role'] }}|>"
    "{{ m['content'] if loop.last or m['role'] == 'user' else '...' }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
THINKS = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>Hm: {% endif %}"
)
BLOCK_WITHOUT_END = (
    "{% for m in messages %}<|{{ m['role'] }}|>{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}"
    "{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CHATS: dict[str, list[dict[str, str]]] = {
    "one turn": [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "2 + 2 = 4."}],
    "two turns": [
        {"role": "system", "content": "Explain."},
        {"role": "user", "content": "Sort 3, 1"},
        {"role": "assistant", "content": "1, 3"},
        {"role": "user", "content": "Again"},
        {"role": "assistant", "content": "Still 1, 3"},
    ],
    "spaces and lines": [{"role": "user", "content": " a\n"}, {"role": "assistant", "content": "  b\n\nc  "}],
    "bytes": [{"role": "user", "content": "你好 🙂"}, {"role": "assistant", "content": "🙂 三加四等于七。é"}],
    "markers inside": [{"role": "user", "content": "Say ### Answer:"}, {"role": "assistant", "content": "Answer: ###"}],
}


@pytest.fixture
def formatter(tiny_base: Any) -> Any:
    from studio.engine.training.base import open_tokenizer
    from studio.engine.training.formatting import Formatter

    tokenizer = open_tokenizer(tiny_base)

    def make(template: str | None = None) -> Any:
        tokenizer.chat_template = template or tokenizer.chat_template
        return Formatter(tokenizer)

    return make


def taught_text(formatter: Any, row: Any) -> str:
    return str(formatter.tokenizer.decode(row.ids[row.taught], skip_special_tokens=False))


def expected(chat: list[dict[str, str]]) -> str:
    return "".join(turn["content"] + "<|end|>" for turn in chat if turn["role"] == "assistant")


@pytest.mark.parametrize("chat", CHATS.values(), ids=CHATS.keys())
@pytest.mark.parametrize(
    "template", [None, "unmarked", CHAT_ML, BLOCK_WITHOUT_END], ids=["own", "unmarked", "chat-ml", "no-end"]
)
def test_the_mask_covers_exactly_the_teachers_tokens(
    formatter: Any, chat: list[dict[str, str]], template: str | None
) -> None:
    if template == "unmarked":
        template = re.sub(r"{% (end)?generation %}", "", formatter().template)
    made = formatter(template)
    row = made.row(chat)
    assert taught_text(made, row) == expected(chat)
    assert made.tokenizer.decode(row.ids, skip_special_tokens=False) == made.tokenizer.apply_chat_template(
        chat, tokenize=False
    )


@pytest.mark.parametrize("chat", CHATS.values(), ids=CHATS.keys())
def test_a_marked_and_an_unmarked_template_give_the_same_mask(formatter: Any, chat: list[dict[str, str]]) -> None:
    marked = formatter().row(chat)
    unmarked = formatter(re.sub(r"{% (end)?generation %}", "", formatter().template)).row(chat)
    assert (marked.ids == unmarked.ids).all()
    assert (marked.taught == unmarked.taught).all()


def test_what_precedes_the_answer_is_what_the_student_is_asked_with(formatter: Any) -> None:
    made = formatter()
    row = made.row(CHATS["bytes"])
    asked = made.tokenizer.apply_chat_template(CHATS["bytes"][:1], add_generation_prompt=True, return_dict=True)
    assert row.ids[: int(row.taught.argmax())].tolist() == asked["input_ids"]


@pytest.mark.parametrize(
    ("template", "chat", "words"),
    [
        (HIDES_EARLIER, "two turns", "writes an earlier answer differently"),
        (THINKS, "one turn", "writes an earlier answer differently"),
        ("{{ raise_exception('roles must alternate') }}", "one turn", "refuses it (roles must alternate)"),
        (
            "{% for m in messages %}{{ m['content'] | upper }}<|end|>{% endfor %}",
            "two turns",
            "does not repeat the answer",
        ),
    ],
    ids=["hides", "thinks", "refuses", "rewrites"],
)
def test_a_template_that_leaves_the_mask_open_is_ambiguous(
    formatter: Any, template: str, chat: str, words: str
) -> None:
    from studio.engine.training.formatting import AmbiguousError

    with pytest.raises(AmbiguousError, match=re.escape(words)):
        formatter(template).row(CHATS[chat])


def test_a_token_across_the_border_is_ambiguous(formatter: Any) -> None:
    from studio.engine.training.formatting import AmbiguousError

    run_together = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    made = formatter(run_together)
    word = next(token for token in made.tokenizer.get_vocab() if token.isascii() and token.isalpha() and len(token) > 3)
    chat = [{"role": "user", "content": word[:2]}, {"role": "assistant", "content": word[2:]}]
    with pytest.raises(AmbiguousError, match="end of the prompt and the beginning of the answer"):
        made.row(chat)


def test_a_conversation_without_an_answer_has_no_row(formatter: Any) -> None:
    from studio.engine.training.formatting import AmbiguousError

    (row,) = formatter().rows([[{"role": "user", "content": "Hello?"}]])
    assert isinstance(row, AmbiguousError)


def test_the_pieces_of_a_conversation_are_its_text(formatter: Any) -> None:
    made = formatter()
    chat = CHATS["one turn"]
    pieces = made.pieces(chat)
    assert "".join(pieces) == made.tokenizer.apply_chat_template(chat, tokenize=False)
    assert len(pieces) == len(made.row(chat).ids)


def test_a_base_without_a_template_gets_a_plain_one(tiny_base: Any, tmp_path: Any) -> None:
    import shutil

    from studio.engine.training.base import has_template, open_tokenizer
    from studio.engine.training.formatting import Formatter

    bare = tmp_path / "bare"
    shutil.copytree(tiny_base, bare)
    (bare / "chat_template.jinja").unlink()
    assert not has_template(bare)
    made = Formatter(open_tokenizer(bare))
    assert taught_text(made, made.row(CHATS["two turns"])) == expected(CHATS["two turns"])


def test_a_tokenizer_without_positions_is_refused() -> None:
    from types import SimpleNamespace

    from studio.engine.training.formatting import Formatter

    with pytest.raises(BadInput, match=r"tokenizer\.json"):
        Formatter(SimpleNamespace(is_fast=False))
