"""A model served by a child process: found by its secret alone, gone with its parent, and told no keys."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from studio.engine.engines import running
from studio.engine.engines.processes import how_it_ended

QUESTION = [{"role": "user", "content": "What is 0 plus 5?"}]


@pytest.fixture(scope="module")
def llama_process(tiny_gguf):
    with running("tiny", tiny_gguf) as process:
        yield process


def post(url, body):
    request = urllib.request.Request(
        url + "/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {}


def test_server_is_found_only_by_its_secret(llama_process):
    base, secret = llama_process.base_url.rsplit("/", 2)[:2]
    body = {"model": "tiny", "messages": QUESTION, "max_tokens": 3}
    assert post(f"{base}/{secret}/v1", body)[0] == 200
    assert post(f"{base}/v1", body)[0] == 404
    assert post(f"{base}/{secret[:-1]}x/v1", body)[0] == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "user", "content": 7}]},
        {"messages": QUESTION, "max_tokens": -1},
        {"messages": QUESTION, "temperature": "hot"},
        {"messages": QUESTION, "stream": True},
        [1],
    ],
)
def test_request_that_makes_no_question_gets_a_reason(llama_process, wrong):
    status, body = post(llama_process.base_url, wrong)
    assert status == 400
    assert body["error"]["message"].endswith(".")


def test_server_dies_with_a_parent_that_was_killed(tiny_gguf):
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from studio.engine.engines import running\n"
        "with running('tiny', Path(sys.argv[1])) as served:\n"
        "    print(served.process.pid, flush=True)\n    time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tiny_gguf)], stdout=subprocess.PIPE, text=True)
    with parent:
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
        parent.wait(10)
    deadline = time.monotonic() + 30
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _runs(child)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_keys_are_not_handed_to_the_model_process(tiny_gguf, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "sk-secret")
    monkeypatch.setenv("HF_TOKEN", "hf-secret")
    with running("tiny", tiny_gguf) as served:
        assert b"secret" not in Path(f"/proc/{served.process.pid}/environ").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_an_instruction_that_the_processor_does_not_know_is_told_with_its_remedy():
    process = subprocess.run([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGILL)"])
    said = how_it_ended(process.returncode)
    assert said.startswith("SIGILL: llama-cpp-python was built for another processor.")
    assert "CMAKE_ARGS=-DGGML_NATIVE=OFF pip install" in said and "llama-cpp-python==" in said
    assert "damaged" in how_it_ended(-signal.SIGSEGV) and "memory" in how_it_ended(-signal.SIGKILL)
