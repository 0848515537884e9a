"""A question is never sent into a connection that its server is about to close: servers of this machine keep idle
connections longer than whoever asks."""

import ast
from pathlib import Path

import studio.engine
from studio.engine.practice import KEPT_OPEN
from studio.engine.teachers.wire.client import IDLE_SECONDS


def test_every_server_keeps_idle_connections_longer_than_the_client() -> None:
    assert KEPT_OPEN >= 2 * IDLE_SECONDS
    found = []
    for path in Path(studio.engine.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "uvicorn.Config":
                found.append((path.name, {word.arg: ast.unparse(word.value) for word in node.keywords}))
    assert len(found) >= 2
    assert all(words.get("timeout_keep_alive") == "KEPT_OPEN" for _, words in found), found
