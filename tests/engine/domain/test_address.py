"""Addresses: relative to the workspace or a URL, and nothing that leads out of it."""

from pathlib import Path

import pytest

from studio.engine.domain.address import Address
from studio.engine.errors import BadInput


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("models/1/kid", ""),
        ("exports/1/a b/ü.gguf", ""),
        ("assets://practice-base", "assets"),
        ("file:///home/me/a%20b", "file"),
        ("hf://org/name", "hf"),
        ("s3://bucket/key?version=1", "s3"),
    ],
)
def test_what_is_written_is_read_again(text: str, scheme: str) -> None:
    address = Address.parse(text)
    assert (address.scheme, str(address)) == (scheme, text)


@pytest.mark.parametrize(
    "text", ["", "/etc/passwd", "../other", "models/../../up", "C:/models", "C:\\models", "a\\..\\b"]
)
def test_what_is_absolute_or_leads_out_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no address"):
        Address.parse(text)


def test_what_is_shipped_cannot_lead_out_either() -> None:
    with pytest.raises(BadInput):
        _ = Address.parse("assets://../secret").relative


def test_a_path_with_any_characters_comes_back_from_its_url() -> None:
    path = Path("/home/me/100% of ünïcode #1?.gguf")
    assert Address.parse(str(Address.of_file(path))).local_path == path
