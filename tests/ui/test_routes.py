"""The addresses beside the pages: shipped files and nothing else, the job count, projects, a model's file."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.engine.store.tables import ModelFile
from studio.ui import routes
from studio.ui.text import Texts

KINDS = [("css/shell.css", "text/css"), ("js/shell.js", "text/javascript"), ("icons/understudy.svg", "image/svg+xml"),
         ("fonts/plex-sans-400.woff2", "font/woff2")]  # fmt: skip


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_shipped_files_have_their_right_kind(stranger: TestClient, path: str, kind: str) -> None:
    answer = stranger.get(f"/own/{path}")
    assert answer.status_code == 200 and answer.headers["content-type"].split(";")[0] == kind


@pytest.mark.parametrize("path", ["../pyproject.toml", "css/../../pyproject.toml", "translations/shell.yaml", "css", "",
                                  "system_messages.yaml", "/etc/passwd", "css/nothing.css",
                                  "practice-base/config.json"])  # fmt: skip
def test_nothing_else_is_served(house: Any, path: str) -> None:
    assert routes.shipped_file(house.settings.assets, path) is None


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / "css" / "a.css").symlink_to(tmp_path / "secret.txt")
    assert routes.shipped_file(tmp_path, "css/a.css") is None


def test_a_changed_file_changes_the_version(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "a.css").write_text("a")
    before = routes.version_of(tmp_path)
    (tmp_path / "css" / "a.css").write_text("b")
    assert routes.version_of(tmp_path) != before


def test_the_job_count_is_that_of_the_project(browser: TestClient) -> None:
    assert browser.get("/shell/jobs").json() == {"running": 0, "label": Texts("en")("jobs.running", n=0)}
    assert browser.get("/shell/jobs?project=nowhere").json()["running"] == 0


def test_a_project_is_made_once(browser: TestClient, house: Any) -> None:
    assert browser.post("/shell/projects", json={"name": " poems "}).json() == {"name": "poems"}
    again = browser.post("/shell/projects", json={"name": "poems"})
    assert again.status_code == 400 and "already" in again.json()["error"]
    assert "poems" in [project.name for project in house.projects.list()]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"name": ""}', b'{"name": "a\\nb"}', b"\xff"])
def test_a_name_that_cannot_be_used_is_refused_in_words(browser: TestClient, body: bytes) -> None:
    answer = browser.post("/shell/projects", content=body)
    assert answer.status_code == 400 and len(answer.json()["error"]) > 20


@pytest.fixture
def gguf(house: Any, tmp_path: Path) -> Path:
    path = tmp_path / "practice.gguf"
    path.write_bytes(bytes(range(256)) * 16)
    model = house.models.get("practice-base")
    house.models.record_file(
        "practice-base", ModelFile(model_id=model.id, quantization="Q8_0", path=str(path), bytes=4096, sha256="0" * 64)
    )
    return path


def test_a_models_file_is_downloaded_and_resumed(browser: TestClient, gguf: Path) -> None:
    address = "/download/model?model=practice-base&quantization=Q8_0"
    whole = browser.get(address)
    assert whole.content == gguf.read_bytes() and "practice-base-Q8_0.gguf" in whole.headers["content-disposition"]
    rest = browser.get(address, headers={"range": "bytes=4000-"})
    assert rest.status_code == 206 and rest.content == gguf.read_bytes()[4000:]


def test_a_file_that_is_gone_says_what_to_do(browser: TestClient, gguf: Path) -> None:
    gguf.unlink()
    answer = browser.get("/download/model?model=practice-base&quantization=Q8_0")
    assert answer.status_code == 404 and "Export it again" in answer.json()["error"]
    assert browser.get("/download/model?model=nothing&quantization=Q8_0").status_code == 404


def test_a_stranger_downloads_nothing(stranger: TestClient, gguf: Path) -> None:
    assert stranger.get("/download/model?model=practice-base&quantization=Q8_0").status_code == 401


def test_rating_without_a_study_leads_to_where_studies_are_made(browser: TestClient) -> None:
    answer = browser.get("/rate")
    assert answer.status_code == 303 and answer.headers["location"] == "/compare?project=default"
