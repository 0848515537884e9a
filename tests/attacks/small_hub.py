"""A hub of one's own: folders served as the Hugging Face hub serves repositories, on a port of this machine."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40
DATE = "2026-01-01T00:00:00.000Z"
_API = re.compile(r"/api/(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)(?:/(?P<what>revision|tree|paths-info)/.*)?")
_FILE = re.compile(r"/(?:(?P<kind>datasets)/)?(?P<repo>[^/]+/[^/]+)/resolve/[^/]+/(?P<path>.+)")


class _Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    repositories: dict[tuple[str, str], Path]

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer()

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if found := _API.fullmatch(path):
            folder = self.repositories.get((found["kind"], found["repo"]))
            files = _files(folder) if folder else []
            listed = [{"type": "file", "path": name, "oid": "0" * 40, "size": size} for name, size in files]
            described = {
                "id": found["repo"], "sha": COMMIT, "lastModified": DATE, "private": False, "tags": [], "downloads": 0,
                "siblings": [{"rfilename": name} for name, _ in files],
            }  # fmt: skip
            is_list = found["what"] in ("tree", "paths-info")
            return self._send(200 if folder else 404, json.dumps(listed if is_list else described).encode())
        found = _FILE.fullmatch(path)
        folder = self.repositories.get((found["kind"] or "models", found["repo"])) if found else None
        file = folder / found["path"] if folder and found else None
        if file is None or not file.is_file():
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound" if folder else "RepoNotFound"})
        data = file.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{len(data)}-{file.name}"', "Accept-Ranges": "bytes"}
        if not asked:
            return self._send(200, data, headers)
        start, end = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        return self._send(206, data[start : end + 1], headers | {"Content-Range": f"bytes {start}-{end}/{len(data)}"})

    def _send(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(models: dict[str, Path] | None = None, data_sets: dict[str, Path] | None = None) -> Iterator[str]:
    """The address of a hub that has these repositories, by their ids."""
    held = {("models", name): folder for name, folder in (models or {}).items()}
    held |= {("datasets", name): folder for name, folder in (data_sets or {}).items()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Hub", (_Hub,), {"repositories": held}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _files(folder: Path) -> list[tuple[str, int]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths]
