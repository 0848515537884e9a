"""What a file and its original are asked, and which right answers come with it."""

import json
from pathlib import Path

import pytest

from studio.engine.export.parity import share_of_same, share_right
from studio.engine.export.questions import questions_for
from studio.engine.settings import Settings
from studio.engine.store.tables import Dataset, Model, Prompt, PromptSource, Stage
from studio.engine.studio import Studio, open_studio


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return open_studio(Settings(workspace=tmp_path / "space"), "default")


def trained(here: Studio, rows: list[tuple[str, str, str | None]]) -> str:
    """A student trained on these rows: (split, question, right answer)."""
    with here.database.session() as session:
        source = PromptSource(project_id=here.project.id, name="s", kind="import")
        session.add(source)
        session.flush()
        lines = []
        for position, (split, question, answer) in enumerate(rows):
            prompt = Prompt(
                project_id=here.project.id, source_id=source.id, position=position, digest=bytes([position]),
                text=question, answer=answer,
            )  # fmt: skip
            session.add(prompt)
            session.flush()
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": "It is so."}]
            lines.append({"messages": turns, "prompt_id": prompt.id, "split": split})
        file = here.models.artifacts.path("d.jsonl")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        dataset = Dataset(project_id=here.project.id, name="d", version=1, train_rows=len(lines), test_rows=0)
        dataset.sha256, dataset.path = "0" * 64, "d.jsonl"
        session.add(dataset)
        model = Model(project_id=here.project.id, name="m", kind="student", path="m")
        session.add(model)
        session.flush()
        session.add(Stage(model_id=model.id, position=1, name="one", dataset="d-v1"))
    return "m"


def asked(here: Studio, model: str, count: int = 20) -> dict[str, str]:
    """Questions with the right answers that came with them."""
    found = questions_for(here.database, here.models.artifacts, here.project.id or 0, model, count)
    said = [str(turns[-1]["content"]) for turns in found.conversations]
    return dict(zip(said, found.answers, strict=True)) | {"unseen": str(found.are_unseen)}


def test_the_rows_of_a_dataset_bring_the_right_answers_of_their_prompts(here: Studio) -> None:
    model = trained(here, [("train", "2+2?", "4"), ("train", "Why?", None)])
    assert asked(here, model) == {"2+2?": "4", "Why?": "", "unseen": "False"}


def test_rows_that_were_held_out_are_asked_first(here: Studio) -> None:
    rows = [("test", f"{n}+1?", str(n + 1)) for n in range(16)]
    found = asked(here, trained(here, [*rows, ("train", "seen", "4")]), 16)
    assert found == {question: answer for _, question, answer in rows} | {"unseen": "True"}


def test_without_a_dataset_practice_problems_are_asked(here: Studio) -> None:
    found = questions_for(here.database, here.models.artifacts, here.project.id or 0, "none", 5)
    assert len(found.conversations) == len(found.answers) == 5 and all(found.answers) and found.are_unseen


def test_shares_count_only_where_the_right_answer_is_known() -> None:
    assert share_right(["4", ""], ["The answer is 4.", "The answer is 9."]) == 1.0
    assert share_right(["4", "5"], ["The answer is 4.", "The answer is 9."]) == 0.5
    assert share_right(["", ""], ["a", "b"]) is None
    same = share_of_same(["The answer is 4.", "x 1"], ["The answer is 5.", "x 1"], ["4", ""])
    assert same == 0.0
    assert share_of_same(["a"], ["a"], [""]) is None
