"""What a stored answer carries: previews, flags, and what its prompt knows."""

import pytest
from written import write_trace

from studio.engine.store.database import Database
from studio.engine.store.flags import flags_of
from studio.engine.store.tables import Project, Prompt, PromptSource, Run, Trace, TraceText
from studio.engine.store.trace_writer import PREVIEW, preview


def test_a_trace_takes_from_its_prompt_what_is_not_said(database: Database, project: Project) -> None:
    trace, text = _written(database, project, response="It is 4.\n" * 100)
    assert (trace.family, trace.task, text.known_answer) == ("sums", "t1", "4")
    assert trace.prompt_preview == "What is 2 + 2?"
    assert len(trace.response_preview) == PREVIEW and trace.response_preview.startswith("It is 4. It is 4.")
    assert text.response == "It is 4.\n" * 100
    assert trace.flags == [] and trace.label is None


def test_what_no_database_stores_is_left_out(database: Database, project: Project) -> None:
    _, text = _written(database, project, response="a\x00b\ud800c")
    assert text.response == "ab?c"


@pytest.mark.parametrize(
    ("response", "finish_reason", "flags"),
    [
        ("It is 4.", "stop", []),
        (" \n", "stop", ["empty"]),
        ("First, we", "length", ["length"]),
        ("I'm sorry, but I can't help with that.", "stop", ["refusal"]),
        ("I cannot answer this.", "stop", ["refusal"]),
        ("抱歉，我无法回答。", "stop", ["refusal"]),
        ("", "content_filter", ["empty", "refusal"]),
        ("She said she was sorry, and I cannot blame her.", "stop", []),
        ("I can see four apples.", "stop", []),
    ],
)
def test_flags_tell_what_is_wrong_with_an_answer(response: str, finish_reason: str, flags: list[str]) -> None:
    assert flags_of(response, finish_reason) == flags


def test_a_preview_is_one_line() -> None:
    assert preview("a\n\tb ") == "a b"
    assert preview("x" * 10_000) == "x" * (PREVIEW - 1) + "…"


def _written(database: Database, project: Project, response: str) -> tuple[Trace, TraceText]:
    with database.session() as session:
        source = PromptSource(project_id=project.id, name="s", kind="import")
        run = Run(project_id=project.id, name="r")
        session.add_all([source, run])
        session.flush()
        prompt = Prompt(
            project_id=project.id, source_id=source.id, position=0, digest=b"d", text="What is 2 + 2?", answer="4",
            family="sums", task="t1",
        )  # fmt: skip
        session.add(prompt)
        session.flush()
        written = write_trace(
            session, run=run, prompt=prompt, prompt_text=prompt.text, system_message_name="", system_message_text="",
            response=response, teacher="t", model="m", terms="yes", finish_reason="stop",
        )  # fmt: skip
    with database.session() as session:
        trace, text = session.get(Trace, written.id), session.get(TraceText, written.id)
    assert trace is not None and text is not None
    return trace, text
