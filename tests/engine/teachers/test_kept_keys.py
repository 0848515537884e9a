"""A key that is entered in the studio goes into the keyring and nowhere else, is granted for one host and one project,
and can be taken back."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest
from rings import InMemory

from studio.engine.domain.permissions import Actor, PersonKind
from studio.engine.errors import BadInput, MissingPart, NotAllowed, NotFound
from studio.engine.settings import Settings
from studio.engine.studio import open_studio
from studio.engine.teachers import host_of
from studio.engine.teachers.endpoints import endpoints_of
from studio.engine.teachers.wire import last_of

KEY, NEW_KEY = "sk-proj-abcdefghijklmnop-4321", "sk-proj-qrstuvwxyzabcdef-8765"
NEW_URL = "https://api.openai.example/v1"
URL = "https://api.example.com/v1"
HOST = "https://api.example.com:443"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Any]:
    one = open_studio(Settings(workspace=tmp_path / "workspace"))
    one.teachers.add("gpt", URL, "m")
    yield one
    one.close()


def test_a_key_is_filed_granted_for_its_host_and_used(studio: Any, ring: InMemory) -> None:
    source = studio.keys.keep("gpt", f" {KEY} ", host=HOST)
    assert list(ring.kept.values()) == [KEY] and source.startswith("keyring:gpt.")
    teacher = studio.teachers.get("gpt")
    assert teacher.api_key_env == source and last_of(source) == "4321"
    assert [(one.source, one.host, one.teachers) for one in studio.keys.grants()] == [(source, HOST, ("gpt",))]
    assert [endpoint.key for endpoint in endpoints_of(teacher, studio.database)] == [KEY]


def test_the_key_is_in_no_file_of_the_workspace(studio: Any, ring: InMemory) -> None:
    studio.keys.keep("gpt", KEY, host=HOST)
    studio.close()
    files = [path for path in studio.settings.workspace.rglob("*") if path.is_file()]
    assert files and not any(KEY.encode() in path.read_bytes() for path in files)


def test_another_key_takes_its_place_and_another_teacher_has_its_own(studio: Any, ring: InMemory) -> None:
    old = studio.keys.keep("gpt", KEY, host=HOST)
    first = studio.keys.keep("gpt", KEY[::-1], host=HOST)
    assert first != old and list(ring.kept.values()) == [KEY[::-1]]
    assert [one.source for one in studio.keys.grants()] == [first], "what the old one was granted for is over"
    studio.teachers.add("g p-t", URL, "m")
    elsewhere = studio.at("elsewhere")
    elsewhere.teachers.add("gpt", URL, "m")
    others = {studio.keys.keep("g p-t", KEY, host=HOST), elsewhere.keys.keep("gpt", KEY, host=HOST)}
    assert len({first, *others}) == 3 == len(ring.kept)


def under_an_old_name(studio: Any) -> str:
    studio.bin.rename("teacher", "gpt", "gateway")
    studio.teachers.add("gpt", NEW_URL, "m")
    return "gateway"


def after_a_deletion(studio: Any) -> str:
    studio.bin.delete("teacher", "gpt")
    studio.bin.empty_here()
    studio.teachers.add("gpt", NEW_URL, "m")
    return "gpt"


def at_another_address(studio: Any) -> str:
    studio.teachers.update("gpt", base_url=NEW_URL)
    return "gpt"


@pytest.mark.parametrize("moved", [under_an_old_name, after_a_deletion, at_another_address])
def test_what_was_granted_for_one_key_never_holds_for_another(
    studio: Any, ring: InMemory, moved: Callable[[Any], str]
) -> None:
    studio.keys.keep("gpt", KEY, host=HOST)
    name = moved(studio)
    studio.keys.keep("gpt", NEW_KEY, host=host_of(NEW_URL))
    colleague = studio.acting_for(Actor(studio.people.add("Zoe").id, "Zoe", PersonKind.LOCAL))
    if name == "gpt":
        with pytest.raises(NotAllowed, match=r"api\.example\.com"):
            colleague.teachers.update(name, base_url=URL)
        assert list(ring.kept.values()) == [NEW_KEY]
    else:
        (endpoint,) = endpoints_of(studio.teachers.get(name), studio.database)
        assert (endpoint.key, endpoint.base_url) == (KEY, URL)


def test_a_key_that_another_teacher_uses_too_stays(studio: Any, ring: InMemory) -> None:
    shared = studio.keys.keep("gpt", KEY, host=HOST)
    studio.teachers.add("other", URL, "m", api_key_env=f"SOME_KEY, {shared}")
    own = studio.keys.keep("gpt", NEW_KEY, host=HOST)
    assert sorted(ring.kept.values()) == sorted([KEY, NEW_KEY])
    assert {shared, own} <= {one.source for one in studio.keys.grants()}
    studio.keys.keep("other", KEY[::-1], host=HOST)
    assert sorted(ring.kept.values()) == sorted([KEY[::-1], NEW_KEY])


@pytest.mark.parametrize("kind", ["teacher", "project"])
def test_the_key_of_what_is_gone_for_good_is_gone_too(studio: Any, ring: InMemory, kind: str) -> None:
    ring.set_password("understudy", "own", "sk-filed-by-hand-000")
    away = studio.at("away")
    for one, name in ((studio, "stays"), (away, "gpt")):
        one.teachers.add(name, URL, "m")
        one.keys.keep(name, KEY, host=HOST)
    away.teachers.add("own", URL, "m", api_key_env="keyring:own")
    (away if kind == "teacher" else studio).bin.delete(kind, {"teacher": "gpt", "project": "away"}[kind])
    assert len(ring.kept) == 3, "it can still be restored"
    (away if kind == "teacher" else studio).bin.empty_here()
    assert sorted(ring.kept.values()) == ["sk-filed-by-hand-000", KEY]
    if kind == "teacher":
        assert [one.source for one in away.keys.grants()] == ["keyring:own"]
    assert [endpoint.key for endpoint in endpoints_of(studio.teachers.get("stays"), studio.database)] == [KEY]


def test_an_address_that_was_changed_meanwhile_gets_no_key(studio: Any, ring: InMemory) -> None:
    studio.teachers.update("gpt", base_url="https://evil.example/v1")
    with pytest.raises(BadInput, match=r"evil\.example") as caught:
        studio.keys.keep("gpt", KEY, host=HOST)
    assert caught.value.field == "key" and ring.kept == {} and studio.keys.grants() == []


@pytest.mark.parametrize("typed", ["", "   ", "sk one two three four", "sk-\u00e9t\u00e9-0000000000"])
def test_what_is_no_key_is_refused_without_being_repeated(studio: Any, ring: InMemory, typed: str) -> None:
    with pytest.raises(BadInput) as caught:
        studio.keys.keep("gpt", typed, host=HOST)
    assert not typed.strip() or typed not in caught.value.message
    assert ring.kept == {} and studio.teachers.get("gpt").api_key_env == ""


def test_a_teacher_of_this_machine_takes_none(studio: Any, ring: InMemory) -> None:
    studio.teachers.add_practice()
    with pytest.raises(BadInput, match="needs no key"):
        studio.keys.keep("practice-plain", KEY, host=host_of("practice://"))
    assert ring.kept == {}


def test_only_the_owner_keeps_and_revokes(studio: Any, ring: InMemory) -> None:
    source = studio.keys.keep("gpt", KEY, host=HOST)
    colleague = studio.acting_for(Actor(0, "ann", PersonKind.LOCAL))
    with pytest.raises(NotAllowed):
        colleague.keys.keep("gpt", "sk-another-key-0000", host=HOST)
    with pytest.raises(NotAllowed):
        colleague.keys.revoke(source, HOST)
    assert list(ring.kept.values()) == [KEY] and len(colleague.keys.grants()) == 1


def test_a_hosted_instance_keeps_none_that_its_list_lacks(tmp_path: Path, ring: InMemory) -> None:
    settings = Settings(workspace=tmp_path / "hosted", allowed_key_variables="OPENAI_API_KEY")
    hosted = open_studio(settings)
    hosted.teachers.add("gpt", URL, "m")
    with pytest.raises(BadInput, match="does not let teachers use"):
        hosted.keys.keep("gpt", KEY, host=HOST)
    assert ring.kept == {}
    hosted.close()


def test_a_keyring_that_fails_changes_nothing(studio: Any, ring: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    import studio.engine.teachers.kept_keys as kept_keys

    def refused(*_: object) -> None:
        raise NotAllowed("not in this moment")

    source = studio.keys.keep("gpt", KEY, host=HOST)
    monkeypatch.setattr(kept_keys, "grant", refused)
    with pytest.raises(NotAllowed):
        studio.keys.keep("gpt", "sk-another-key-0000", host=HOST)
    assert list(ring.kept.values()) == [KEY] and studio.teachers.get("gpt").api_key_env == source
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    assert not studio.keys.can_keep()
    with pytest.raises(MissingPart, match="environment variable") as caught:
        studio.keys.keep("gpt", KEY, host=HOST)
    assert caught.value.field == "key" and KEY not in caught.value.message


def test_a_grant_that_was_taken_back_lets_nothing_through(studio: Any, ring: InMemory) -> None:
    source = studio.keys.keep("gpt", KEY, host=HOST)
    ring.set_password("understudy", "own", "sk-filed-by-hand-000")
    studio.teachers.add("own", URL, "m", api_key_env="keyring:own")
    studio.keys.revoke(source, HOST)
    studio.keys.revoke("keyring:own", HOST)
    assert ring.kept == {("understudy", "own"): "sk-filed-by-hand-000"}, "only what was entered here is taken out"
    assert studio.keys.grants() == []
    with pytest.raises(NotAllowed, match="may not be sent"):
        endpoints_of(studio.teachers.get("gpt"), studio.database)
    with pytest.raises(NotFound, match="teachers grants"):
        studio.keys.revoke(source, HOST)


@pytest.mark.parametrize(("key", "shown"), [(KEY, "4321"), ("short-key-00", "")])
def test_no_more_than_four_characters_of_a_long_key_are_shown(
    monkeypatch: pytest.MonkeyPatch, key: str, shown: str
) -> None:
    monkeypatch.setenv("SOME_KEY", key)
    monkeypatch.setenv("OTHER_KEY", key)
    assert last_of("SOME_KEY") == shown and last_of("SOME_KEY,OTHER_KEY") == "" and last_of("") == ""


def filed_for_two_projects(studio: Any) -> Any:
    """A key under a name that a teacher of this project, and one of another, may be sent; the other project."""
    studio.keys.file("work", KEY)
    studio.teachers.update("gpt", api_key_env="keyring:work")
    elsewhere = studio.at("elsewhere")
    elsewhere.teachers.add("far", NEW_URL, "m", api_key_env="keyring:work")
    return elsewhere


def test_another_key_under_an_old_name_is_sent_nowhere_for_other_projects(studio: Any, ring: InMemory) -> None:
    elsewhere = filed_for_two_projects(studio)
    filed = studio.keys.file("work", f" {NEW_KEY}\n")
    far = host_of(NEW_URL)
    assert (filed.source, filed.hosts) == ("keyring:work", (HOST,))
    assert (filed.kept_elsewhere, filed.taken_back) == ((), (("elsewhere", far),))
    assert [endpoint.key for endpoint in endpoints_of(studio.teachers.get("gpt"), studio.database)] == [NEW_KEY]
    with pytest.raises(NotAllowed, match="may not be sent to"):
        endpoints_of(elsewhere.teachers.get("far"), studio.database)
    elsewhere.teachers.update("far", base_url=NEW_URL)
    assert [endpoint.key for endpoint in endpoints_of(elsewhere.teachers.get("far"), studio.database)] == [NEW_KEY]


@pytest.mark.parametrize(("key", "everywhere"), [(KEY, False), (NEW_KEY, True)])
def test_the_same_key_and_one_that_is_meant_for_all_projects_keep_all_grants(
    studio: Any, ring: InMemory, key: str, everywhere: bool
) -> None:
    elsewhere = filed_for_two_projects(studio)
    filed = studio.keys.file("work", key, everywhere=everywhere)
    assert (filed.kept_elsewhere, filed.taken_back) == ((("elsewhere", host_of(NEW_URL)),), ())
    assert [endpoint.key for endpoint in endpoints_of(elsewhere.teachers.get("far"), studio.database)] == [key]


def test_a_key_that_is_refused_under_an_old_name_changes_nothing(
    studio: Any, ring: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = filed_for_two_projects(studio)
    with pytest.raises(BadInput, match="no key has"):
        studio.keys.file("work", "sk one")

    def locked(*_: Any) -> None:
        raise keyring.errors.KeyringLocked

    monkeypatch.setattr(ring, "set_password", locked)
    with pytest.raises(MissingPart):
        studio.keys.file("work", NEW_KEY)
    assert list(ring.kept.values()) == [KEY] and len(elsewhere.keys.grants()) == 1
    nobody = studio.acting_for(Actor(0, "guest", PersonKind.LOCAL))
    with pytest.raises(NotAllowed):
        nobody.keys.file("work", NEW_KEY)
