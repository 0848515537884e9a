"""`understudy --by NAME`: jobs, runs and changes of traces say who did them, and undo takes back that person's own."""

import json
from pathlib import Path
from typing import Any

from sqlmodel import select

from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, Operation, Person, Run


def who(table: Any) -> list[str]:
    """The names of the persons of a table's rows, in order."""
    database = Database(Settings())
    try:
        with database.session() as session:
            return list(
                session.scalars(select(Person.name).join(table, table.person_id == Person.id).order_by(table.id))
            )
    finally:
        database.close()


def test_jobs_runs_and_labels_say_who_and_undo_takes_back_ones_own(run_cli: Any, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    rows = [{"prompt": f"What is {n} + 1?", "response": f"It is {n + 1}."} for n in range(4)]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    brought = run_cli(
        "--by", "Ada", "traces", "import", answers, "--name", "r", "--teacher-name", "t", "--terms", "yes"
    )
    assert brought.code == 0, brought.err
    ids = [row["id"] for row in run_cli("traces", "list", "--json").json["traces"]]
    assert run_cli("--by", "Ada", "traces", "label", "--ids", ids[0], "--verdict", "keep").code == 0
    assert run_cli("--by", "Ben", "traces", "label", "--ids", ids[1], "--verdict", "reject").code == 0
    assert who(Run) == ["Ada"] and set(who(Job)) <= {"Ada", "Ben"} and who(Job)[0] == "Ada"
    assert who(Operation) == ["Ada", "Ben"]
    run_cli("--by", "Ada", "traces", "undo")
    labels = {row["id"]: row["label"] for row in run_cli("traces", "list", "--json").json["traces"]}
    assert (labels[ids[0]], labels[ids[1]]) == (None, "reject")
