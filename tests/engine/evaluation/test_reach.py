"""Whom a raters' link can reach."""

import pytest

from studio.engine.evaluation import reach_of


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("studio-abc.localhost:7860", "machine"), ("localhost", "machine"), ("127.0.0.1:7860", "machine"),
        ("[::1]:7860", "machine"), ("192.168.1.7:7860", "network"), ("10.0.0.3", "network"), ("gpu-box", "network"),
        ("gpu-box.local", "network"), ("[fe80::1]", "network"), ("rate.example.org", "public"), ("8.8.8.8", "public"),
    ],
)  # fmt: skip
def test_a_link_reaches_whom_its_host_reaches(host: str, reach: str) -> None:
    found = reach_of(f"http://{host}/r/token")
    assert found == reach and found.words
