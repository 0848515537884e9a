"""Practice and replay teachers listen on a port that any account of the machine can reach: they answer only whoever
started them, and know no keys that they could tell."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from studio.engine.settings import Settings
from studio.engine.teachers import local
from studio.engine.teachers.local import served

BODY = {"model": "practice", "messages": [{"role": "user", "content": "What is 1 + 1?"}]}


@pytest.fixture(params=["practice", "replay"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "practice":
        return "practice://"
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"prompt": "What is 1 + 1?", "response": "2"}) + "\n", "utf-8")
    return f"replay://{file.as_posix()}"


def test_who_does_not_know_the_path_finds_nothing(settings: Settings, url: str) -> None:
    with served(url, settings) as base_url, httpx.Client(trust_env=False) as client:
        root = base_url.removesuffix("/v1")
        host, _, secret = root.rpartition("/")
        assert len(secret) >= 32
        assert client.get(f"{base_url}/models").status_code == 200
        for guess in ("", secret[:-1], f"{secret}x", secret.swapcase(), "%00", "..", "é"):
            for address in (f"{host}/v1", f"{host}/{guess}/v1"):
                assert client.get(f"{address}/models").status_code == 404
                assert client.post(f"{address}/chat/completions", json=BODY).status_code == 404
        assert client.get(f"{base_url}/models", headers={"host": "evil.example"}).status_code == 400
    with served(url, settings) as again:
        assert secret not in again


def test_keys_are_no_business_of_theirs(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, Any]] = []
    popen = local.subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> Any:
        started.append(options)
        return popen(*arguments, **options)

    for name in ("OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "UNDERSTUDY_DATABASE_URL", "ODD_SECRET"):
        monkeypatch.setenv(name, "sk-not-yours-0123456789")
    monkeypatch.setattr(local.subprocess, "Popen", noted)
    with served(url, settings) as base_url:
        assert httpx.get(f"{base_url}/models", trust_env=False).status_code == 200
    (options,) = started
    assert options["env"] is not None and set(options["env"]) != set(os.environ)
    assert "sk-not-yours-0123456789" not in options["env"].values()
