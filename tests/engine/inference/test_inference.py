"""Answers over HTTP from child processes: folders, GGUF files and teachers, and what happens when one dies."""

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

from studio.engine.errors import BadInput, Failed, NotFound
from studio.engine.inference.serving import running
from studio.engine.models import ModelRef

QUESTIONS = [[{"role": "user", "content": f"What is {number} plus 5?"}] for number in range(12)]


@pytest.fixture(scope="module")
def llama_process(tiny_gguf):
    with running(ModelRef("tiny", tiny_gguf.parent, "gguf", tiny_gguf)) as process:
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


def test_file_and_folder_answer_alike_in_the_order_asked(studio, tiny, tiny_gguf):
    told = []
    answers = []
    for path in (tiny_gguf, tiny):
        with studio.inference.open(str(path)) as responder:
            replies = responder.respond_many(QUESTIONS, progress=lambda *said: told.append(said), max_tokens=12)
            assert responder.respond(QUESTIONS[3], max_tokens=12).text == replies[3].text
        assert all(reply.seconds > 0 and reply.input_tokens > 5 for reply in replies)
        assert all(reply.output_tokens <= 12 for reply in replies)
        answers.append([reply.text for reply in replies])
    assert sum(a == b for a, b in zip(*answers, strict=True)) >= len(QUESTIONS) - 2
    assert told[len(QUESTIONS) - 1][:2] == (len(QUESTIONS), len(QUESTIONS))


def test_teacher_answers_over_the_same_protocol(studio):
    studio.teachers.add_practice()
    with studio.inference.open("practice-plain") as responder:
        reply = responder.respond([{"role": "user", "content": "What is 12 + 39?"}])
    assert "51" in reply.text
    assert "51" in studio.inference.chat("practice-plain", "What is 12 + 39?", system="Answer step by step.")


def test_unknown_name_lists_the_models(studio):
    with pytest.raises(NotFound, match="practice-base"), studio.inference.open("nobody"):
        pass


def test_quantization_that_was_not_exported_is_refused(studio, tiny):
    studio.models.import_model(str(tiny), "tiny")
    with pytest.raises(NotFound, match="Export it first"), studio.inference.open("tiny", quantization="Q8_0"):
        pass


def test_empty_message_is_refused(studio):
    with pytest.raises(BadInput, match="empty"):
        studio.inference.chat("practice-base", "  ")


def test_model_that_cannot_be_loaded_is_one_clear_error(studio, tiny_gguf, tmp_path):
    data = bytearray(tiny_gguf.read_bytes())
    place = data.index(b"general.architecture") + len("general.architecture") + 12
    data[place : place + 5] = b"lloma"
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(bytes(data))
    with pytest.raises(BadInput, match="bad"), studio.inference.open(str(bad)):
        pass


def test_message_longer_than_the_model_takes_is_refused_and_the_model_lives_on(studio, tiny_gguf):
    with studio.inference.open(str(tiny_gguf)) as responder:
        with pytest.raises(Failed, match="Shorten"):
            responder.respond([{"role": "user", "content": "7 " * 400}])
        assert responder.respond(QUESTIONS[0], max_tokens=4).output_tokens <= 4


def test_process_that_dies_becomes_one_sentence(studio, tiny_gguf):
    with running(ModelRef("tiny", tiny_gguf.parent, "gguf", tiny_gguf)) as process:
        from studio.engine.inference.responder import responder_of_model

        responder = responder_of_model("tiny", process.base_url, process.why_gone)
        process.process.send_signal(signal.SIGSEGV)
        process.process.wait(10)
        with pytest.raises(Failed, match="ended unexpectedly"):
            responder.respond(QUESTIONS[0])


def test_server_is_found_only_by_its_secret(llama_process):
    base, secret = llama_process.base_url.rsplit("/", 2)[:2]
    body = {"model": "tiny", "messages": QUESTIONS[0], "max_tokens": 3}
    assert post(f"{base}/{secret}/v1", body)[0] == 200
    assert post(f"{base}/v1", body)[0] == 404
    assert post(f"{base}/{secret[:-1]}x/v1", body)[0] == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "user", "content": 7}]},
        {"messages": QUESTIONS[0], "max_tokens": -1},
        {"messages": QUESTIONS[0], "temperature": "hot"},
        {"messages": QUESTIONS[0], "stream": True},
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
        "from studio.engine.inference.serving import running\nfrom studio.engine.models import ModelRef\n"
        "path = Path(sys.argv[1])\n"
        "with running(ModelRef('tiny', path.parent, 'gguf', path)) as served:\n"
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
    with running(ModelRef("tiny", tiny_gguf.parent, "gguf", tiny_gguf)) as served:
        assert b"secret" not in Path(f"/proc/{served.process.pid}/environ").read_bytes()
