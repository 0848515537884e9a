"""What somebody who only has a raters' link can do to a study: judge each pair once, without knowing which is whose."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from studio.engine.domain import permissions
from studio.engine.domain.permissions import MAY, Action, Actor, PersonKind
from studio.engine.evaluation.admitting import Admitting
from studio.engine.prompts import NewPrompt
from studio.engine.settings import Settings
from studio.engine.store import RATERS, rater
from studio.engine.store.tables import Study, StudyItem, Vote
from studio.engine.studio import Studio
from studio.ui import rate
from studio.ui.rate_limits import (
    NEW_PER_ADDRESS,
    NEW_PER_STUDY,
    VOTES_PER_ADDRESS,
    VOTES_PER_STUDY,
    Both,
    Limit,
    RateLimits,
)

ITEMS = 30


@pytest.fixture
def token(studio: Studio, tmp_path: Path) -> str:
    return make(studio, tmp_path, "attacked")


def make(studio: Studio, folder: Path, name: str) -> str:
    prompts = [f"Add {n} and {n}." for n in range(ITEMS)]
    studio.prompts.add(name, "import", [NewPrompt(text=prompt) for prompt in prompts])
    for arm in ("alpha", "beta"):
        rows = [{"prompt": prompt, "response": f"{arm} {n}"} for n, prompt in enumerate(prompts)]
        (folder / f"{name}-{arm}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    files = [str(folder / f"{name}-{arm}.jsonl") for arm in ("alpha", "beta")]
    studio.studies.create(name, *files, name, items=ITEMS)
    return studio.studies.get(name).token


def app_of(studio: Studio, limits: RateLimits | None = None) -> FastAPI:
    app = FastAPI()
    app.include_router(rate.router(studio, limits))
    return app


@pytest.fixture
def limited(studio: Studio) -> FastAPI:
    """Everything comes in one moment, however slow the machine."""

    def both(address: int, study: int) -> Both:
        return Both(Limit(address, clock=lambda: 0.0), Limit(study, clock=lambda: 0.0))

    limits = RateLimits(both(NEW_PER_ADDRESS, NEW_PER_STUDY), both(VOTES_PER_ADDRESS, VOTES_PER_STUDY))
    return app_of(studio, limits)


@pytest.fixture
def unhurried(studio: Studio) -> FastAPI:
    """An app whose limits nobody reaches."""
    return app_of(studio, RateLimits(*(Both(Limit(10**6), Limit(10**6)) for _ in range(2))))


def visitor(app: FastAPI, **cookies: str) -> TestClient:
    return TestClient(app, cookies=cookies, base_url="http://127.0.0.1")


def votes(studio: Studio) -> list[Vote]:
    with studio.database.session() as session:
        return list(session.exec(select(Vote)))


INVENTED = ["0" * 32, "f" * 32, "A" * 22 + "." + "0" * 64, "A" * 22, ".", "A" * 22 + ".\xff", "x" * 5000]


@pytest.mark.parametrize("cookie", INVENTED)
def test_an_invented_cookie_votes_for_nobody(studio: Studio, limited: FastAPI, token: str, cookie: str) -> None:
    public = visitor(limited).get(f"/r/{token}/next").json()["pair"]["id"]
    for name in ("rater", "rater-of-study"):
        headers = {"cookie": f"{name}={cookie}".encode("latin-1")}
        answer = TestClient(limited).post(f"/r/{token}/vote", json={"id": public, "choice": "left"}, headers=headers)
        assert (answer.status_code, answer.json()) == (400, {"error": "no cookie"})
    assert votes(studio) == []


def test_a_cookie_of_another_study_or_altered_is_a_newcomer(
    studio: Studio, limited: FastAPI, token: str, tmp_path: Path
) -> None:
    other = make(studio, tmp_path, "other")
    client = visitor(limited)
    pair = client.get(f"/r/{token}/next").json()["pair"]
    client.post(f"/r/{token}/vote", json={"id": pair["id"], "choice": "left"})
    cookie = client.cookies["rater-of-study"]
    assert visitor(limited, **{"rater-of-study": cookie}).get(f"/r/{token}/next").json()["done"] == 1
    altered = ("B" if cookie[0] != "B" else "C") + cookie[1:]
    for where, changed in ((other, cookie), (token, altered), (token, cookie[:-1]), (token, cookie + "0")):
        answer = visitor(limited, **{"rater-of-study": changed}).get(f"/r/{where}/next")
        assert answer.json()["done"] == 0 and "set-cookie" in answer.headers, changed


def test_thirty_new_raters_in_a_moment_are_not_all_let_in(studio: Studio, limited: FastAPI, token: str) -> None:
    for _ in range(30):
        client = visitor(limited)
        found = client.get(f"/r/{token}/next")
        if found.status_code == 200:
            client.post(f"/r/{token}/vote", json={"id": found.json()["pair"]["id"], "choice": "left"})
    assert len(votes(studio)) == NEW_PER_ADDRESS
    assert (found.status_code, found.json()) == (429, {"error": "too many"})
    page = visitor(limited).get(f"/r/{token}")
    assert page.status_code == 429 and "goes on in a minute" in page.text and "请等一分钟" in page.text
    assert int(page.headers["retry-after"]) > 0 and "set-cookie" not in page.headers


def test_votes_faster_than_people_give_are_refused(studio: Studio, limited: FastAPI, token: str) -> None:
    client = visitor(limited)
    public = client.get(f"/r/{token}/next").json()["pair"]["id"]
    codes = [
        client.post(f"/r/{token}/vote", json={"id": public, "choice": ("left", "right")[n % 2]}).status_code
        for n in range(VOTES_PER_ADDRESS + 5)
    ]
    assert codes == [200] * VOTES_PER_ADDRESS + [429] * 5
    (vote,) = votes(studio)
    assert len(json.dumps(vote.detail)) < 2000


def test_sides_are_guessed_no_better_than_by_chance(studio: Studio, unhurried: FastAPI, token: str) -> None:
    """Whoever knows the seed, the code and their cookie knows no side: raters of the same item see both ways."""
    client = visitor(unhurried)
    lefts = []
    for _ in range(ITEMS):
        pair = client.get(f"/r/{token}/next").json()["pair"]
        lefts.append("alpha" in pair["left"])
        client.post(f"/r/{token}/vote", json={"id": pair["id"], "choice": "skip"})
    with studio.database.session() as session:
        assert {item.left_arm for item in session.exec(select(StudyItem))} == {
            str(studio.studies.get("attacked").arms[0])
        }
    assert True in lefts and False in lefts, "what is frozen tells nothing: the chance of one side only is 2**-29"


def test_the_order_of_pairs_needs_the_servers_secret(studio: Studio, unhurried: FastAPI, token: str) -> None:
    client = visitor(unhurried)
    first = client.get(f"/r/{token}/next").json()["pair"]["id"]
    assert client.get(f"/r/{token}/next").json()["pair"]["id"] == first
    key = studio.settings.workspace / RATERS
    assert key.stat().st_mode & 0o077 == 0
    firsts = {visitor(unhurried).get(f"/r/{token}/next").json()["pair"]["id"] for _ in range(12)}
    assert len(firsts) > 2


HALVES = [
    b'{"id": "%s", "choice": "left", "name": "\\ud83d"}',
    b'{"id": "%s", "choice": "left", "name": "\xed\xa0\x80"}',
    b'{"id": "%s", "choice": "left", "name": "\\u0000"}',
    b'{"id": "\\udc00%s", "choice": "left"}',
    b'{"id": "%s", "choice": "\\ud800"}',
]


@pytest.mark.parametrize("number", range(len(HALVES)))
def test_half_a_character_is_no_error_of_the_server(house: Studio, stranger: Any, tmp_path: Path, number: int) -> None:
    token, body = make(house.at("halves"), tmp_path, f"halves-{number}"), HALVES[number]
    public = stranger.get(f"/r/{token}/next").json()["pair"]["id"]
    answer = stranger.post(
        f"/r/{token}/vote", content=body.replace(b"%s", public.encode()), headers={"content-type": "application/json"}
    )
    assert answer.status_code in (200, 404, 409)
    entered = stranger.post(
        f"/r/{token}/enter", content=rb'{"invitation": "\ud800"}', headers={"content-type": "application/json"}
    )
    assert entered.status_code == 200


def test_an_invitation_makes_one_person_a_rater_once(studio: Studio, unhurried: FastAPI, token: str) -> None:
    before = visitor(unhurried)
    pair = before.get(f"/r/{token}/next").json()["pair"]
    (link,) = studio.studies.invite("attacked", 1)
    at, _, secret = link.partition("?invitation=")
    assert at.endswith(f"/r/{token}")
    for uninvited in (visitor(unhurried).get(f"/r/{token}/next"), visitor(unhurried).get(f"/r/{token}")):
        assert uninvited.status_code == 403 and "set-cookie" not in uninvited.headers
    preview = visitor(unhurried).get(f"/r/{token}", params={"invitation": secret})
    assert preview.status_code == 200 and "set-cookie" not in preview.headers, "a preview of the link uses nothing up"
    invited = visitor(unhurried)
    enter = {"invitation": secret}
    assert invited.post(f"/r/{token}/enter", json=enter).json()["pair"]
    assert invited.post(f"/r/{token}/enter", json=enter).status_code == 200, "who is a rater already goes on"
    second = visitor(unhurried).post(f"/r/{token}/enter", json=enter)
    assert (second.status_code, second.json()) == (403, {"error": "invitation"})
    assert before.post(f"/r/{token}/vote", json={"id": pair["id"], "choice": "tie"}).status_code == 200
    studio.studies.open_to_anyone("attacked")
    assert visitor(unhurried).get(f"/r/{token}/next").status_code == 200


def test_a_rater_of_the_version_before_goes_on(studio: Studio, limited: FastAPI, token: str) -> None:
    """Their cookie was the identity itself; it holds where they voted with it, and nowhere else."""
    cookie = "ab" * 16
    with studio.database.session() as session:
        study = session.exec(select(Study)).one()
        item = session.exec(select(StudyItem)).first()
        assert item is not None and item.id is not None and study.id is not None
        person = rater(session, cookie)
        session.add(
            Vote(
                study_id=study.id, item_id=item.id, rater=cookie, person_id=person.id, left_arm="alpha",
                right_arm="beta", choice="left",
            )
        )  # fmt: skip
    assert visitor(limited, rater=cookie).get(f"/r/{token}/next").json()["done"] == 1
    assert Admitting(studio.database, study).rater(cookie) is None


def test_behind_a_proxy_the_address_that_it_added_counts(settings: Settings) -> None:
    from starlette.requests import Request

    from studio.ui.rate_limits import address_of

    def asked(host: str, forwarded: str) -> Request:
        headers = [(b"host", host.encode()), (b"x-forwarded-for", forwarded.encode())]
        return Request({"type": "http", "headers": headers, "client": ("127.0.0.1", 5)})

    public = "https://rate.example"
    assert address_of(asked("rate.example", "6.6.6.6, 203.0.113.9"), public) == "203.0.113.9"
    assert address_of(asked("rate.example", "2001:db8:1:2:3::4"), public) == "2001:db8:1:2::/64"
    assert address_of(asked("studio-x.localhost", "6.6.6.6"), public) == "127.0.0.1", "nobody else is believed"
    assert address_of(asked("rate.example", "6.6.6.6"), "") == "127.0.0.1"


def test_a_limit_refills_and_forgets() -> None:
    now = 0.0
    limit = Limit(60, clock=lambda: now)
    assert [limit.take("a") for _ in range(61)] == [True] * 60 + [False]
    assert limit.take("b")
    now = 1.0
    assert (limit.take("a"), limit.take("a")) == (True, False)
    for number in range(10_001):
        limit.take(str(number))
    assert len(limit._buckets) == 10_000


def test_whatever_a_rater_does_is_asked_of_a_rater_in_the_project_of_the_study(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make(studio.at("second"), tmp_path, "elsewhere")
    asked: set[tuple[PersonKind, Action, str]] = set()

    def recording(actor: Actor, action: Action, project: str) -> bool:
        asked.add((actor.kind, action, project))
        return action in MAY[actor.kind]

    monkeypatch.setattr(permissions, "may", recording)
    with TestClient(app_of(studio)) as client:
        client.get(f"/r/{token}")
        pair = client.get(f"/r/{token}/next").json()["pair"]
        assert client.post(f"/r/{token}/vote", json={"id": pair["id"], "choice": "left"}).json()["done"] == 1
        assert client.post(f"/r/{token}/undo").json()["done"] == 0
        assert client.get("/r/guessed/next").status_code == 404
    assert asked == {(PersonKind.RATER, Action.RATE, "second")}
