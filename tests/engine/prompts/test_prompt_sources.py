"""Prompt sources: each distinct prompt once, pages in order, search, deletion, and practice problems."""

import json
from pathlib import Path

import pytest

from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.practice.families import FAMILIES
from studio.engine.prompts import NewPrompt, Prompts, writing
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Run


def test_the_same_prompt_is_stored_once_whatever_its_answer(prompts: Prompts) -> None:
    rows = [
        NewPrompt("a", answer="1"),
        NewPrompt("a", answer="2"),
        NewPrompt("a", system="Be brief."),
        NewPrompt("a", messages=[{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]),
        NewPrompt("b"),
    ]
    report = prompts.add("s", "import", rows)
    assert (report.imported, report.skipped, report.reasons) == (4, 1, {"duplicate": 1})
    assert report.examples == [(2, "duplicate")]
    assert prompts.page("s")[0].answer == "1"
    assert prompts.source("s").count == 4


def test_duplicates_are_found_across_batches(prompts: Prompts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH_ROWS", 3)
    report = prompts.add("s", "import", [NewPrompt(f"number {index % 7}") for index in range(20)])
    assert (report.imported, report.skipped) == (7, 13)
    assert [row.position for row in prompts.page("s")] == list(range(7))


def test_progress_is_told_batch_by_batch(prompts: Prompts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(writing, "BATCH_ROWS", 2)
    (tmp_path / "a.jsonl").write_text("".join(f'{{"prompt": "{n}"}}\n' for n in range(5)))
    told: list[tuple[int, int | None]] = []
    prompts.import_file(tmp_path / "a.jsonl", "s", progress=lambda done, total, message: told.append((done, total)))
    row = len('{"prompt": "0"}\n')
    assert told == [(2 * row, 5 * row), (4 * row, 5 * row), (5 * row, 5 * row)], "in bytes of the file"


def test_a_source_whose_rows_fail_half_way_never_existed(prompts: Prompts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH_ROWS", 2)

    def rows() -> object:
        yield from (NewPrompt(f"number {index}") for index in range(5))
        raise RuntimeError("the caller broke")

    with pytest.raises(RuntimeError):
        prompts.add("s", "import", rows())  # type: ignore[arg-type]
    assert prompts.sources() == []


def test_texts_that_no_database_takes_are_left_out(prompts: Prompts) -> None:
    report = prompts.add("s", "invent", [NewPrompt("fine"), NewPrompt("nul \0"), NewPrompt("half \ud800")])
    assert (report.imported, report.skipped) == (1, 2)


def test_a_source_needs_at_least_one_prompt(prompts: Prompts) -> None:
    with pytest.raises(BadInput, match="holds no prompt"):
        prompts.add("s", "invent", [])
    assert prompts.sources() == []


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 101])
def test_an_unusable_name_is_refused(prompts: Prompts, name: str) -> None:
    with pytest.raises(BadInput, match="needs a name"):
        prompts.add(name, "import", [NewPrompt("a")])


def test_a_name_taken_meanwhile_is_told_as_such(prompts: Prompts) -> None:
    def rows() -> object:
        prompts.check_free = lambda name: None  # type: ignore[method-assign]
        yield NewPrompt("a")

    prompts.add("s", "import", rows())  # type: ignore[arg-type]
    with pytest.raises(NameTaken, match="'s'"):
        prompts.add("s", "import", [NewPrompt("b")])
    assert [row.text for row in prompts.page("s")] == ["a"]


def test_projects_do_not_see_each_others_sources(prompts: Prompts, database: Database) -> None:
    prompts.add("s", "import", [NewPrompt("mine")])
    other = Prompts(database, Projects(database).get("another").id or 0)
    assert other.sources() == []
    with pytest.raises(NotFound, match="no prompt source named 's'"):
        other.page("s")
    other.add("s", "import", [NewPrompt("mine")])
    assert other.source("s").count == 1


def test_pages_follow_each_other_without_gap_or_overlap(prompts: Prompts) -> None:
    prompts.add("s", "import", [NewPrompt(f"number {index}") for index in range(25)])
    seen: list[str] = []
    after = None
    while page := prompts.page("s", after=after, limit=10):
        seen += [row.text for row in page]
        after = page[-1].position
    assert seen == [f"number {index}" for index in range(25)]


def test_iterating_gives_every_prompt_once_in_order(prompts: Prompts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.engine.prompts.prompts.ITERATE_ROWS", 4)
    prompts.add("s", "import", [NewPrompt(f"number {index}") for index in range(11)])
    assert [row.text for row in prompts.iterate("s")] == [f"number {index}" for index in range(11)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Берлин", ["Берлин"]),
        ("天气", ["今天天气很好"]),
        ("50%", ["50% off"]),
        ("_x", []),
        ("OFF", ["50% off"]),
        ("sums", ["x"]),
    ],
)
def test_search_finds_text_or_task_literally(prompts: Prompts, query: str, found: list[str]) -> None:
    texts = ["Берлин", "今天天气很好", "50% off", "50 of"]
    prompts.add("s", "import", [*map(NewPrompt, texts), NewPrompt("x", task="sums")])
    assert [row.text for row in prompts.page("s", query=query)] == found


def test_the_mix_counts_families_or_tasks(prompts: Prompts) -> None:
    rows = [NewPrompt(f"{n}", task=task) for n, task in enumerate(["a", "b", "b", None])]
    prompts.add("s", "import", rows)
    assert prompts.mix("s") == [("b", 2), ("a", 1)]


def test_one_prompt_by_its_place(prompts: Prompts) -> None:
    prompts.add("s", "import", [NewPrompt("a"), NewPrompt("b")])
    assert prompts.prompt("s", 1).text == "b"
    with pytest.raises(NotFound, match="no prompt at place 2"):
        prompts.prompt("s", 2)


def test_deleting_takes_the_prompts_along_and_frees_the_name(prompts: Prompts) -> None:
    prompts.add("s", "import", [NewPrompt("a")])
    prompts.delete("s")
    assert prompts.sources() == []
    prompts.add("s", "import", [NewPrompt("b")])
    assert [row.text for row in prompts.page("s")] == ["b"]
    with pytest.raises(NotFound):
        prompts.delete("nothing")


def test_a_source_that_a_run_used_stays(prompts: Prompts, database: Database) -> None:
    prompts.add("s", "import", [NewPrompt("a")])
    source = prompts.source("s")
    with database.session() as session:
        session.add(Run(project_id=source.project_id, name="run-1", source_id=source.id))
    with pytest.raises(BadInput, match="used by run-1"):
        prompts.delete("s")
    assert [row.text for row in prompts.page("s")] == ["a"]


# --- practice problems


def test_practice_prompts_have_answers_families_and_a_copy_in_a_file(prompts: Prompts, tmp_path: Path) -> None:
    out = tmp_path / "copy.jsonl"
    source = prompts.practice(["addition", "story"], 10, 3, "p", out=out)
    stored = [{"prompt": row.text, "answer": row.answer, "family": row.family} for row in prompts.iterate("p")]
    assert [json.loads(line) for line in out.read_text().splitlines()] == stored
    assert (source.count, source.kind, len(stored)) == (10, "practice", 10)
    assert prompts.mix("p") == [("addition", 5), ("story", 5)]
    assert sorted(tmp_path.iterdir()) == [out]


def test_practice_is_reproducible_and_respects_the_level(prompts: Prompts) -> None:
    for name, seed, level in (("a", 1, 2), ("b", 1, 2), ("c", 2, 2), ("d", 1, 3)):
        prompts.practice(["addition"], 20, seed, name, level=level)
    a, b, c, d = ([row.text for row in prompts.iterate(name)] for name in "abcd")
    assert a == b
    assert a != c
    assert all(len(row.answer or "") >= 4 for row in prompts.iterate("d"))
    assert not set(a) & set(d)


def test_a_small_family_gives_what_it_has(prompts: Prompts) -> None:
    source = prompts.practice(["reversal"], 5000, 1, "p", level=1)
    assert 10 < source.count < 5000
    assert source.detail["asked_for"] == 5000


@pytest.mark.parametrize(
    ("families", "count", "level", "words"),
    [
        (["addition", "chess"], 5, 2, f"no practice family 'chess'. The families are: {', '.join(FAMILIES)}"),
        ([], 5, 2, "at least one practice family"),
        (["story", "story"], 5, 2, "named twice"),
        (["story"], 0, 2, "from 1 to 1,000,000"),
        (["story"], 5, 4, "levels 1 to 3"),
        (["story"], 5, 0, "levels 1 to 3"),
    ],
)
def test_impossible_practice_is_refused(
    prompts: Prompts, tmp_path: Path, families: list[str], count: int, level: int, words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        prompts.practice(families, count, 1, "p", level=level, out=tmp_path / "out.jsonl")
    assert words in caught.value.message
    assert prompts.sources() == []
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_cannot_be_written_leaves_no_source(prompts: Prompts, tmp_path: Path) -> None:
    for out in (tmp_path, tmp_path / "no" / "folder.jsonl"):
        with pytest.raises(BadInput, match=r"is a folder|cannot be written"):
            prompts.practice(["story"], 5, 1, "p", out=out)
        assert prompts.sources() == []
    assert list(tmp_path.iterdir()) == []


def test_a_taken_name_leaves_the_file_as_it_was(prompts: Prompts, tmp_path: Path) -> None:
    out = tmp_path / "copy.jsonl"
    out.write_text("mine")
    prompts.add("p", "import", [NewPrompt("a")])
    with pytest.raises(NameTaken):
        prompts.practice(["story"], 5, 1, "p", out=out)
    assert out.read_text() == "mine"
