"""`understudy open` takes its port first, and its link shows the token to nobody else on the machine."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from studio.cli.open import _doorway


def test_a_port_in_use_is_one_clear_sentence(run_cli: Callable[..., Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_cli("open", "--port", port, "--no-browser")
    assert result.code == 2 and result.out == ""
    assert f"Port {port}" in result.err and "--port" in result.err and len(result.err.splitlines()) == 1


def test_the_browser_is_not_given_the_token_as_an_argument(tmp_path: Path) -> None:
    door = _doorway("http://127.0.0.1:1/?token=abc", tmp_path)
    assert "token=abc" in door.read_text() and "abc" not in door.as_uri()
    assert stat.S_IMODE(door.stat().st_mode) == 0o600


def test_without_an_app_that_is_open_there_is_no_fresh_link(run_cli: Callable[..., Any]) -> None:
    result = run_cli("open", "--link")
    assert (result.code, result.out) == (2, "") and "Start it with `understudy open`" in result.err


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_the_printed_link_lets_one_in_and_ctrl_c_ends_it(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    environment = {**os.environ, "UNDERSTUDY_WORKSPACE": str(tmp_path / "w")}
    command = [sys.executable, "-m", "studio", "open", "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    try:
        link = urlsplit(process.stdout.readline().strip())
        assert link.hostname and link.port and link.hostname.endswith(".localhost")
        workspace = tmp_path / "w"
        with httpx.Client(
            base_url=f"http://127.0.0.1:{link.port}", headers={"host": link.netloc}, timeout=60
        ) as inside:
            page = asked(link.netloc, f"/?{link.query}", link.port, client=inside)
            assert page.status_code == 200 and "token" not in str(page.url) and "us-side" in page.text
            assert asked(link.netloc, f"/?{link.query}", link.port, client=inside).status_code == 200, "a reload"
            assert asked(link.netloc, "/shell/jobs", link.port, client=inside).json()["running"] == 0
        assert asked(link.netloc, f"/?{link.query}", link.port).status_code == 401, "the link is good once"
        for host, code in ((link.netloc, 401), (f"127.0.0.1:{link.port}", 400), (f"localhost:{link.port}", 400)):
            assert asked(host, "/", link.port).status_code == code
        with tunnel_to(link.port) as port:  # As `ssh -L` makes one to a machine with a GPU.
            host = f"{link.hostname}:{port}"
            query = urlsplit(run_cli("--workspace", workspace, "open", "--link").out.strip()).query
            through = asked(host, f"/?{query}", port, origin=f"http://{host}")
            assert through.status_code == 200 and "us-side" in through.text
            assert f"http://{host}" in through.text and f":{link.port}" not in through.text
        fresh = urlsplit(run_cli("--workspace", workspace, "open", "--link").out.strip())
        assert fresh.netloc == link.netloc and fresh.query != link.query
        assert [asked(fresh.netloc, f"/?{fresh.query}", fresh.port).status_code for _ in range(2)] == [200, 401]
        last = urlsplit(run_cli("--workspace", workspace, "open", "--link").out.strip())
        with httpx.Client(base_url=f"http://127.0.0.1:{link.port}", headers={"host": link.netloc}, timeout=60) as tab:
            assert asked(last.netloc, f"/?{last.query}", last.port, client=tab).status_code == 200
            with tab.stream("GET", "/gradio_api/heartbeat/of-an-open-tab") as beating:
                assert beating.status_code == 200
                process.send_signal(signal.SIGINT)
                assert process.wait(60) in (0, 130)
        said = process.stderr.read()
        assert "Traceback" not in said and "ERROR" not in said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def asked(
    host: str, target: str, port: int | None, *, client: httpx.Client | None = None, **headers: str
) -> httpx.Response:
    """As a client asks that cannot resolve the name: it connects to 127.0.0.1 with that Host header. Without a client
    of its own it is one that has no cookie yet."""
    if client is not None:
        answer = client.get(target)
        return client.get(answer.headers["location"]) if answer.status_code == 303 else answer
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"host": host, **headers}, timeout=60) as new:
        return asked(host, target, port, client=new)


@contextmanager
def tunnel_to(port: int) -> Iterator[int]:
    """Another port of this machine, whose connections are led to that one byte by byte."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def lead() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=lead, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_torch_is_not_loaded_with_the_app() -> None:
    """The first page would wait for it."""
    code = "import sys, studio.app, studio.ui.shell; print([n for n in ('torch', 'transformers') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
