"""Links that a command prints lead to the app that is open on the workspace, whatever port it took."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from studio.engine.settings import Settings
from studio.engine.store.lease import HOST
from studio.engine.store.open_app import FILE, HOST_FILE, address_of, host_of, opened_on


def at(settings: Settings, port: int) -> str:
    return f"http://{host_of(settings)}:{port}"


def test_a_workspace_has_one_name_that_nobody_can_guess(settings: Settings, tmp_path: Path) -> None:
    name = host_of(settings)
    assert re.fullmatch(r"studio-[a-z2-9]{10}\.localhost", name)
    assert host_of(settings) == name
    assert host_of(Settings(workspace=tmp_path / "other").prepare()) != name
    assert host_of(settings.model_copy(update={"plain_host": True})) == "127.0.0.1"


def test_processes_that_open_a_workspace_at_once_agree_on_its_name(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: host_of(settings), range(64)))) == 1


@pytest.mark.parametrize("kept", ["", "studio-", "evil.example", "\xff"])
def test_a_damaged_name_is_made_anew(settings: Settings, kept: str) -> None:
    (settings.workspace / HOST_FILE).write_bytes(kept.encode("latin-1"))
    assert host_of(settings).endswith(".localhost") and host_of(settings) == host_of(settings)


def test_a_studys_link_leads_to_the_public_address_where_there_is_one(settings: Settings) -> None:
    from studio.engine.store.tables import Study
    from studio.engine.studio import open_studio

    public = open_studio(Settings(workspace=settings.workspace, public_url="https://Rate.example/"))
    assert public.studies.link(Study(token="t", name="s", arms=[])) == "https://rate.example/r/t"
    public.close()


@pytest.mark.parametrize("given", ["rate.example", "ftp://x", "https://", "https://x/path"])
def test_a_public_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="not the address of a host"):
        Settings(public_url=given)


def test_the_port_is_that_of_the_app_that_is_open(settings: Settings) -> None:
    assert address_of(settings) == at(settings, settings.port)
    with opened_on(settings, 4321):
        assert address_of(settings) == at(settings, 4321)
    assert address_of(settings) == at(settings, settings.port)


def test_an_app_that_was_opened_later_is_not_forgotten_when_the_first_closes(settings: Settings) -> None:
    with opened_on(settings, 1111):
        later = opened_on(settings, 2222)
        later.__enter__()
    assert address_of(settings) == at(settings, 2222)
    later.__exit__(None, None, None)
    assert address_of(settings) == at(settings, settings.port)


def test_an_app_that_was_killed_has_no_port(settings: Settings) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(20)
    (settings.workspace / FILE).write_text(f'{{"address": "http://x:4321", "holder": "{HOST}:{process.pid}:x"}}')
    assert address_of(settings) == at(settings, settings.port)


@pytest.mark.parametrize("kept", ["", "{}", "[]", "5", '{"address": "http://x:1"}', "\xff"])
def test_a_file_that_says_nothing_is_no_app(settings: Settings, kept: str) -> None:
    (settings.workspace / FILE).write_bytes(kept.encode("latin-1"))
    assert address_of(settings) == at(settings, settings.port)


def test_a_colleagues_link_leads_to_the_open_app(run_cli: Any, settings: Settings) -> None:
    run_cli("people", "add", "ann")
    with opened_on(settings, 4321):
        assert run_cli("people", "link", "ann").out.startswith(at(settings, 4321) + "/?token=")
        assert run_cli("people", "link", "ann", "--port", 99).out.startswith(at(settings, 99) + "/")
    assert run_cli("people", "link", "ann").out.startswith(at(settings, settings.port) + "/")


def test_a_studys_link_leads_to_the_open_app(studio: Any) -> None:
    from studio.engine.store.tables import Study

    study = Study(project_id=studio.project_id, name="s", token="secret", arms=["a", "b"])
    with opened_on(studio.settings, 4321):
        assert studio.studies.link(study) == at(studio.settings, 4321) + "/r/secret"
