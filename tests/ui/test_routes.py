"""The addresses beside the pages: shipped files and nothing else, the job count, projects, a model's file."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.engine.domain.permissions import MAY, Action, PersonKind
from studio.engine.domain.states import JobState
from studio.engine.jobs import Kind
from studio.engine.store.tables import Job, ModelFile
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


NESTED = b"[" * 3900


@pytest.mark.parametrize("path", ["%00", "css/%00", "css/" + "a" * 5000, "css/../" * 300, "css/%ff"])
def test_what_names_no_file_is_not_found(browser: TestClient, path: str) -> None:
    assert browser.get(f"/own/{path}").status_code == 404


@pytest.mark.parametrize("name", [b"null", b"7", b'{"a": 1}', b'["x"]', b"true"])
@pytest.mark.parametrize("address", ["projects", "restore"])
def test_a_name_that_is_no_text_is_refused(browser: TestClient, house: Any, address: str, name: bytes) -> None:
    before = [project.name for project in house.projects.list()]
    answer = browser.post(f"/shell/{address}", content=b'{"kind": "prompts", "name": ' + name + b"}")
    assert answer.status_code == 400 and answer.json()["error"].startswith("Send a JSON object")
    assert [project.name for project in house.projects.list()] == before


def test_the_routes_that_ask_the_database_do_not_hold_up_the_others(house: Any) -> None:
    """A handler that is a coroutine runs on the one loop that answers everybody."""
    handlers = {route.path: route.endpoint for route in routes.router(house).routes}
    assert len(handlers) > 5 and not [path for path, one in handlers.items() if inspect.iscoroutinefunction(one)]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"name": ""}', b'{"name": "a\\nb"}', b"\xff", NESTED])
def test_a_name_that_cannot_be_used_is_refused_in_words(browser: TestClient, body: bytes) -> None:
    answer = browser.post("/shell/projects", content=body)
    assert answer.status_code == 400 and len(answer.json()["error"]) > 20


def test_what_was_deleted_is_taken_back(browser: TestClient, house: Any) -> None:
    house.projects.get("undoing")
    here = house.at("undoing")
    here.prompts.practice(["addition"], 2, 1, "sums")
    here.bin.delete("prompts", "sums")
    thing = {"kind": "prompts", "name": "sums"}
    answer = browser.post("/shell/restore?project=undoing&lang=zh", json=thing)
    assert answer.json() == {"name": "sums", "said": Texts("zh")("bin.restored", name="sums")}
    assert [one.name for one in here.prompts.sources()] == ["sums"]
    again = browser.post("/shell/restore?project=undoing", json=thing)
    assert again.status_code == 400 and "neither in the bin nor put away" in again.json()["error"]


def test_of_two_deleted_things_of_one_name_the_meant_one_is_taken_back(browser: TestClient, house: Any) -> None:
    house.projects.get("two-of-a-name")
    here = house.at("two-of-a-name")
    gone = []
    for count in (2, 3):
        here.prompts.practice(["addition"], count, 1, "sums")
        gone.append(here.bin.delete("prompts", "sums").number)
    address, thing = "/shell/restore?project=two-of-a-name", {"kind": "prompts", "name": "sums"}
    for number in ("1", 1.5, True, 0, -3, [gone[0]]):
        refused = browser.post(address, json=thing | {"number": number})
        assert refused.status_code == 400 and not here.prompts.sources()
    assert browser.post(address, json=thing | {"number": gone[0]}).json()["name"] == "sums"
    assert here.prompts.source("sums").count == 2
    again = browser.post(address, json=thing | {"number": gone[1]})
    assert again.status_code == 400 and "another prompt source named 'sums'" in again.json()["error"]
    here.bin.delete("prompts", "sums")
    assert browser.post(address, json=thing).status_code == 200
    assert here.prompts.source("sums").count == 2


def test_a_project_is_not_made_under_the_name_of_one_that_is_put_away(browser: TestClient, house: Any) -> None:
    house.projects.get("quiet")
    house.bin.archive("project", "quiet")
    refused = browser.post("/shell/projects?lang=zh", json={"name": "Quiet"})
    assert refused.status_code == 400 and "此工作区中已有名为“quiet”的项目" in refused.json()["error"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"kind": "prompts"}', b'{"kind": "x", "name": "y"}', b"\xff", NESTED]
)
def test_what_names_nothing_to_take_back_is_refused_in_words(browser: TestClient, body: bytes) -> None:
    answer = browser.post("/shell/restore", content=body)
    assert answer.status_code == 400 and len(answer.json()["error"]) > 20


@pytest.fixture
def gguf(house: Any, tmp_path: Path) -> Path:
    path = tmp_path / "practice.gguf"
    path.write_bytes(bytes(range(256)) * 16)
    model = house.models.get("practice-base")
    house.models.record_file(
        "practice-base",
        ModelFile(
            model_id=model.id, quantization="Q8_0", path=str(house.addresses.of(path)), bytes=4096, sha256="0" * 64
        ),
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


@pytest.fixture
def colleague(stranger: TestClient, house: Any) -> TestClient:
    """A browser that came in by a colleague's own link."""
    house.people.named_or_new("Ann")
    stranger.get(f"/?token={house.people.open_link('Ann')}")
    return stranger


ADDRESSES = ["/shell/jobs", "/download/model?model=practice-base&quantization=Q8_0", "/rate"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_colleague_who_may_not_read_is_told_nothing(
    colleague: TestClient, gguf: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    assert colleague.get(address).status_code in (200, 303)
    monkeypatch.setitem(MAY, PersonKind.LOCAL, frozenset(Action) - {Action.READ})
    answer = colleague.get(address)
    assert answer.status_code == 403 and "'Ann' is a local and may not read" in answer.json()["error"]


def test_a_colleague_who_may_not_manage_makes_no_project(
    colleague: TestClient, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MAY, PersonKind.LOCAL, frozenset({Action.READ}))
    answer = colleague.post("/shell/projects", json={"name": "verses"})
    assert answer.status_code == 403 and "may not manage" in answer.json()["error"]
    assert "verses" not in [project.name for project in house.projects.list()]


@pytest.mark.parametrize("address", ["/download/model?model=practice-base&quantization=Q8_0", "/rate"])
def test_a_project_that_is_not_there_is_said_to_be_none(browser: TestClient, address: str) -> None:
    answer = browser.get(address + ("&" if "?" in address else "?") + "project=nowhere")
    assert answer.status_code == 404 and "no project named 'nowhere'" in answer.json()["error"]


def test_a_job_that_has_ended_is_not_said_to_be_stopped(browser: TestClient, house: Any) -> None:
    job = house.jobs.enqueue(Kind("grade"), "Grade", {})
    with house.database.session() as session:
        session.get_one(Job, job.id).state = JobState.DONE
    ended = browser.post(f"/shell/jobs/stop?job={job.id}&lang=zh")
    assert ended.json() == {"state": "done", "said": Texts("zh", "jobs")("asked.ended")}


def test_a_job_is_stopped_from_the_list(browser: TestClient, house: Any) -> None:
    job = house.jobs.enqueue(Kind("grade"), "Grade", {})
    stopped = browser.post(f"/shell/jobs/stop?job={job.id}&lang=en")
    assert stopped.json() == {"state": "stopped", "said": Texts("en", "jobs")("asked.stopped")}
    assert house.jobs.get(job.id).state == JobState.STOPPED
    missing = browser.post("/shell/jobs/stop?job=999999")
    assert missing.status_code == 404 and "no job 999999" in missing.json()["error"]
    assert browser.get(f"/shell/jobs/stop?job={job.id}").status_code in (404, 405), "A link alone stops nothing."


def test_a_backup_is_downloaded_by_the_owner_alone(
    browser: TestClient, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browser.get("/download/backup").status_code == 404
    job = house.backups.start(without_models=True)
    house.jobs.run_here(job.id)
    answer = browser.get("/download/backup")
    assert answer.status_code == 200 and answer.content[:2] == b"\x1f\x8b"
    monkeypatch.setitem(MAY, PersonKind.OWNER, MAY[PersonKind.LOCAL])
    refused = browser.get("/download/backup")
    assert refused.status_code == 403 and "may not make backups" in refused.json()["error"]
