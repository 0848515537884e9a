"""`understudy open` takes its port first, and its link shows the token to nobody else on the machine."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_the_printed_link_lets_one_in_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    environment = {**os.environ, "UNDERSTUDY_WORKSPACE": str(tmp_path / "w")}
    command = [sys.executable, "-m", "studio", "open", "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    try:
        link = process.stdout.readline().strip()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(link, timeout=60) as page:
            assert page.status == 200 and "token" not in page.url and b"us-side" in page.read()
        with opener.open(link.split("?")[0] + "shell/jobs", timeout=60) as answer:
            assert json.load(answer)["running"] == 0
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(link.split("?")[0], timeout=60)
        assert refused.value.code == 401
        refused.value.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130)
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_torch_is_not_loaded_with_the_app() -> None:
    """The first page would wait for it."""
    code = "import sys, studio.app, studio.ui.shell; print([n for n in ('torch', 'transformers') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
