"""Answers over HTTP from child processes: folders, GGUF files and teachers, and what happens when one dies."""

import signal

import pytest

from studio.engine.engines import running
from studio.engine.errors import BadInput, Failed, NotFound

QUESTIONS = [[{"role": "user", "content": f"What is {number} plus 5?"}] for number in range(12)]


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
    with running("tiny", tiny_gguf) as process:
        from studio.engine.inference.responder import responder_of_model

        responder = responder_of_model("tiny", process.base_url, process.why_gone)
        process.process.send_signal(signal.SIGSEGV)
        process.process.wait(10)
        with pytest.raises(Failed, match="ended unexpectedly"):
            responder.respond(QUESTIONS[0])
