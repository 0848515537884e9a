"""The Models page: what is drawn of models, files and answers, and which of them can be asked."""

import pytest
from sqlmodel import select

from studio.engine.inference import Reply
from studio.engine.store.tables import Job, Model, ModelFile
from studio.ui.pages import models as page
from studio.ui.pages import models_views as views
from studio.ui.text import LANGUAGES, Texts

FILE = {"path": "/nowhere/x.gguf", "bytes": 2_300_000, "sha256": "ab" * 32, "tensor_types": {"Q8_0": 22, "F32": 7}}


def model(name, kind="student", **values):
    return Model(project_id=1, name=name, kind=kind, **values)


@pytest.fixture(params=LANGUAGES)
def t(request):
    return Texts(request.param, "models")


def test_answer_of_a_model_cannot_bring_its_own_html(t):
    reply = Reply("<script>alert(1)</script> **bold** <img src=x onerror=alert(1)>", 3, 4, 0.5, "stop")
    drawn = str(views.answers(t, [views.Said("<b>who</b>", reply)]))
    assert "<script" not in drawn and "<img" not in drawn and "<b>who" not in drawn
    assert "<strong>bold</strong>" in drawn


def test_answers_show_who_is_still_at_it_who_failed_and_who_was_cut(t):
    cut = Reply("1, 2, 3", 3, 4, 0.5, "length")
    drawn = str(views.answers(t, [views.Said("a", cut), views.Said("b"), views.Said("c", fault="It broke.")]))
    assert t("try.cut") in drawn
    assert t("try.waiting", name="b") in drawn
    assert "It broke." in drawn


def test_file_shows_its_actual_types_and_parity_and_says_when_it_is_gone(t, studio):
    parity = {"prompts": 200, "same_answers": 0.975, "mean_kl": 0.0123, "template_match": False}
    checked = ModelFile(model_id=1, quantization="Q8_0", parity=parity, **FILE)
    unchecked = ModelFile(model_id=1, quantization="f16", parity=None, **FILE)
    drawn = str(views.files(t, "m", [checked, unchecked], studio))
    for words in ("F32 × 7, Q8_0 × 22", "97.5 %", "0.012", t("template.differs"), t("unchecked"), t("gone"), "2.3 MB"):
        assert words in drawn


def test_file_on_disk_has_a_download_link(t, studio, tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    file = ModelFile(model_id=1, quantization="Q8_0", **{**FILE, "path": str(studio.addresses.of(path))})
    assert "/download/model?project=default&amp;model=m&amp;quantization=Q8_0" in str(
        views.files(t, "m", [file], studio)
    )


def test_export_shows_its_bar_then_its_reason_and_nothing_once_done(t):
    def shown(state, **values):
        job = Job(project_id=1, kind="export", title="", payload={"model": "m"}, state=state, **values)
        return str(views.export_progress(t, job))

    assert "50" in shown("running", done=2, total=4)
    assert "no disk" in shown("failed", error="There is no disk space.")
    assert shown("done") == ""
    assert views.export_progress(t, None) == ""


def test_detail_of_a_real_model_tells_lineage_and_licence(t, studio):
    studio.models.register_student("kid", parent="practice-base", state="ready")
    drawn = str(views.detail(t, studio.models.show("kid"), studio))
    assert "kid" in drawn and "practice-base" in drawn
    assert t("use") in drawn


def test_card_is_folded_up_with_a_copy_and_brings_no_html(t):
    text = "---\nlicense: mit\n---\n\n# kid\n\n<img src=x onerror=alert(1)>\n\n<!-- understudy card ab -->\n"
    drawn = str(views.model_card(t, "/models/kid/README.md", text))
    assert drawn.startswith("<details") and "/models/kid/README.md" in drawn and "license: mit" in drawn
    assert "<img" not in drawn and ">kid</h" in drawn
    assert drawn.count("understudy card") == 1  # in what is copied alone
    assert views.model_card(t, "x", "no front matter") and "no front matter" in str(
        views.model_card(t, "x", "no front matter")
    )
    assert t("card.none") in str(views.model_card(t, "x", None))


def test_only_students_that_are_trained_have_a_card():
    found = [model("young", state="training"), model("old", state="ready"), model("root", "base")]
    assert [page._has_card(one.name, found) for one in found] == [False, True, False]


def test_newest_ready_student_is_shown_unless_the_address_names_another():
    found = [model("young", state="training"), model("old", state="ready"), model("root", "base")]
    assert page._chosen(found, "") == "old"
    assert page._chosen(found, "root") == "root"
    assert page._chosen(found[2:], "") == "root"
    assert page._chosen([], "") == ""


def test_the_list_says_what_became_of_a_training_whose_job_broke_off(studio, t):
    studio.models.register_student("kid", parent="practice-base", state="training")
    with studio.database.session() as session:
        job = Job(project_id=studio.project_id, kind="train", title="Train", state="failed")
        session.add(job)
        session.flush()
        session.exec(select(Model).where(Model.name == "kid")).one().job_id = job.id
    kid = studio.models.get("kid")
    line = page._line(kid, 0, studio.training.states()["kid"])
    drawn = str(views.models(t, [line], "kid", studio)) + str(
        views.detail(t, studio.models.show("kid"), studio, line.state)
    )
    assert drawn.count(t("state.failed")) == 2 and t("state.training") not in drawn


def test_those_who_can_be_asked_are_models_their_files_and_teachers_but_none_in_training(studio):
    studio.models.register_student("kid", parent="practice-base", state="ready")
    studio.models.register_student("baby", parent="practice-base", state="training")
    studio.models.record_file("kid", ModelFile(model_id=0, quantization="Q8_0", **FILE))
    studio.teachers.add_practice()
    names = page._answerers(studio, list(studio.models.list()))
    assert {"kid", "kid · Q8_0", "practice-base", "practice-plain"} <= set(names)
    assert not any(name.startswith("baby") for name in names)


def test_failure_to_answer_is_shown_and_not_raised(studio):
    assert "nobody" in page._asked(studio, "nobody", "", "hi").fault


def test_dataset_of_the_last_stage_is_in_the_table(studio, t):
    recipe = {"stages": [{"dataset": "plain-v1"}, {"dataset": "thorough-v2"}]}
    studio.models.register_student("kid", parent="practice-base", recipe=recipe, state="ready")
    line = page._line(studio.models.get("kid"), 2)
    assert (line.dataset, line.files) == ("thorough-v2", 2)
    drawn = str(views.models(t, [line], "kid", studio))
    assert "thorough-v2" in drawn and 'aria-current="true"' in drawn
