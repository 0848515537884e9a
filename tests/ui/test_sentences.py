"""Every sentence that the engine raises or keeps has its words on a page, in both languages."""

import re
from pathlib import Path

import pytest

from studio.engine.domain.status import status
from studio.engine.practice.families import FAMILIES
from studio.engine.settings import Settings
from studio.engine.teachers import library
from studio.ui.sentences import HOLE, Sentences, entries
from studio.ui.text import Texts
from tests.ui.sentence_templates import templates

FOLDER = Settings().assets / "translations"
STUDIO = Path(__file__).parents[2] / "studio"
ENTRIES = [*entries(FOLDER)]
OF_PROGRAMS = ("auth", "gradio_", "middleware", "rate", "refusals", "charts")
"""Modules of `ui` that speak to programs."""
UNSHOWN = (
    "cards/",  # A card is a file, written in English.
    "demo/", "practice/", "doctor", "evaluation/reach", "traces/contradictions",  # The terminal's.
    "domain/status", "evaluation/leaks", "prompts/cleaning/notices", "prompts/invention/similarity", "prompts/verbs",
    "engines/completions", "scoring/rubric", "store/migrations/__main__",  # What programs and models are told.
)  # fmt: skip


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return templates(STUDIO / "engine", UNSHOWN) | templates(STUDIO / "ui", OF_PROGRAMS)


def test_every_sentence_that_a_page_may_show_is_in_the_catalogue(written: dict[str, str]) -> None:
    said = {entry["say"] for entry in ENTRIES}
    missing = {text: place for text, place in written.items() if text not in said}
    assert not missing, "\n".join(f"{place}: - say: {text}" for text, place in missing.items())


def test_no_sentence_is_in_the_catalogue_that_nobody_says(written: dict[str, str]) -> None:
    pieces = {entry["say"] for entry in entries(FOLDER, "pieces")}
    assert not [entry["say"] for entry in ENTRIES if entry["say"] not in pieces.union(written)]


@pytest.mark.parametrize("words", ["zh", "page"])
def test_the_words_of_a_page_have_the_values_of_the_engine(words: str) -> None:
    for entry in ENTRIES:
        holes = set(HOLE.findall(entry["say"]))
        assert holes == set(HOLE.findall(entry.get(words, entry["say"]))), entry["say"]
        assert "}{" not in entry["say"], f"Nothing says where one value ends in: {entry['say']}"
    assert len({entry["say"] for entry in ENTRIES}) == len(ENTRIES)


def _made(text: str) -> str:
    return HOLE.sub(lambda hole: f"<{hole[1]}>", text)


def test_each_sentence_is_known_again_by_its_words_alone() -> None:
    chinese, english = Sentences("zh", FOLDER), Sentences("en", FOLDER)
    for entry in ENTRIES:
        assert chinese.told(_made(entry["say"])) == _made(entry["zh"])
        assert english.told(_made(entry["say"])) == _made(entry.get("page", entry["say"]))


def test_a_name_between_quotes_is_nobodys_to_translate() -> None:
    said = "There is already a teacher named 'teacher' in this project. Choose another name."
    assert Sentences("zh", FOLDER).told(said) == "本项目中已有名为“teacher”的教师模型。请换一个名称。"


def test_sentences_stand_in_each_other_and_beside_each_other() -> None:
    fault = "The teacher 'gpt' refused the key (HTTP 401): Incorrect API key."
    kept = "3 of 9 answers are kept; once this is mended, go on with: understudy collect --resume 'r1'"
    told = Sentences("zh", FOLDER).told(f"{fault} Add credit at the provider, and resume. {kept}")
    assert told.startswith("教师模型“gpt”拒绝了密钥（HTTP 401）：Incorrect API key.")
    assert told.endswith("9 条中有 3 条回答已保留；排除原因后，请继续收集批次“r1”。")
    assert "resume the collection 'r1'" in Sentences("en", FOLDER).told(f"{fault} {kept}")


WHOLE = {
    "The prompt source 'quiz' is needed by job 5 (Export m as Q8_0, F16), which is running. Stop it first with "
    "`understudy jobs stop 5`, or wait for it.":
        "任务 5（导出 m（Q8_0, F16），运行中）需要提示来源“quiz”。请先在“任务”页停止它，或等待它结束。",
    "Job 5 is about the prompts 'q', which is in the bin. Restore it first with `understudy restore prompts 'q'`.":
        "任务 5 所针对的提示来源“q”在回收站中。请先在“设置”页恢复它。",
    "The input price of the teacher 'y' must be a number from 0 to 999,999,999, not -1.":
        "教师模型“y”的输入价格必须是从 0 到 999,999,999 的数，不能是 -1。",
    "'Ann' is a local and may not people in the project 'people'. Ask the owner of this workspace.":
        "“Ann”是本机同事，不能在项目“people”中进行“管理人员”操作。请联系此工作区的所有者。",
    "Loading model 'x' needs more than 700 MB of memory. Choose a smaller model, or allow more by "
    "UNDERSTUDY_MODEL_MEMORY_MB.":
        "加载模型“x”需要超过 700 MB 内存。请选择较小的模型，或通过 UNDERSTUDY_MODEL_MEMORY_MB 允许更多内存。",
    "Tokenizing a few rows took longer than 5 min and was ended. If the model may be damaged, get it anew; else close "
    "other programs and try again.":
        "对几行数据分词超过 5 分钟，已被终止。若模型可能已损坏，请重新获取；否则请关闭其他程序后再试。",
    "The mixture has the seed -1. Give a whole number from 0 to 9.": "混合的随机种子是 -1。请给从 0 到 9 的整数。",
}  # fmt: skip


@pytest.mark.parametrize("said", WHOLE)
def test_a_sentence_put_together_from_parts_is_whole_in_chinese(said: str) -> None:
    assert Sentences("zh", FOLDER).told(said) == WHOLE[said]


def test_what_jobs_are_called_is_known_in_its_place_alone() -> None:
    for title, chinese in (("Train x", "训练 x"), ("of an older version", "of an older version")):
        said = (
            f"Job 5 ({title}) is queued. Wait for it, or stop it with `understudy jobs stop 5`, then make the backup."
        )
        assert f"（{chinese}）排队中" in Sentences("zh", FOLDER).told(said)
    assert Sentences("zh", FOLDER).told("Train x") == "Train x"


ITS_INPUT = {
    "en": "tick “These are answers”, then choose its input file too",
    "zh": "勾选“这些是回答”后，请同时选择批处理的输入文件",
}


@pytest.mark.parametrize("language", ITS_INPUT)
def test_a_page_names_no_option_of_a_command(language: str) -> None:
    reason = status("row_with_batch")
    assert reason.endswith("--batch-input")
    assert Texts(language, "prompts").said(reason.as_dict()) == ITS_INPUT[language]
    assert Sentences(language, FOLDER).told(str(reason)) == ITS_INPUT[language]
    assert all(Texts(language, "prompts")(key) in ITS_INPUT[language] for key in ("import.answers",))


def test_other_words_stay_as_they_are() -> None:
    for text in ("The disk is full. Free some space.", "", "Whatever a provider says.", "'" * 50, "The file " * 2000):
        assert Sentences("zh", FOLDER).told(text) == text


def test_what_comes_with_the_studio_has_names_in_chinese() -> None:
    chinese, english = Texts("zh"), Texts("en")
    for shipped in library():
        assert english.name_of("message", shipped.name) == shipped.name
        assert shipped.name in (named := chinese.name_of("message", shipped.name)) and named != shipped.name
        assert chinese.told(shipped.intent) != shipped.intent
    assert all(chinese.name_of("family", family) != family for family in FAMILIES)
    assert chinese.name_of("message", "my own") == "my own"


COMMAND = re.compile(r"understudy [a-z]|(?:^|[\s(（`])--[a-z]")
ONLY_IN_A_TERMINAL = ("`understudy setup`", "`pip install", "understudy teachers set-key", "--workspace")
"""Installing, putting a key into the system's keyring, and choosing the workspace: no page can."""


@pytest.mark.parametrize("words", ["zh", "page"])
def test_a_page_names_its_own_controls_and_no_command(words: str) -> None:
    said = [entry.get(words, entry["say"]) for entry in ENTRIES]
    assert not [text for text in said if COMMAND.search(text) and not any(one in text for one in ONLY_IN_A_TERMINAL)]


@pytest.mark.parametrize("text", ["a. " * 1300, "It failed: " + "x! " * 700, "There is no file " * 200, "{" * 3000])
def test_a_long_text_of_others_stays_as_it_is(text: str) -> None:
    assert Texts("zh").told(text) == text
