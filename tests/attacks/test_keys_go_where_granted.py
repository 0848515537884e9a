"""A key is sent to the host that the owner let it be sent to, in that project, and nowhere else, whatever asks."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

import studio
from studio.engine.domain.permissions import Actor, PersonKind
from studio.engine.domain.purposes import Purpose
from studio.engine.errors import BadInput, NotAllowed
from studio.engine.prompts.record import NewPrompt
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.migrations import upgrade
from studio.engine.store.tables import KeyGrant
from studio.engine.studio import Studio, studio_in
from studio.engine.teachers.endpoints import endpoints_of
from studio.engine.teachers.grants import host_of
from studio.engine.teachers.invocation import check_askable
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.keys import NO_KEY

KEY = "sk-granted-0123456789"
HERE, ELSEWHERE = "https://api.example.com/v1", "https://evil.example/v1"


@pytest.fixture
def one(studio_database: Database, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setenv("PAID_KEY", KEY)
    return studio_in(studio_database, "default")


@pytest.fixture
def studio_database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.prepare())
    database.upgrade()
    yield database
    database.close()


def grants(one: Studio) -> list[tuple[int, str, str]]:
    with one.database.session() as session:
        return sorted((row.project_id, row.source, row.host) for row in session.exec(select(KeyGrant)))


def test_adding_a_teacher_is_the_owners_grant_and_is_recorded(one: Studio) -> None:
    one.teachers.add("t", HERE, "m", api_key_env="PAID_KEY, keyring:work")
    here = "https://api.example.com:443"
    assert grants(one) == [(one.project_id, "PAID_KEY", here), (one.project_id, "keyring:work", here)]
    with one.database.session() as session:
        assert {row.person_id for row in session.exec(select(KeyGrant))} == {one.actor.person_id}
    one.teachers.update("t", base_url=ELSEWHERE)
    one.teachers.update("t", base_url=ELSEWHERE)
    assert len(grants(one)) == 4


@pytest.mark.parametrize("kind", [PersonKind.LOCAL, PersonKind.SERVICE])
def test_nobody_but_the_owner_points_a_key_at_another_host(one: Studio, kind: PersonKind) -> None:
    one.teachers.add("t", HERE, "m", api_key_env="PAID_KEY")
    one.teachers.add("free", ELSEWHERE, "m")
    before = grants(one)
    guest = one.acting_for(Actor(one.people.add("Zoe").id or 0, "Zoe", kind))
    with pytest.raises(NotAllowed, match=r"PAID_KEY may not be sent to https://evil.example:443 .* Ask the owner"):
        guest.teachers.add("mine", ELSEWHERE, "m", api_key_env="PAID_KEY")
    for name, changes in (
        ("t", {"base_url": ELSEWHERE}), ("t", {"base_url": "http://api.example.com/v1"}),
        ("t", {"base_url": "https://api.example.com:8443/v1"}), ("t", {"api_key_env": "HOME"}),
        ("free", {"api_key_env": "PAID_KEY"}), ("free", {"api_key_env": "PAID_KEY", "base_url": ELSEWHERE}),
        ("t", {"base_url": "practice://"}), ("t", {"base_url": "http://127.0.0.1:9/v1"}),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            guest.teachers.update(name, **changes)
    assert (one.teachers.get("t").base_url, one.teachers.get("free").api_key_env) == (HERE, "")
    assert grants(one) == before and [teacher.name for teacher in one.teachers.list()] == ["t", "free"]
    guest.teachers.add("same", f"{HERE}/other", "m", api_key_env="PAID_KEY")  # What is granted is granted.
    guest.teachers.update("t", rpm=5, base_url=HERE)


def test_a_grant_holds_in_its_project_only(one: Studio) -> None:
    one.teachers.add("t", HERE, "m", api_key_env="PAID_KEY")
    other = one.at("other").acting_for(Actor(one.people.add("Zoe").id or 0, "Zoe", PersonKind.LOCAL))
    with pytest.raises(NotAllowed):
        other.teachers.add("t", HERE, "m", api_key_env="PAID_KEY")


ASKING: dict[str, Callable[[Studio], object]] = {
    "collecting": lambda one: one.collecting.run(one.collecting.create("t", "q").name),
    "a batch": lambda one: one.collecting.run(one.collecting.create("t", "q", RunOptions(send="batch")).name),
    "calling a batch back": lambda one: one.endings.cancel_batches(made_before(one, send="batch")),
    "being askable": lambda one: one.teachers.check_askable("t"),
    "being askable at all": lambda one: check_askable(one.database, one.teachers.get("t")),
    **{
        f"asking to {purpose.value}": lambda one, purpose=purpose: one.asking.ask(
            one.teachers.get("t"), [[{"role": "user", "content": "Hello"}]], None, purpose
        )
        for purpose in Purpose
    },
}


def made_before(one: Studio, **options: Any) -> str:
    """A run of the days when everything was in order."""
    now, settings = one.teachers.get("t").base_url, one.database.settings
    move(one, HERE)
    one.database.settings = one.settings
    name = one.collecting.create("t", "q", RunOptions(**options)).name
    move(one, now)
    one.database.settings = settings
    return name


def move(one: Studio, url: str) -> None:
    with one.database.session() as session:
        session.connection().execute(text("UPDATE teacher SET base_url = :url"), {"url": url})


def test_an_address_changed_behind_the_studio_gets_no_key(one: Studio) -> None:
    one.teachers.add("t", HERE, "m", api_key_env="PAID_KEY")
    one.prompts.add("q", "import", [NewPrompt(text="Hello")])
    move(one, ELSEWHERE)
    for name, way in ASKING.items():
        with pytest.raises(NotAllowed) as caught:
            way(one)
        assert "PAID_KEY may not be sent to https://evil.example:443" in caught.value.message, name


def test_a_key_that_this_instance_does_not_permit_is_sent_by_nothing(one: Studio) -> None:
    one.teachers.add("t", HERE, "m", api_key_env="PAID_KEY")
    one.prompts.add("q", "import", [NewPrompt(text="Hello")])
    one.database.settings = one.settings.model_copy(update={"allowed_key_variables": "OTHER_KEY"})
    for name, way in ASKING.items():
        with pytest.raises(BadInput) as caught:
            way(one)
        assert "does not let teachers use the key source 'PAID_KEY'" in caught.value.message, name


def test_what_is_tried_out_says_that_its_key_is_not_granted(one: Studio) -> None:
    one.teachers.add("t", HERE, "m", api_key_env="PAID_KEY")
    move(one, ELSEWHERE)
    result = one.teachers.test("t")
    assert not result.reachable and "may not be sent" in (result.error or "")


def test_only_one_place_gives_an_endpoint_a_key() -> None:
    """Whoever makes an endpoint otherwise makes it without one."""
    made: dict[str, list[str]] = {}
    for path in Path(studio.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "id", getattr(called, "attr", ""))
            if name in ("Endpoint", "keys_of"):
                made.setdefault(path.name, []).append(ast.unparse(node))  # type: ignore[arg-type]
    assert set(made) == {"endpoints.py", "responder.py"}
    assert all("NO_KEY" in call for call in made["responder.py"])


def test_an_endpoint_moves_nowhere_else(one: Studio) -> None:
    teacher = one.teachers.add("t", HERE, "m", api_key_env="PAID_KEY")
    (endpoint,) = endpoints_of(teacher, one.database)
    assert endpoint.key == KEY and endpoint.at(HERE) == endpoint
    for url in (ELSEWHERE, "http://127.0.0.1:9/v1"):
        with pytest.raises(ValueError):
            endpoint.at(url)
    local = Endpoint("P", "practice://", "m", NO_KEY, timeout=1, concurrency=1)
    assert local.at("http://127.0.0.1:9/s/v1").base_url == "http://127.0.0.1:9/s/v1"
    with pytest.raises(ValueError):
        local.at(ELSEWHERE)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://API.Example.com/v1", "https://api.example.com:443"), ("http://h", "http://h:80"),
        ("http://h:8000/v1?x=1", "http://h:8000"), ("http://[::1]:8000/v1", "http://[::1]:8000"),
        ("https://h.:443/", "https://h:443"), ("practice://", "practice://"), ("replay://a.jsonl?x=1", "replay://"),
    ],
)  # fmt: skip
def test_a_host_is_scheme_name_and_port(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("url", ["https://api.example.com\\@evil.example/v1", "https://a.example\\.evil.example/v1"])
def test_an_address_that_two_readers_read_differently_is_refused(one: Studio, url: str) -> None:
    with pytest.raises(BadInput):
        one.teachers.add("t", url, "m", api_key_env="PAID_KEY")
    assert not grants(one)


def test_what_teachers_of_before_used_is_granted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAID_KEY", KEY)
    database = Database(settings.prepare())
    upgrade(database.engine, "0022")
    urls = (HERE, "http://H:8000/v1", "http://[::1]:8000/v1", "practice://", "not an address", "https://h:bad/")
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO project (id, name, created_at) VALUES (1, 'default', 0)"))
        for number, url in enumerate(urls):
            connection.execute(
                text(
                    "INSERT INTO teacher (project_id, name, base_url, model, api_key_env, concurrency, timeout, terms, "
                    "terms_note, created_at, batch_price_share) "
                    "VALUES (1, :name, :url, 'm', :key, 1, 1, 'yes', '', 0, 1)"
                ),
                {"name": f"t{number}", "url": url, "key": "PAID_KEY, PAID_KEY" if number else "PAID_KEY,keyring:work"},
            )
    database.upgrade()
    one = studio_in(database, "default")
    wanted = {(1, "PAID_KEY", host_of(url)) for url in urls[:4]} | {(1, "keyring:work", host_of(HERE))}
    assert set(grants(one)) == wanted
    for name in ("t1", "t2", "t3"):
        assert endpoints_of(one.teachers.get(name), database)[0].key == KEY
    database.close()
