"""What makes two questions the same."""

import pytest

from studio.engine.store.tables import Teacher
from studio.engine.teachers.plans.fingerprint import fingerprint, identity


def teacher(base_url: str, name: str = "t", model: str = "m") -> Teacher:
    return Teacher(project_id=1, name=name, base_url=base_url, model=model)


ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
HERE = teacher("https://api.example.com/v1")


def test_a_fingerprint_is_sixteen_bytes_and_stable() -> None:
    one = fingerprint(HERE, ASKED, {"temperature": 0, "top_p": 1}, 0)
    assert len(one) == 16
    assert one == fingerprint(HERE, ASKED, {"top_p": 1, "temperature": 0}, 0)


@pytest.mark.parametrize(
    "other",
    [
        (teacher("https://api.example.org/v1"), ASKED, {"temperature": 0}, 0),
        (teacher("https://api.example.com/v1", model="n"), ASKED, {"temperature": 0}, 0),
        (HERE, ASKED[1:], {"temperature": 0}, 0),
        (HERE, [ASKED[0], {"role": "user", "content": "Why ?"}], {"temperature": 0}, 0),
        (HERE, ASKED, {"temperature": 0.1}, 0),
        (HERE, ASKED, {}, 0),
        (HERE, ASKED, {"temperature": 0}, 1),
    ],
)
def test_everything_that_shapes_the_answer_changes_it(other: tuple) -> None:
    assert fingerprint(*other) != fingerprint(HERE, ASKED, {"temperature": 0}, 0)


def test_a_hosted_teacher_is_its_address_under_any_name() -> None:
    assert identity(teacher("https://api.example.com/v1", "a")) == identity(teacher("https://API.example.com/v1/", "b"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "gpubox", "10.1.2.3", "[::1]"])
def test_a_local_server_is_known_by_its_teachers_name_and_not_by_its_port(host: str) -> None:
    assert identity(teacher(f"http://{host}:8001/v1")) == identity(teacher(f"http://{host}:9002/v1"))
    assert identity(teacher(f"http://{host}:8001/v1", "a")) != identity(teacher(f"http://{host}:8001/v1", "b"))


def test_an_embedded_teacher_is_its_own_address() -> None:
    assert identity(teacher("practice://", "a")) == identity(teacher("practice://", "b"))
    assert identity(teacher("replay:///a.jsonl")) != identity(teacher("replay:///b.jsonl"))


def test_odd_text_has_a_fingerprint_too() -> None:
    assert len(fingerprint(HERE, [{"role": "user", "content": "\ud800 \x00 你好"}], {}, 0)) == 16
