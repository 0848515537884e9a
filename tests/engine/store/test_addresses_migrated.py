"""Paths of the version before become addresses: what the workspace keeps is found wherever the workspace is now."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.migrations import upgrade
from studio.engine.store.tables import Job, Model, ModelFile, Request, Study, Teacher
from studio.engine.teachers.plans.fingerprint import fingerprint

DIGEST = "ab" + "0" * 62
QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "Wie?"}], "parameters": {"top_p": 1}}


@pytest.fixture
def old(store_settings: Settings) -> Iterator[Database]:
    database = Database(store_settings)
    upgrade(database.engine, "0009")
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO project (id, name, created_at) VALUES (3, 'old', 0)"))
    yield database
    database.close()


def add_model(connection: Connection, number: int, name: str, kind: str, path: str, detail: dict[str, Any]) -> None:
    connection.execute(
        text(
            "INSERT INTO model (id, project_id, name, kind, state, path, parent, detail, created_at) "
            "VALUES (:id, 3, :name, :kind, 'ready', :path, '', :detail, 0)"
        ),
        {"id": number, "name": name, "kind": kind, "path": path, "detail": json.dumps(detail)},
    )


def add_file(connection: Connection, model: int, quantization: str, path: str) -> None:
    connection.execute(
        text(
            "INSERT INTO model_file (model_id, quantization, path, bytes, sha256, tensor_types, created_at) "
            "VALUES (:model, :quantization, :path, 1, '', '{}', 0)"
        ),
        {"model": model, "quantization": quantization, "path": path},
    )


def add_job(connection: Connection, number: int, kind: str, payload: dict[str, Any]) -> None:
    connection.execute(
        text(
            "INSERT INTO job (id, project_id, kind, title, payload, state, done, message, stop_requested, epoch, "
            "tries, created_at) VALUES (:id, 3, :kind, 't', :payload, 'stopped', 0, '', :no, 0, 0, 0)"
        ),
        {"id": number, "kind": kind, "payload": json.dumps(payload), "no": False},
    )


@pytest.mark.parametrize("moved", [False, True], ids=["where it was", "moved before"])
def test_what_the_workspace_keeps_becomes_relative(old: Database, moved: bool) -> None:
    root = "/somewhere/before" if moved or not old.is_sqlite else str(old.settings.workspace)
    with old.engine.begin() as connection:
        add_model(connection, 1, "practice-base", "base", "/opt/lib/studio/assets/practice-base", {})
        add_model(connection, 2, "mine", "base", f"{root}/models/3/mine", {"origin": "/home/me/mine"})
        add_model(connection, 3, "kid", "student", f"{root}/models/3/kid", {"parameters": 7})
        add_model(connection, 4, "file", "gguf", f"{root}/models/3/file/x.gguf", {"origin": "/home/me/x.gguf"})
        add_file(connection, 3, "Q8_0", f"{root}/exports/3/kid/kid-Q8_0.gguf")
        add_file(connection, 4, "f16", f"{root}/models/3/file/x.gguf")
        stage = {"settings": {"name": "one"}, "file": f"{root}/artifacts/ab/{DIGEST}.jsonl"}
        places = {"folder": f"{root}/training/3/kid", "path": f"{root}/models/3/kid"}
        spec = {"base": f"{root}/models/3/mine", "seed": 1, "threads": None, "stages": [stage]}
        add_job(connection, 1, "train", {"model_id": 3, "spec": spec, **places})
        add_job(connection, 2, "export", {"model": "kid", "quantizations": ["Q8_0"]})
    old.upgrade()
    with old.session() as session:
        paths = [session.get_one(Model, number).path for number in (1, 2, 3, 4)]
        files = [session.get_one(ModelFile, number).path for number in (1, 2)]
        train, export = (session.get_one(Job, number).payload for number in (1, 2))
        assert session.get_one(Model, 2).detail == {"origin": "file:///home/me/mine"}
        assert session.get_one(Model, 3).detail == {"parameters": 7}
    assert paths == ["assets://practice-base", "models/3/mine", "models/3/kid", "models/3/file/x.gguf"]
    assert files == ["exports/3/kid/kid-Q8_0.gguf", "models/3/file/x.gguf"]
    assert (train["folder"], train["path"]) == ("training/3/kid", "models/3/kid")
    assert (train["spec"]["base"], train["spec"]["seed"]) == ("models/3/mine", 1)
    assert train["spec"]["stages"] == [{"settings": {"name": "one"}, "file": f"artifacts/ab/{DIGEST}.jsonl"}]
    assert export == {"model": "kid", "quantizations": ["Q8_0"]}


def test_what_lies_elsewhere_becomes_a_url(old: Database, tmp_path: Path) -> None:
    other = tmp_path / "other workspace" / "models" / "3" / "there"
    other.mkdir(parents=True)
    arms = [
        {"name": "a", "kind": "file", "source": "/home/me/a b.jsonl", "model": ""},
        {"name": "b", "kind": "model", "source": "/home/me/b.gguf", "model": ""},
        {"name": "kid", "kind": "model", "source": "kid", "model": ""},
    ]
    with old.engine.begin() as connection:
        add_model(connection, 1, "there", "base", str(other), {"origin": str(other)})
        add_file(connection, 1, "Q8_0", "/mnt/out/there-Q8_0.gguf")
        add_job(connection, 1, "train", {"model_id": 9, "spec": {"base": "org/name", "stages": []}})
        add_job(connection, 2, "export", {"model": "/home/me/base", "quantizations": ["f16"]})
        connection.execute(
            text(
                "INSERT INTO study (id, project_id, name, token, seed, arms, state, detail, created_at) "
                "VALUES (1, 3, 's', 't', 0, '[]', 'failed', :detail, 0)"
            ),
            {"detail": json.dumps({"arms": arms, "items": 2})},
        )
    old.upgrade()
    with old.session() as session:
        assert session.get_one(Model, 1).path == other.as_uri() and "%20" in other.as_uri()
        assert session.get_one(ModelFile, 1).path == "file:///mnt/out/there-Q8_0.gguf"
        assert session.get_one(Job, 1).payload["spec"]["base"] == "hf://org/name"
        assert session.get_one(Job, 2).payload["address"] == "file:///home/me/base"
        found = session.get_one(Study, 1).detail["arms"]
    assert [(arm["kind"], arm["source"]) for arm in found] == [
        ("file", "file:///home/me/a%20b.jsonl"), ("weights", "file:///home/me/b.gguf"), ("model", "kid"),
    ]  # fmt: skip


def test_recorded_answers_in_the_workspace_are_asked_for_under_their_new_address(old: Database) -> None:
    if not old.is_sqlite:
        pytest.skip("the database on a server does not tell where the workspace is")
    inside = f"replay://{old.settings.workspace}/answers.jsonl?prompt=q"
    with old.engine.begin() as connection:
        for number, address in enumerate((inside, "replay:///home/me/answers.jsonl"), 1):
            connection.execute(
                text(
                    "INSERT INTO teacher (id, project_id, name, base_url, model, api_key_env, concurrency, timeout, "
                    "batch_price_share, terms, terms_note, created_at) "
                    "VALUES (:id, 3, :name, :url, 'm', '', 8, 60, 0.5, 'yes', '', 0)"
                ),
                {"id": number, "name": f"t{number}", "url": address},
            )
            row = {"id": number, "mark": bytes([number]), **{key: json.dumps(QUESTION[key]) for key in QUESTION}}
            connection.execute(
                text(
                    "INSERT INTO request (id, project_id, fingerprint, teacher_id, model, messages, parameters, "
                    "sample, state, attempts) "
                    "VALUES (:id, 3, :mark, :id, 'm', :messages, :parameters, 0, 'answered', 1)"
                ),
                row,
            )
    old.upgrade()
    with old.session() as session:
        moved, other = (session.get_one(Teacher, number) for number in (1, 2))
        assert moved.base_url == "replay://answers.jsonl?prompt=q"
        assert other.base_url == "replay:///home/me/answers.jsonl"
        marks = [session.get_one(Request, number).fingerprint for number in (1, 2)]
    assert marks == [fingerprint(moved, QUESTION["messages"], QUESTION["parameters"], 0), bytes([2])]
