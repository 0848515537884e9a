"""A card as markdown: what it says of a student, what it leaves unsaid, and that no text in it is obeyed."""

from dataclasses import replace

import pytest
import yaml
from markdown_it import MarkdownIt

from studio.engine.cards import escaping, keeping
from studio.engine.cards.facts import Card, FileFacts, ShownSystemMessage, StageFacts, StudentFacts, TeacherNote
from studio.engine.cards.writing import markdown
from studio.engine.lineage import Ancestor, Restatement, TeacherShare
from studio.engine.models.licence import Verdict

EVIL = (
    "x`\n---\nlicense: mit\n# Heading\n<script>alert(1)</script> [click](javascript:alert(1)) ![i](http://e.vil/p.png)"
)
SHARE = TeacherShare("gpt", "gpt-9", "yes", 600, ("first",))
STAGE = StageFacts(
    name="plain", dataset="plain-v1", sha256="ab" * 32, state="done", steps=120, total_steps=120, seconds=61.4,
    tokens=91_000, train_loss=0.12345, eval_loss=None, rows={"used": 590, "too_long": 10, "cut": 0},
    settings={"method": "lora", "lora": {"rank": 16, "alpha": 32}, "epochs": 2.0, "learning_rate": 1e-3},
    teachers=(SHARE,), told=(ShownSystemMessage("", "", 600),), avoided=(),
)  # fmt: skip
CARD = Card(
    name="kid",
    state="ready",
    root=Ancestor("org/base", "elsewhere", "apache-2.0", ()),
    students=(StudentFacts("kid", (STAGE,)),),
    verdict=Verdict("yes", "Yes: its base, org/base, is under apache-2.0."),
    day="2026-11-21",
)


def front(text: str) -> dict:
    _, matter, _ = text.split("---\n", 2)
    return yaml.safe_load(matter)


def html(text: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(text.split("---\n", 2)[2])


def with_stage(**values) -> Card:
    return replace(CARD, students=(StudentFacts("kid", (replace(STAGE, **values),)),))


def test_front_matter_is_what_the_hub_reads():
    matter = front(markdown(replace(CARD, languages=("en",))))
    assert (matter["license"], matter["base_model"], matter["language"]) == ("apache-2.0", "org/base", ["en"])
    assert matter["datasets"] == ["plain-v1"]
    assert matter["understudy"]["datasets"] == [{"name": "plain-v1", "sha256": "ab" * 32}]
    from huggingface_hub import ModelCard

    read = ModelCard(markdown(CARD), ignore_metadata_errors=False).data
    assert (read.license, read.base_model, read.library_name) == ("apache-2.0", "org/base", "transformers")


@pytest.mark.parametrize(
    ("use", "terms", "licence", "expected"),
    [
        ("yes", "yes", "mit", {"license": "mit"}),
        ("no", "no", "mit", {"license": "other", "license_name": "not-permitted-by-a-teachers-terms"}),
        ("research", "research", "mit", {"license": "other", "license_name": "research-only"}),
        ("unknown", "unknown", "mit", {"license": "other", "license_name": "not-known"}),
        ("unknown", "yes", "Llama 3", {"license": "other", "license_name": "llama-3"}),
        ("unknown", "yes", "", {"license": "other", "license_name": "not-known"}),
    ],
)
def test_licence_never_promises_more_than_the_verdict(use, terms, licence, expected):
    card = replace(
        with_stage(teachers=(replace(SHARE, terms=terms),)),
        root=Ancestor("org/base", "base", licence, ()),
        verdict=Verdict(use, "."),
    )
    matter = front(markdown(card))
    assert {key: matter[key] for key in ("license", "license_name") if key in matter} == expected


def test_stage_tells_its_data_its_rows_and_only_the_losses_that_were_measured():
    text = markdown(CARD)
    assert "`plain` on `plain-v1`" in text and "ab" * 32 in text
    assert "590 used, 10 left out as too long" in text and "cut at the end" not in text
    assert "training loss 0.1235" in text and "on rows held out" not in text
    assert "No loss was measured on rows that were held out" in text
    assert "0.5 on rows held out" in markdown(with_stage(eval_loss=0.5))
    assert "rank 16" in text and "learning rate 0.001" in text


def test_nothing_measured_is_said_as_such():
    text = markdown(CARD)
    assert "Nothing beyond its losses." in text and "%" not in text.split("## Measured")[1]
    parity = {"prompts": 64, "same_answers": 0.984, "mean_kl": None, "template_match": False}
    files = (FileFacts("Q8_0", 2_300_000, "cd" * 32, parity), FileFacts("f16", 5, "ef" * 32, None))
    text = markdown(replace(CARD, files=files, exact_match=0.94))
    assert "98.4% same answers to 64 questions, **reads prompts otherwise**" in text and "divergence" not in text
    assert "not compared with the original" in text and "94.0%" in text


def test_teachers_come_with_their_terms_as_recorded_restated_and_today():
    share = replace(
        SHARE, terms="research", terms_frozen="unknown", terms_now="no",
        restated=(Restatement("first", "research", "ann", 0.0, "asked them"),),
    )  # fmt: skip
    card = replace(with_stage(teachers=(share,)), teachers={"gpt": TeacherNote("no", "Section 2", "2026-05-04")})
    text = markdown(card)
    for words in ("**research**", "for research only", "it was **unknown**", "by ann", "“asked them”", "today: **no**",
                  "“Section 2”", "Read on 2026-05-04"):  # fmt: skip
        assert words in text


def test_system_message_to_send_is_there_word_for_word():
    text = markdown(
        with_stage(
            told=(
                ShownSystemMessage("brief", "Be brief.\n```\nno fence ends here", 500),
                ShownSystemMessage("", "", 100),
            )
        )
    )
    assert "````text\nBe brief.\n```\nno fence ends here\n````" in text
    assert "500 rows: `brief`" in text and "100 rows: no system message." in text
    assert "send it none" in markdown(CARD)
    assert "not recorded" in markdown(with_stage(told=None)).split("## How to ask it")[1].split("##")[0]


def test_texts_of_others_are_read_and_never_obeyed():
    share = replace(
        SHARE, teacher=EVIL, model=EVIL, runs=(EVIL,), restated=(Restatement(EVIL, "yes", EVIL, 0.0, EVIL),)
    )
    card = replace(
        with_stage(
            name=EVIL, dataset=EVIL, teachers=(share,), told=(ShownSystemMessage(EVIL, EVIL + "\n````\n# Out", 1),)
        ),
        root=Ancestor(EVIL, "base", EVIL, ()),
        verdict=Verdict("unknown", EVIL),
        teachers={EVIL: TeacherNote("yes", EVIL, EVIL)},
        made_with={"torch": EVIL},
        architecture=EVIL,
        state=EVIL,
    )
    text = markdown(card)
    assert front(text)["license"] == "other" and text.count("\n---\nlicense") == 1  # inside the fence of the message
    drawn = html(text)
    assert (
        "<script" not in drawn
        and "<img" not in drawn
        and "javascript:" not in "".join(part.split('"')[0] for part in drawn.split('href="')[1:])
    )
    assert drawn.count("<h1>") == 1 and drawn.count("<h2>") == 8
    assert drawn.count('href="') == 1


def test_front_matter_of_evil_names_ends_where_it_should():
    text = markdown(with_stage(dataset='a\n---\n"license: mit'))
    assert front(text)["understudy"]["datasets"][0]["name"] == 'a --- "license: mit'
    assert "datasets" not in front(text)


def test_path_of_a_folder_is_not_told():
    text = markdown(replace(CARD, root=Ancestor("/home/ann/secret/tiny", "elsewhere", "", ())))
    assert "/home" not in text and "`tiny`" in text and "base_model" not in front(text)


@pytest.mark.parametrize("text", ["`", "a `` b", "`x", "x`", "", "a\u202eb\x1b[31m"])
def test_code_letters_hold_any_name(text):
    drawn = MarkdownIt("commonmark").render(escaping.code(text))
    seen = "".join(text.replace("\u202e", " ").replace("\x1b", " "))
    assert drawn == (f"<p><code>{seen}</code></p>\n" if text else "<p>(no name)</p>\n")


def test_addresses_are_not_links():
    words = escaping.inline("see https://e.vil and www.e.vil or me@e.vil")
    drawn = MarkdownIt("gfm-like", {"linkify": False}).render(words)
    assert drawn == "<p>see https://e.vil and www.e.vil or me@e.vil</p>\n"
    assert "https://" not in words and "www." not in words and "me@" not in words


def test_only_a_card_that_nobody_touched_is_written_anew(tmp_path):
    path = tmp_path / "README.md"
    assert keeping.keep(path, "one\n") and keeping.keep(path, "two\n")
    assert path.read_text().startswith("two\n") and keeping.is_ours(path)
    path.write_text(path.read_text().replace("two", "mine"))
    assert not keeping.keep(path, "three\n") and path.read_text().startswith("mine")
    other = tmp_path / "notes.md"
    other.write_bytes(b"\xff\xfe")
    assert not keeping.keep(other, "x") and other.read_bytes() == b"\xff\xfe"
    assert sorted(tmp_path.iterdir()) == [path, other]


def test_answers_that_contradict_each_other_are_a_limit_told_once_for_each_dataset():
    assert "contradict itself" not in markdown(with_stage(contradictions=0)) + markdown(CARD)
    one, many = replace(STAGE, contradictions=1), replace(STAGE, dataset="more-v2", contradictions=1200)
    text = markdown(replace(CARD, students=(StudentFacts("kid", (one, replace(one, name="again"), many)),)))
    assert text.count("In `plain-v1`, 1 prompt has different answers, given under system messages") == 1
    assert "In `more-v2`, 1,200 prompts have different answers" in text.partition("## Limits")[2]
