"""Where keys come from, what is refused in their place, and that a hosted instance permits only those it lists."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import pytest
from collecting_rooms import Rooms, rooms_on

from studio.engine.errors import BadInput, MissingPart
from studio.engine.jobs.executor import _environment
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Teacher
from studio.engine.teachers.wire.keys import NO_KEY, key_state, keys_of, set_key, without_keys


class InMemory(keyring.backend.KeyringBackend):
    """A keyring that forgets."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before, one = keyring.get_keyring(), InMemory()
    keyring.set_keyring(one)
    yield one
    keyring.set_keyring(before)


@pytest.fixture
def no_ring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def teacher(api_key_env: str) -> Teacher:
    return Teacher(project_id=1, name="gpt", base_url="https://api.example.com/v1", model="m", api_key_env=api_key_env)


def test_several_sources_are_several_keys_in_order(monkeypatch: pytest.MonkeyPatch, ring: InMemory) -> None:
    monkeypatch.setenv("FIRST_KEY", " sk-one ")
    monkeypatch.setenv("SAME_KEY", "sk-one")
    ring.set_password("understudy", "work", "sk-two")
    assert keys_of(teacher("FIRST_KEY, keyring:work,SAME_KEY")) == ["sk-one", "sk-two"]
    assert keys_of(teacher("")) == [NO_KEY]
    assert key_state(teacher("FIRST_KEY,keyring:work")) == "set"


def test_one_missing_source_is_named(monkeypatch: pytest.MonkeyPatch, ring: InMemory) -> None:
    monkeypatch.setenv("FIRST_KEY", "sk-one")
    with pytest.raises(BadInput, match=r"variable SECOND_KEY.*not set"):
        keys_of(teacher("FIRST_KEY,SECOND_KEY"))
    with pytest.raises(BadInput, match="understudy teachers set-key work"):
        keys_of(teacher("keyring:work"))
    assert key_state(teacher("FIRST_KEY,SECOND_KEY")) == key_state(teacher("keyring:work")) == "missing"


def test_a_key_with_what_no_key_has_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("sk-with space", "sk-ключ", "sk-line\nbreak", "sk-bell\x07"):
        monkeypatch.setenv("ODD_KEY", wrong)
        with pytest.raises(BadInput, match="no key has") as caught:
            keys_of(teacher("ODD_KEY"))
        assert wrong not in caught.value.message


def test_where_there_is_no_keyring_one_sentence_says_what_to_do(no_ring: None) -> None:
    with pytest.raises(MissingPart, match=r"no system keyring.*environment variable"):
        keys_of(teacher("keyring:work"))
    with pytest.raises(MissingPart):
        set_key("work", "sk-secret")
    assert key_state(teacher("keyring:work")) == "missing"


def test_a_key_is_put_into_the_keyring_under_a_plain_name(ring: InMemory) -> None:
    assert set_key("work", " sk-two\n") == "keyring:work"
    assert ring.kept == {("understudy", "work"): "sk-two"}
    for name, key in (("two words", "sk"), ("", "sk"), ("work", " "), ("work", "s k")):
        with pytest.raises(BadInput):
            set_key(name, key)
    assert ring.kept == {("understudy", "work"): "sk-two"}


@pytest.mark.parametrize("wrong", ["sk-abcdefgh", "A,sk-abcdefgh", "keyring:a b", "keyring:?", "A B", "x" * 65])
def test_what_is_no_place_of_a_key_is_refused_without_repeating_it(rooms: Rooms, wrong: str) -> None:
    with pytest.raises(BadInput, match="not the key itself") as caught:
        rooms.teachers.add("gpt", "https://api.example.com/v1", "m", api_key_env=wrong)
    assert wrong not in caught.value.message
    assert rooms.teachers.list() == []


def hosted(rooms: Rooms, *allowed: str) -> Rooms:
    return rooms_on(Database(rooms.settings.model_copy(update={"allowed_key_variables": ",".join(allowed)})))


def test_a_hosted_instance_permits_only_the_sources_it_lists(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a teacher at an address of one's own could be told any secret of the server's environment."""
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    here = hosted(rooms, "TEAM_KEY", "keyring:team")
    here.teachers.add("fine", "https://api.example.com/v1", "m", api_key_env="TEAM_KEY, keyring:team")
    for wrong in ("DATABASE_PASSWORD", "TEAM_KEY,PATH", "keyring:mine"):
        with pytest.raises(BadInput, match="Permitted: TEAM_KEY, keyring:team"):
            here.teachers.add("bad", "https://evil.example.com/v1", "m", api_key_env=wrong)
        with pytest.raises(BadInput, match="Permitted"):
            here.teachers.update("fine", api_key_env=wrong)
    assert here.teachers.get("fine").api_key_env == "TEAM_KEY, keyring:team"
    here.database.close()
    with pytest.raises(BadInput, match="Permitted: none"):
        keys_of(teacher("DATABASE_PASSWORD"), ())
    assert keys_of(teacher("DATABASE_PASSWORD"), None) == ["hunter2"]


def test_the_list_is_read_from_one_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for given, permitted in ((None, None), ("*", None), ("", ()), ("A_KEY, keyring:b,", ("A_KEY", "keyring:b"))):
        if given is not None:
            monkeypatch.setenv("UNDERSTUDY_ALLOWED_KEY_VARIABLES", given)
        settings = Settings(workspace=tmp_path)
        assert settings.permitted_keys == permitted
        for name, value in _environment(settings).items():  # What a job's process reads is what its parent had.
            if name.startswith("UNDERSTUDY_"):
                monkeypatch.setenv(name, value)
        assert Settings().permitted_keys == permitted
        monkeypatch.delenv("UNDERSTUDY_ALLOWED_KEY_VARIABLES")


def test_every_key_is_blotted_out_of_outside_text() -> None:
    assert without_keys("bad sk-one and sk-two, none", ["sk-one", "sk-two", NO_KEY]) == "bad [key] and [key], none"
