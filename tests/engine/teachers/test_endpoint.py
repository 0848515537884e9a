"""Base URLs of every kind, and what a client sends along."""

import pytest

from studio.engine.teachers.wire.endpoint import account_of, endpoint_of
from studio.engine.teachers.wire.keys import NO_KEY

AZURE = "https://me.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21"


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
    assert endpoint_of(base_url, "k")[0] == address


def test_azure_gets_the_key_in_its_own_header_too() -> None:
    assert endpoint_of("https://api.example.com/v1", "k")[1] == {"Authorization": "Bearer k"}
    both = {"Authorization": "Bearer k", "api-key": "k"}
    assert endpoint_of(AZURE, "k")[1] == both
    assert endpoint_of("https://me.openai.azure.com/openai/v1/", "k")[1] == both
    assert endpoint_of("https://azure.example.com/v1", "k")[1] == {"Authorization": "Bearer k"}
    assert "api-key" not in endpoint_of(AZURE, NO_KEY)[1]


def test_files_and_batches_belong_to_the_account() -> None:
    plain = account_of("https://api.example.com/v1", "k")
    assert (plain.url, plain.query, plain.batch_path) == ("https://api.example.com/v1", {}, "/v1/chat/completions")
    azure = account_of(AZURE, "k")
    assert azure.url == "https://me.openai.azure.com/openai"
    assert (azure.query, azure.batch_path) == ({"api-version": "2024-10-21"}, "/chat/completions")
