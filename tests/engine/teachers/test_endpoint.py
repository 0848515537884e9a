"""Base URLs of every kind, and what a client sends along."""

import pytest

from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.keys import NO_KEY

AZURE = "https://me.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21"


def at(base_url: str, key: str = "k") -> Endpoint:
    return Endpoint("The teacher 't'", base_url, "m", key, timeout=5, concurrency=1)


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1/chat/completions"),
        ("https://api.example.com/v1/", "https://api.example.com/v1/chat/completions"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/chat/completions"),
        (AZURE, "https://me.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21"),
    ],
)
def test_the_address_of_completions_keeps_the_query(base_url: str, address: str) -> None:
    assert at(base_url).completions_url == address


def test_azure_gets_the_key_in_its_own_header_too() -> None:
    assert at("https://api.example.com/v1").headers == {"Authorization": "Bearer k"}
    both = {"Authorization": "Bearer k", "api-key": "k"}
    assert at(AZURE).headers == both
    assert at("https://me.openai.azure.com/openai/v1/").headers == both
    assert at("https://azure.example.com/v1").headers == {"Authorization": "Bearer k"}
    assert "api-key" not in at(AZURE, NO_KEY).headers


def test_files_and_batches_belong_to_the_account() -> None:
    plain = at("https://api.example.com/v1").account
    assert (plain.url, plain.query, plain.batch_path) == ("https://api.example.com/v1", {}, "/v1/chat/completions")
    azure = at(AZURE).account
    assert azure.url == "https://me.openai.azure.com/openai"
    assert (azure.query, azure.batch_path) == ({"api-version": "2024-10-21"}, "/chat/completions")


def test_nobody_can_forget_a_key() -> None:
    with pytest.raises(TypeError):
        Endpoint("The teacher 't'", "https://api.example.com/v1", "m", timeout=5, concurrency=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="NO_KEY"):
        at("https://api.example.com/v1", "")


def test_an_endpoint_shows_no_key_when_it_is_printed() -> None:
    endpoint = at(AZURE, "sk-0123456789")
    assert "sk-0123456789" not in f"{endpoint} {endpoint.account}"
