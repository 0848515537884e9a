"""Cards of real students: what the store says of them, where they are kept, and what is left alone."""

import re

import pytest
import yaml
from written import write_trace

from studio.engine.errors import BadInput, NotFound
from studio.engine.store.tables import ModelFile, Run, Stage

ANSWERS = [f"The answer to question number {n} is found by thinking about it slowly and carefully." for n in range(12)]


@pytest.fixture
def kid(studio):
    """A student of one stage on answers of a teacher whose run stores a message for it; its folder, without weights."""
    studio.teachers.add("gpt", "https://api.example.com/v1", "gpt-9", terms="research", terms_note="See <b>§2</b>",
                        terms_checked_on="2026-05-04")  # fmt: skip
    student = {"id": None, "name": "brief", "text": "Be brief."}
    with studio.database.session() as session:
        run = Run(project_id=studio.project.id, name="first", settings={"student": student})
        session.add(run)
        session.flush()
        for n, answer in enumerate(ANSWERS):
            write_trace(session, run=run, prompt_text=f"Question {n}?", system_message_name="long",
                        system_message_text="Be long.", response=answer, teacher="gpt", model="gpt-9",
                        terms="research")  # fmt: skip
    studio.datasets.freeze("plain", run="first")
    model = studio.models.register_student("kid", parent="practice-base", state="ready")
    with studio.database.session() as session:
        session.add(Stage(model_id=model.id, position=0, name="plain", dataset="plain-v1", state="done", steps=7,
                          train_loss=0.5, spec={"method": "full", "rows": {"used": 12}}))  # fmt: skip
    folder = studio.models.path_of(model)
    folder.mkdir(parents=True)
    return folder


def test_card_tells_the_whole_way_from_the_teachers_terms(studio, kid):
    text = studio.cards.text("kid")
    dataset = studio.datasets.get("plain")
    for words in ("`gpt` (model `gpt-9`): 12 answers in `plain-v1`, from run `first`", "**research**", dataset.sha256,
                  "See \\<b\\>§2\\</b\\>", "Read on 2026-05-04", "12 rows: `brief`", "```text\nBe brief.\n```",
                  "training loss 0.5", "Commercial use: **research**", "under `apache-2.0`"):  # fmt: skip
        assert words in text
    assert "Be long." not in text
    front = yaml.safe_load(text.split("---\n")[1])
    assert (front["license"], front["license_name"], front["language"]) == ("other", "research-only", ["en"])


def test_card_in_chinese_has_the_same_figures_and_no_other_words(studio, kid):
    english, chinese = studio.cards.text("kid"), studio.cards.text("kid", "zh")
    assert "## 如何训练" in chinese and "## How it was trained" not in chinese and "一个**模仿模型**" in chinese
    figures = r"`[^`]+`|[0-9][0-9.,:-]*[0-9]|\*\*research\*\*"
    found = [sorted(re.findall(figures, text.split("\n---\n", 1)[1])) for text in (english, chinese)]
    assert found[0] == found[1] and len(found[0]) > 10
    front = [yaml.safe_load(text.split("---\n")[1]) for text in (english, chinese)]
    assert front[1]["understudy"].pop("written_in") == "zh" and front[0] == front[1]
    lines = chinese.split("\n---\n", 1)[1].splitlines()
    assert [line for line in lines if re.match(r"[ \-*#0-9.]*[A-Z][a-z]+ [a-z]+", line)] == ["Be brief."]


def test_card_keeps_the_language_it_was_written_in(studio, kid):
    path = studio.cards.write("kid", language="zh")
    studio.models.change("kid", detail={"note": "changed"})
    studio.cards.refresh("kid")
    assert "## 局限" in path.read_text(encoding="utf-8")
    studio.cards.write("kid", language="en")
    studio.cards.refresh("kid")
    assert "## Limits" in path.read_text(encoding="utf-8")
    with pytest.raises(BadInput, match="en or zh"):
        studio.cards.write("kid", language="fr")


def test_first_card_is_in_the_language_of_the_studio(studio, kid, monkeypatch):
    monkeypatch.setattr(studio.models, "settings", studio.settings.model_copy(update={"language": "zh"}))
    studio.cards.refresh("kid")
    assert "## 局限" in studio.cards.kept("kid")


def test_base_that_was_fetched_is_named_as_the_hub_names_it(studio, kid):
    studio.models.change("practice-base", detail={"origin": "org/base-1b"})
    text = studio.cards.text("kid")
    assert yaml.safe_load(text.split("---\n")[1])["base_model"] == "org/base-1b" and "`org/base-1b`, under" in text


def test_card_follows_terms_that_are_restated(studio, kid):
    studio.traces.restate_terms("first", "no", by="ann", note="they said no")
    text = studio.cards.text("kid")
    assert "Commercial use: **no**" in text and "it was **research**" in text and "“they said no”" in text


def test_data_with_the_teachers_own_messages_says_so(studio, kid):
    studio.datasets.freeze("plain", run="first", keep_system_message=True)
    with studio.database.session() as session:
        session.get_one(Stage, 1).dataset = "plain-v2"
    assert "```text\nBe long.\n```" in studio.cards.text("kid")


def test_data_that_answers_a_prompt_in_two_ways_says_so(studio, kid):
    assert "contradict itself" not in studio.cards.text("kid")
    with studio.database.session() as session:
        run = session.get_one(Run, 1)
        write_trace(session, run=run, prompt_text="Question 1?", system_message_name="short", response="Quickly said.",
                    system_message_text="Be short.", teacher="gpt", model="gpt-9", terms="research")  # fmt: skip
    studio.datasets.freeze("plain", run="first")
    with studio.database.session() as session:
        session.get_one(Stage, 1).dataset = "plain-v2"
    assert "In `plain-v2`, 1 prompt has different answers" in studio.cards.text("kid")
    studio.datasets.freeze("plain", run="first", keep_system_message=True)
    with studio.database.session() as session:
        session.get_one(Stage, 1).dataset = "plain-v3"
    assert "contradict itself" not in studio.cards.text("kid")


def test_grandchild_tells_the_stages_of_its_parent_too(studio, kid):
    studio.models.register_student("grandkid", parent="kid", state="ready")
    text = studio.cards.text("grandkid")
    assert "**kid**" in text and "`plain-v1`" in text and "By way of `kid`." in text


def test_card_is_kept_in_the_folder_and_a_changed_one_is_left_alone(studio, kid):
    assert studio.cards.kept("kid") is None
    assert studio.cards.write("kid") == kid / "README.md"
    assert "# kid" in studio.cards.kept("kid")
    (kid / "README.md").write_text("mine")
    with pytest.raises(BadInput, match="changed since"):
        studio.cards.write("kid")
    assert studio.cards.refresh("kid", kid / "kid.gguf") == [kid / "kid.gguf.md"]
    assert studio.cards.kept("kid") == "mine" and "# kid" in (kid / "kid.gguf.md").read_text()


def test_copies_beside_files_spare_what_is_not_ours(studio, kid, tmp_path):
    (tmp_path / "a.gguf.md").write_text("notes")
    assert studio.cards.refresh("kid", tmp_path / "a.gguf", tmp_path / "no" / "b.gguf") == [None, None]
    assert (tmp_path / "a.gguf.md").read_text() == "notes"


def test_files_come_with_their_measured_parity(studio, kid):
    parity = {"prompts": 64, "same_answers": 1.0, "mean_kl": 0.0014, "template_match": True}
    studio.models.record_file("kid", ModelFile(model_id=0, quantization="Q8_0", path="x", bytes=5, sha256="cd" * 32,
                                               parity=parity))  # fmt: skip
    assert "100.0% same answers to 64 questions, mean KL divergence 0.0014" in studio.cards.text("kid")


def test_only_students_have_cards(studio, kid):
    with pytest.raises(BadInput, match="not a student"):
        studio.cards.text("practice-base")
    with pytest.raises(NotFound):
        studio.cards.text("nobody")
    studio.models.register_student("young", parent="practice-base")
    with pytest.raises(BadInput, match="no folder"):
        studio.cards.write("young")


def test_command_writes_the_card_anew_and_elsewhere(run_cli, studio, kid, tmp_path):
    done = run_cli("models", "card", "kid", "--json")
    assert (done.code, done.json) == (0, {"model": "kid", "path": str(kid / "README.md")})
    assert run_cli("models", "card", "kid", "--out", tmp_path / "card.md").code == 0
    assert "# kid" in (tmp_path / "card.md").read_text()
    (tmp_path / "mine.md").write_text("mine")
    refused = run_cli("models", "card", "kid", "--out", tmp_path / "mine.md", "--json")
    assert (refused.code, refused.out) == (2, "")
