"""Where keys come from, what is refused in their place, and that a hosted instance permits only those it lists."""

from collections.abc import Callable
from pathlib import Path

import pytest
from collecting_rooms import Rooms, rooms_on
from rings import InMemory
from scripted import ScriptedTeacher

from studio.engine.errors import BadInput, MissingPart
from studio.engine.jobs.executor import _environment
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.trying.matrix import try_matrix, typed_prompt
from studio.engine.teachers.wire.keys import NO_KEY, key_state, keys_of, set_key, without_key


def test_several_sources_are_several_keys_in_order(monkeypatch: pytest.MonkeyPatch, ring: InMemory) -> None:
    monkeypatch.setenv("FIRST_KEY", " sk-one ")
    monkeypatch.setenv("SAME_KEY", "sk-one")
    ring.set_password("understudy", "work", "sk-two")
    assert keys_of("FIRST_KEY, keyring:work,SAME_KEY", "gpt", None) == ["sk-one", "sk-two"]
    assert keys_of("", "gpt", None) == [NO_KEY]
    assert key_state("FIRST_KEY,keyring:work") == "set"


def test_one_missing_source_is_named(monkeypatch: pytest.MonkeyPatch, ring: InMemory) -> None:
    monkeypatch.setenv("FIRST_KEY", "sk-one")
    with pytest.raises(BadInput, match=r"variable SECOND_KEY.*not set"):
        keys_of("FIRST_KEY,SECOND_KEY", "gpt", None)
    with pytest.raises(BadInput, match="understudy teachers set-key work"):
        keys_of("keyring:work", "gpt", None)
    assert key_state("FIRST_KEY,SECOND_KEY") == key_state("keyring:work") == "missing"


def test_a_key_with_what_no_key_has_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("sk-with space", "sk-ключ", "sk-line\nbreak", "sk-bell\x07"):
        monkeypatch.setenv("ODD_KEY", wrong)
        with pytest.raises(BadInput, match="no key has") as caught:
            keys_of("ODD_KEY", "gpt", None)
        assert wrong not in caught.value.message


def test_where_there_is_no_keyring_one_sentence_says_what_to_do(no_ring: None) -> None:
    with pytest.raises(MissingPart, match=r"no system keyring.*environment variable"):
        keys_of("keyring:work", "gpt", None)
    with pytest.raises(MissingPart):
        set_key("work", "sk-secret")
    assert key_state("keyring:work") == "missing"


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
        keys_of("DATABASE_PASSWORD", "gpt", ())
    assert keys_of("DATABASE_PASSWORD", "gpt", None) == ["hunter2"]


def test_a_teacher_from_before_the_list_is_refused_on_every_path(
    rooms: Rooms, scripted: Callable[..., ScriptedTeacher], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row may be older than the list of an instance, or come from another one's database."""
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2-and-more")
    server = scripted()
    rooms.add_teacher(server.base_url, api_key_env="DATABASE_PASSWORD")
    rooms.add_prompts(1)
    here = hosted(rooms, "TEAM_KEY")
    for send in ("live", "batch"):
        run = here.collecting.create("scripted", "questions", RunOptions(send=send), name=send)
        with pytest.raises(BadInput, match="Permitted: TEAM_KEY"):
            here.collecting.run(run.name)
    with pytest.raises(BadInput, match="Permitted: TEAM_KEY"):
        here.teachers.test("scripted")
    (cell,) = try_matrix(here.asking, [here.teachers.get("scripted")], [None], typed_prompt("hello"))
    assert "Permitted: TEAM_KEY" in (cell.error or "")
    here.database.close()
    assert server.keys == []


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


def test_a_key_is_blotted_out_of_outside_text() -> None:
    assert without_key("bad sk-one and sk-one, none", "sk-one") == "bad [key] and [key], none"
    assert without_key(f"no key: {NO_KEY}", NO_KEY) == f"no key: {NO_KEY}"
