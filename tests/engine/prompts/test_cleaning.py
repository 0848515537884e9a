"""Vicuna's cleaning rules: what each changes or leaves out, that each can be switched off, and that all are counted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.models.source import PRACTICE_BASE
from studio.engine.prompts import Prompts
from studio.engine.prompts.cleaning import RULES, Counts, Rules, clean, parse_languages
from studio.engine.prompts.cleaning.language import language_of
from studio.engine.prompts.cleaning.markup import as_markdown, is_html
from studio.engine.prompts.cleaning.tokens import TokenCounter
from studio.engine.prompts.dialogue import Dialogue, Turn, answers_of
from studio.engine.prompts.record import ImportedReply, Skip

BASE = Path(__file__).parents[3] / "assets" / "practice-base"
GOOD = "This is a good answer to it."


def talk(*said: str, id: str | None = None, **more: Any) -> Dialogue:
    """A conversation from texts that begin with u(ser), a(ssistant) or s(ystem) and a colon."""
    roles = {"u": "user", "a": "assistant", "s": "system"}
    return Dialogue(tuple(Turn(roles[text[0]], text[2:]) for text in said), id, **more)


def cleaned(*given: Dialogue | Skip, **limits: Any) -> tuple[list[Dialogue], list[str], Counts]:
    """(conversations that stand, why others do not, counts above zero)."""
    counts: Counts = {}
    found = list(clean(given, Rules(**limits), counts))
    skips = [str(row) for row in found if isinstance(row, Skip)]
    return [row for row in found if isinstance(row, Dialogue)], skips, {rule: n for rule, n in counts.items() if n}


def said(dialogue: Dialogue) -> list[str | None]:
    return [turn.text for turn in dialogue.turns]


def test_a_good_conversation_comes_out_as_it_went_in() -> None:
    given = talk(
        "s:Be kind.", "u:one?", f"a:{GOOD}", "u:two?", f"a:{GOOD}", id="x", line=7, last=ImportedReply("", model="m")
    )
    (found,), skips, counts = cleaned(given)
    assert (replace(found, as_is=False), skips, counts) == (given, [], {})


BAD: dict[str, tuple[Dialogue, str]] = {
    "alternate": (talk("u:one", "u:two", f"a:{GOOD}"), "the turns do not alternate"),
    "rate-limit": (talk("u:one", "a:Too many requests in 1 hour. Try again later."), "a rate-limit notice"),
    "parser-error": (talk("u:one", "a:Something went wrong. Please reload."), "an error message in place"),
    "short": (talk("u:one", "a:Fifteen chars.."), "an answer of fewer than 16 characters"),
    "provider": (talk("u:one", "a:As a model by OpenAI I am glad to help."), "an answer names its provider"),
}


@pytest.mark.parametrize("rule", BAD)
def test_each_rule_leaves_out_what_it_is_for_and_can_be_switched_off(rule: str) -> None:
    bad, reason = BAD[rule]
    later = talk("u:fine?", f"a:{GOOD}", *(f"{turn.role[0]}:{turn.text}" for turn in bad.turns), id="later")
    good = talk("u:else?", f"a:{GOOD}", id="good")
    found, skips, counts = cleaned(bad, good, later)
    assert ([one.id for one in found], counts) == (["good"], {rule: 2})
    assert all(skip.startswith(reason) for skip in skips)
    found, skips, counts = cleaned(bad, good, later, off=frozenset({rule}))
    assert (len(found), skips, counts) == (3, [], {})


LONG = " An answer that goes on about it." * 20


@pytest.mark.parametrize(
    "text",
    [
        "To handle rate limits, answer HTTP 429 Too Many Requests." + LONG,
        "Something went wrong with the reactor in 1986, and here is why." + LONG,
        "Errors are handled by raising them.",
        "An open air concert is fun for everyone.",
        "Claude Monet was a painter; a bard is a poet.",
        "Network errors happen when a cable is cut.",
    ],
)
def test_answers_about_such_things_stay(text: str) -> None:
    assert len(cleaned(talk("u:one", f"a:{text}"))[0]) == 1


def test_turns_before_the_first_question_and_after_the_last_answer_are_trimmed_and_counted() -> None:
    given = talk("s:Be kind.", "a:Hello, I am here!", "u:one", f"a:{GOOD}", "u:unanswered")
    (found,), _, counts = cleaned(given)
    assert said(found) == ["Be kind.", "one", GOOD]
    assert counts == {"leading": 1, "trailing": 1}
    (found,), _, counts = cleaned(given, off=frozenset({"leading", "trailing"}))
    assert (said(found), counts) == (said(given), {})


def test_a_conversation_that_nobody_answered_is_left_out_with_a_reason() -> None:
    found, skips, counts = cleaned(talk("u:one"), talk("a:Hello, I am here!"), talk())
    assert (found, skips) == ([], ["no response", "no user turn", "no user turn"])
    assert counts == {"trailing": 1}


def test_ids_and_first_exchanges_are_kept_once() -> None:
    given = [
        talk("u:one", f"a:{GOOD}", id="1"),
        talk("u:two", f"a:{GOOD}", id="1"),
        talk("u: one ", f"a:{GOOD}  ", "u:more", f"a:{GOOD}", id="2"),
        talk("u:three", f"a:{GOOD}"),
        talk("u:four", f"a:{GOOD}"),
    ]
    found, _, counts = cleaned(*given)
    assert ([one.turns[0].text for one in found], counts) == (
        ["one", "three", "four"],
        {"same-id": 1, "same-opening": 1},
    )
    assert len(cleaned(*given, off=frozenset({"same-id", "same-opening"}))[0]) == 5


def test_rows_that_were_no_conversations_pass_through() -> None:
    assert cleaned(Skip(3, "not valid JSON"))[1] == ["not valid JSON"]


# --- markup

PAGE = (
    '<div class="markdown"><p>Use <code>sum()</code> &amp; <em>go</em>:</p><pre><div><div><span>python</span>'
    '<button>Copy code</button></div><div><code class="hljs language-python">total = sum(x * 2 for x in y)\n'
    "if a &lt; b:\n    print('_a_')\n</code></div></div></pre><ul><li>one</li><li>two</li></ul></div>"
)


def test_html_becomes_markdown_with_its_code_as_it_was() -> None:
    (found,), _, counts = cleaned(talk("u:<p>What is this?</p>", f"a:{PAGE}", "u:ok", f"a:{GOOD}"))
    assert counts == {"html": 1}
    assert found.turns[0].text == "<p>What is this?</p>", "what a person pastes is what they ask about"
    text = found.turns[1].text or ""
    assert "```python\ntotal = sum(x * 2 for x in y)\nif a < b:\n    print('_a_')\n```" in text
    assert text.startswith("Use `sum()` & *go*:")
    assert text.endswith("- one\n- two")
    assert "Copy code" not in text


@pytest.mark.parametrize(
    "text",
    [
        "Use a <div> there.",
        "```html\n<div>a</div>\n```",
        "1 < 2 and 3 > 2",
        "<p> is a tag",
        "**bold** _x_",
        "<think>a</think>",
    ],
)
def test_what_is_not_a_piece_of_a_page_stays(text: str) -> None:
    assert not is_html(text)
    (found,), _, counts = cleaned(talk("u:one", f"a:{text} {GOOD}"))
    assert (found.turns[1].text, counts) == (f"{text} {GOOD}", {})


def test_html_too_deep_to_read_is_an_error_of_its_own_row() -> None:
    deep = "<div>" * 5000 + "x" + "</div>" * 5000
    found, skips, counts = cleaned(talk("u:a", f"a:{deep}"), talk("u:b", f"a:{GOOD}"))
    assert (len(found), counts) == (1, {"parser-error": 1})
    assert "its HTML cannot be read" in skips[0]


def test_a_fence_inside_code_does_not_end_it() -> None:
    assert as_markdown("<pre><code>a\n```\nb</code></pre>") == "````\na\n```\nb\n````"


# --- languages

ENGLISH, GERMAN = "The weather is lovely today, is it not?", "Das Wetter ist heute sehr schön, nicht wahr?"
CHINESE = "今天天气很好，我们一起去公园散步吧。"


def test_only_the_languages_asked_for_are_kept() -> None:
    given = [talk(f"u:{text}", f"a:{text}") for text in (ENGLISH, GERMAN, CHINESE)]
    found, skips, counts = cleaned(*given, languages=("en", "zh"))
    assert [one.turns[0].text for one in found] == [ENGLISH, CHINESE]
    assert (skips, counts) == (["another language (de)"], {"language": 1})
    assert len(cleaned(*given)[0]) == 3


def test_what_cannot_be_told_is_kept_and_a_language_that_the_row_names_is_believed() -> None:
    given = [talk("u:1+1?", "a:= 2, 3, 4, 5, 6, 7 (8)"), talk(f"u:{ENGLISH}", f"a:{ENGLISH}", language="fr")]
    found, skips, _ = cleaned(*given, languages=("de",))
    assert (len(found), skips) == (1, ["another language (fr)"])


def test_code_does_not_decide_the_language() -> None:
    code = "```python\nfor each in der_die_das: print(each)\n```\n" * 5
    assert language_of([code + "https://example.com/der/die/das " + CHINESE]) == "zh"
    assert language_of(["好的"]) is None


@pytest.mark.parametrize("text", ["english", "e", "en;zh"])
def test_a_language_is_a_code(text: str) -> None:
    assert parse_languages("en, zh-CN,en") == ("en", "zh")
    with pytest.raises(BadInput, match="no language code"):
        parse_languages(text)


# --- splitting


def long_talk(exchanges: int, words: int = 12) -> Dialogue:
    turns = [f"{role}:{number} " + "word " * words for number in range(exchanges) for role in ("u", "a")]
    return talk("s:Be kind.", *turns, id="long", line=3, last=ImportedReply("", model="m", output_tokens=5))


def rendered(dialogue: Dialogue) -> int:
    """The tokens that a student would be trained on, counted by transformers itself."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(BASE))
    return len(
        tokenizer.apply_chat_template([turn.as_message() for turn in dialogue.turns], tokenize=True)["input_ids"]
    )


def test_long_conversations_are_split_between_exchanges_and_no_turn_is_lost() -> None:
    given = long_talk(9)
    pieces, skips, counts = cleaned(given, max_tokens=150, tokenizer=BASE)
    assert (skips, counts) == ([], {"split": 1})
    assert [turn for piece in pieces for turn in piece.spoken] == list(given.spoken)
    assert [piece.id for piece in pieces] == [f"long#{number}" for number in range(1, len(pieces) + 1)]
    assert len(pieces) > 2
    for piece in pieces:
        assert (piece.turns[0].text, piece.spoken[0].role, piece.spoken[-1].role) == ("Be kind.", "user", "assistant")
        assert rendered(piece) <= 150
    assert rendered(pieces[0]) > 75, "a piece is filled as far as it goes"
    assert [piece.last for piece in pieces] == [*[None] * (len(pieces) - 1), given.last]


def test_an_exchange_that_does_not_fit_alone_is_counted_wherever_it_stands() -> None:
    short = ("u:one", f"a:{GOOD}")
    for place in range(3):
        turns = [*short * place, "u:long", "a:" + "word " * 300, *short * (2 - place)]
        pieces, skips, counts = cleaned(talk(*turns), max_tokens=150, tokenizer=BASE)
        assert sum(len(piece.spoken) for piece in pieces) == 4
        assert counts["too-long"] == 1
        assert skips[0].startswith(f"an exchange longer than the token limit (from turn {2 * place + 1} on, ")


def test_a_conversation_that_fits_is_not_touched() -> None:
    pieces, skips, counts = cleaned(long_talk(9), max_tokens=2048, tokenizer=BASE)
    assert (len(pieces), skips, counts) == (1, [], {})
    assert pieces[0].id == "long"


def test_special_tokens_in_a_text_are_counted_as_text() -> None:
    counter = TokenCounter(BASE)
    assert counter.count("<|user|>") > 3
    assert 2 <= counter.per_turn <= 4


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_tokens": 100}, "counted by a tokenizer"),
        ({"max_tokens": 3, "tokenizer": BASE}, "No exchange fits"),
        ({"off": frozenset({"shorts"})}, "no cleaning rule 'shorts'. The rules are: html, same-id"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(limits: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        Rules(**limits).check()
    assert words in caught.value.message


def test_a_tokenizer_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(BadInput, match=r"The tokenizer in .* cannot be read"):
        TokenCounter(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"has no tokenizer.json or tokenizer.model"):
        TokenCounter(tmp_path)


def test_sentencepiece_counts_alike(tmp_path: Path) -> None:
    for name in ("tokenizer.model", "chat_template.jinja"):
        (tmp_path / name).write_bytes((BASE / name).read_bytes())
    text = "What is 12 + 30? 你好"
    assert TokenCounter(tmp_path).count(text) == TokenCounter(BASE).count(text)


# --- imports


def test_the_counts_of_an_import_are_reported_and_kept(prompts: Prompts, tmp_path: Path) -> None:
    rows = [
        {"id": "1", "conversations": [{"from": "human", "value": "one"}, {"from": "gpt", "value": GOOD}]},
        {"id": "1", "conversations": [{"from": "human", "value": "two"}, {"from": "gpt", "value": GOOD}]},
        {"id": "3", "conversations": [{"from": "human", "value": "three"}, {"from": "gpt", "value": "no"}]},
    ]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    report = prompts.import_file(tmp_path / "a.json", "new", rules=Rules(off=frozenset({"html"})))
    assert (report.imported, report.skipped) == (1, 2)
    assert report.cleaning is not None
    assert {rule for rule, count in report.cleaning.items() if count} == {"same-id", "short"}
    assert set(report.cleaning) == set(RULES) - {"html", "language", "split", "too-long"}
    detail = prompts.source("new").detail
    assert (detail["cleaning"], detail["rules"]["off"]) == (report.cleaning, ["html"])


def test_only_conversations_are_cleaned(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "a"}\n')
    with pytest.raises(BadInput, match="are for conversations"):
        prompts.import_file(tmp_path / "a.jsonl", "new", rules=Rules())


def test_every_turn_answers_with_what_was_said_before() -> None:
    given = talk("s:Be kind.", "u:one", "a:first answer", "u:two", "a:second answer", last=ImportedReply("", model="m"))
    first, second = answers_of(given, every_turn=True)
    assert (first.prompt.text, first.prompt.messages, first.reply) == ("one", None, ImportedReply("first answer"))
    assert [turn["content"] for turn in second.prompt.messages or []] == ["one", "first answer", "two"]
    assert second.reply == ImportedReply("second answer", model="m")
    assert [one.reply.text for one in answers_of(given)] == ["second answer"]


@pytest.mark.data
def test_real_conversations_are_cleaned_as_their_texts_say(data: Path, prompts: Prompts) -> None:
    """500 conversations of two kinds of bot; most say who made them, or are as short as "You too!"."""
    file = data / "sharegpt" / "dummy_conversation.json"
    rules = Rules(languages=("en",), max_tokens=2048, tokenizer=BASE)
    report = prompts.import_file(file, "cleaned", rules=rules)
    counts = {rule: count for rule, count in (report.cleaning or {}).items() if count}
    assert counts == {"short": 167, "provider": 153, "same-opening": 95}
    assert report.imported + report.skipped == 500
    plain = prompts.import_file(file, "plain", rules=Rules(off=frozenset(RULES)))
    assert (plain.imported + plain.skipped, plain.cleaning) == (500, {})


def test_the_practice_base_is_found_by_its_name(studio: Any) -> None:
    from studio.engine.prompts.cleaning import tokenizer_in

    assert (tokenizer_in(studio.models, PRACTICE_BASE) / "tokenizer.json").is_file()
    assert tokenizer_in(studio.models, str(BASE)) == BASE
    with pytest.raises(BadInput, match="no model named 'nothing'"):
        tokenizer_in(studio.models, "nothing")
