"""Each way of cutting a text into words, at what tells it from the others."""

import pytest

from studio.engine.domain.words import (
    LONGEST_WORD,
    bleu_tokens,
    count_letters,
    count_words,
    english_words,
    index_words,
    is_paired,
    letter_words,
    plain_words,
    rouge_tokens,
    sentences,
    unigrams,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World 42!", ["hello", "world", "42"]),
        ("À la carte", ["a", "la", "carte"]),
        ("世界人民", ["世界", "界人", "人民", "民"]),
        ("한국어", ["한국", "국어", "어"]),
        ("ＦＵＬＬ width", ["full", "width"]),
        ("I´m", ["i", "m"]),
        ("हिन्दी", ["हिन्दी"]),
        ("佐々木", ["佐々", "々木", "木"]),
        ("!?", []),
    ],
)
def test_the_index_has_words_without_accents_and_pairs_of_characters(text: str, words: list[str]) -> None:
    assert list(index_words(text)) == words


def test_a_word_of_the_index_is_cut_where_it_is_too_long() -> None:
    assert [len(word) for text in ("x" * 500, "ж" * 500) for word in index_words(text)] == [LONGEST_WORD] * 2


def test_a_pair_is_told_from_a_word() -> None:
    assert [is_paired(word) for word in ("世界", "民", "한", "word", "9", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_plain_words_are_the_same_for_two_wordings_of_one_prompt() -> None:
    assert plain_words("What's THE capital?") == plain_words("what s the  capital") == ["what", "s", "the", "capital"]
    assert plain_words("Naïve，世界") == ["naïve", "世", "界"]
    assert plain_words("ＡＢ_c") == ["ab", "c"]


def test_rouge_tokens_are_those_of_its_package_and_other_scripts_beside() -> None:
    assert rouge_tokens("The naïve E-mail_address 42") == ["the", "na", "ve", "e", "mail", "address", "42"]
    assert rouge_tokens("Русский язык, ABC 한국어 ไทย") == ["русский", "язык", "abc", "한국어", "ไ", "ท", "ย"]


def test_bleu_tokens_keep_case_and_marks() -> None:
    assert bleu_tokens("Say 'Hi', 世界!") == ["Say", "'", "Hi", "'", ",", "世", "界", "!"]


def test_unigrams_part_letters_from_digits() -> None:
    assert unigrams("GPT4 is 3.5_Turbo, Été") == ["gpt", "4", "is", "3", "5", "turbo", "été"]


def test_letter_words_leave_numbers_out() -> None:
    assert letter_words("18 Apples, 3kg") == ["Apples", "kg"]


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("one two-three", 2), ("写一首诗 in English", 4), ("写一首", 2), ("한국어 말", 2)]
)
def test_two_characters_without_spaces_count_as_a_word(text: str, count: int) -> None:
    assert count_words(text) == count


def test_a_wide_letter_counts_as_three() -> None:
    assert count_letters("ab 1!") == 2
    assert count_letters("世한か") == 9


def test_english_words_keep_hyphens_and_marks() -> None:
    assert english_words("role-play a king's day, now.") == ["role-play", "a", "king's", "day", ",", "now", "."]


def test_sentences_end_at_marks_and_lines() -> None:
    assert sentences(" Read this: a text.\nThen sum 1.5 up! ") == ["Read this:", "a text.", "Then sum 1.5 up!"]
