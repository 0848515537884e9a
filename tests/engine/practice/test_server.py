"""The practice teacher over HTTP."""

import json
import socket
import subprocess
import sys
from typing import Any

import httpx
import pytest

from studio.engine.errors import BadInput
from studio.engine.practice.meter import Meter, pieces_of
from studio.engine.practice.server import practice_app
from studio.engine.practice.serving import bind

QUESTION = {"role": "user", "content": "What is 12 + 39?"}


def ask(url: str, **body: Any) -> httpx.Response:
    whole = {"model": "practice-plain", "messages": [QUESTION], **body}
    return httpx.post(f"{url}/chat/completions", json=whole, trust_env=False)


def text_of(reply: httpx.Response) -> str:
    return str(reply.json()["choices"][0]["message"]["content"])


def error_of(reply: httpx.Response) -> dict[str, Any]:
    return dict(reply.json()["error"])


def test_two_models_are_offered(practice_url: str) -> None:
    listed = httpx.get(f"{practice_url}/models", trust_env=False).json()
    assert [model["id"] for model in listed["data"]] == ["practice-plain", "practice-thorough"]
    assert httpx.get(f"{practice_url}/models/practice-plain", trust_env=False).json()["id"] == "practice-plain"
    assert httpx.get(f"{practice_url}/models/none", trust_env=False).status_code == 404


def test_it_answers_through_the_openai_package(practice_url: str) -> None:
    import openai

    with openai.OpenAI(base_url=practice_url, api_key="none", max_retries=0) as client:
        reply = client.chat.completions.create(model="practice-plain", messages=[QUESTION])  # type: ignore[list-item]
        assert "51" in (reply.choices[0].message.content or "")
        assert reply.usage is not None and reply.usage.total_tokens > 8
        stream = client.chat.completions.create(
            model="practice-plain",
            messages=[QUESTION],
            stream=True,
            stream_options={"include_usage": True},  # type: ignore
        )
        chunks = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == reply.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage == reply.usage


def test_it_obeys_the_system_message(practice_url: str) -> None:
    brief = ask(practice_url, messages=[{"role": "system", "content": "Only the final answer."}, QUESTION])
    steps = ask(practice_url, messages=[{"role": "system", "content": "Work step by step."}, QUESTION])
    assert text_of(brief) == "The answer is 51."
    assert len(text_of(steps)) > 2 * len(text_of(brief))
    assert "The answer is 51." in text_of(steps)


def test_the_thorough_model_says_more(practice_url: str) -> None:
    messages = [{"role": "system", "content": "Work step by step."}, QUESTION]
    plain, thorough = (
        text_of(ask(practice_url, model=f"practice-{kind}", messages=messages)) for kind in ("plain", "thorough")
    )
    assert len(thorough) > len(plain)


def test_it_says_what_it_is_when_it_understands_nothing(practice_url: str) -> None:
    assert "practice teacher" in text_of(ask(practice_url, messages=[{"role": "user", "content": "Who was Ada?"}]))


def test_the_last_question_of_a_conversation_is_answered(practice_url: str) -> None:
    turns = [QUESTION, {"role": "assistant", "content": "51"}, {"role": "user", "content": "What is 20 + 22?"}]
    assert "42" in text_of(ask(practice_url, messages=turns))


def test_a_token_limit_cuts_and_says_so(practice_url: str) -> None:
    whole, cut = ask(practice_url), ask(practice_url, max_tokens=3)
    assert text_of(whole).startswith(text_of(cut))
    assert cut.json()["choices"][0]["finish_reason"] == "length"
    assert cut.json()["usage"]["completion_tokens"] == 3


def test_several_choices_are_given_and_counted(practice_url: str) -> None:
    one, three = ask(practice_url).json(), ask(practice_url, n=3).json()
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert three["usage"]["completion_tokens"] == 3 * one["usage"]["completion_tokens"]


def test_rate_limit_headers_count_down(practice_url: str) -> None:
    first, second = ask(practice_url).headers, ask(practice_url).headers
    for kind in ("requests", "tokens"):
        assert int(first[f"x-ratelimit-limit-{kind}"]) > int(first[f"x-ratelimit-remaining-{kind}"])
        assert int(first[f"x-ratelimit-remaining-{kind}"]) != int(second[f"x-ratelimit-remaining-{kind}"])
        assert first[f"x-ratelimit-reset-{kind}"].endswith("s")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "gpt-9"}, 404, "model_not_found"),
        ({"model": None}, 400, "missing_model"),
        ({"messages": []}, 400, "invalid_messages"),
        ({"messages": "hello"}, 400, "invalid_messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "invalid_messages"),
        ({"max_tokens": 0}, 400, "invalid_value"),
        ({"n": 99}, 400, "invalid_value"),
    ],
)
def test_a_wrong_request_gets_an_error_as_from_openai(
    practice_url: str, body: dict[str, Any], status: int, code: str
) -> None:
    reply = ask(practice_url, **body)
    assert (reply.status_code, error_of(reply)["code"]) == (status, code)
    assert error_of(reply)["message"] and error_of(reply)["type"] == "invalid_request_error"


def test_what_is_not_json_or_elsewhere_gets_an_error_too(practice_url: str) -> None:
    broken = httpx.post(f"{practice_url}/chat/completions", content=b"{", trust_env=False)
    assert (broken.status_code, error_of(broken)["code"]) == (400, "invalid_json")
    nowhere = httpx.get(f"{practice_url}/embeddings", trust_env=False)
    assert (nowhere.status_code, error_of(nowhere)["code"]) == (404, "unknown_url")


def test_it_cannot_be_reached_under_another_name(practice_url: str) -> None:
    reply = httpx.get(f"{practice_url}/models", headers={"host": "evil.example"}, trust_env=False)
    assert reply.status_code == 400


def test_over_its_limit_it_refuses_and_says_how_long() -> None:
    now = [0.0]
    app = practice_app(Meter(requests=2, clock=lambda: now[0]))
    statuses = [_post(app).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    now[0] = 45.0
    refused = _post(app)
    assert error_of(refused)["code"] == "rate_limit_exceeded"
    assert float(refused.headers["retry-after"]) == 15.0
    now[0] = 60.0
    assert _post(app).status_code == 200


def test_a_port_in_use_is_refused_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"Port {port} on 127.0.0.1 is in use"):
            bind(port)
        command = [sys.executable, "-m", "studio.engine.practice.server", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stdout == "" and len(ended.stderr.strip().splitlines()) == 1
    with pytest.raises(BadInput):
        bind(99_999)


def test_pieces_join_to_the_text() -> None:
    for text in ("The answer is 51.", "  two\n\nlines ", "你好，世界", ""):
        assert "".join(pieces_of(text)) == text


def _post(app: Any) -> httpx.Response:
    import asyncio

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            body = json.dumps({"model": "practice-plain", "messages": [QUESTION]})
            return await client.post("/v1/chat/completions", content=body)

    return asyncio.run(post())
