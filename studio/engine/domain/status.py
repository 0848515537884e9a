"""What work says of itself and of what it leaves out: a code with values, which a terminal and a log show as the
English sentence that it also is, and which pages put into their own words (`assets/translations/status.yaml`).

    progress(done, total, status("asking_again", seconds=12))
"""

from collections.abc import Mapping
from typing import Any

WORDS: Mapping[str, str] = {
    "answers_brought": "answers, {left_out} left out",
    "answers_from_bytes": "bytes read: {n} answers, {left_out} left out",
    "asking_again": "asking again in {seconds} s",
    "batch_at_provider": "a batch at the provider is {state}, {done} of {total} done",
    "batch_preparing": "preparing a batch",
    "batch_sending": "sending a batch of {n} questions",
    "batches_at_provider": "{n} batches at the provider; one of them is {state}, {done} of {total} done",
    "repeats": "it was broken off and begins anew; what it had finished stays",
    "begins_anew": "it was broken off and begins anew; what it had written is taken back",
    "bytes_checked": "bytes checked and copied",
    "bytes_copied": "bytes copied",
    "bytes_fetched": "bytes fetched from the hub",
    "bytes_read": "bytes read",
    "changing": "traces changed",
    "checked": "{name} checked",
    "continued": "{why} It will be continued.",
    "converted": "converted",
    "demo_collect": "Collecting {n} answers from {teacher} ({message})",
    "demo_export": "Exporting {names} and checking that they answer like the original",
    "demo_second": "Training the second stage with the thorough teacher",
    "demo_study": "Preparing a blind study of the student against its teacher",
    "demo_train": "Training {n} students on {tokens} tokens each, two at a time",
    "exporting": "exporting",
    "field_not_text": "the {field} is not text",
    "freezing": "freezing",
    "grading": "grading",
    "in_stage": "{stage}: {what}",
    "it_is": "it is {what}",
    "kind_list": "a list",
    "kind_null": "null",
    "kind_number": "a number",
    "kind_object": "an object",
    "kind_text": "a text",
    "kind_truth": "true or false",
    "limit_of_key": "limit of {name} reached, asking again in {seconds} s",
    "loading_training": "loading PyTorch and the base model; the first step comes within a minute",
    "looking_again": "{why} Looking again.",
    "looking_for_nearest": "looking for nearest prompts",
    "no_answer": (
        "no answer for {seconds} s, questions under way: {questions}; the oldest is given up and asked again in "
        "{again} s"
    ),
    "original_answered": "the original answered {n} questions",
    "prompts_brought": "prompts, {left_out} left out",
    "prompts_from_bytes": "bytes read: {n} prompts, {left_out} left out",
    "prompts_read": "{n} prompts read",
    "prompts_stored": "prompts stored",
    "read_for": "read for {name}",
    "reading": "reading",
    "reading_dataset": "reading {dataset}",
    "round": "round {n}, {what}",
    "round_share": "round {n}, {what}: {done} of {total}",
    "round_waiting": "{round}, {waiting}",
    "row_after_list": "there is text after the end of the list",
    "row_at_character": "{what} at character {n}",
    "row_cells": "wrong number of cells",
    "row_cells_of": "{n} where the header has {wanted}",
    "row_duplicate": "duplicate",
    "row_empty_prompt": "the prompt is empty",
    "row_exchange_long": "an exchange longer than the token limit",
    "row_from_turn": "from turn {n} on, {tokens} tokens",
    "row_history": "its history is not pairs of a question and an answer",
    "row_html": "its HTML cannot be read",
    "row_inside_list": "the file ends inside the list",
    "row_instances": "the instances are not a list of objects",
    "row_language": "another language",
    "row_long": "longer than {n} MB",
    "row_names_provider": "an answer names its provider",
    "row_no_conversation": "no conversation",
    "row_no_parent": "the message it replies to is missing",
    "row_no_prompt": "no prompt",
    "row_no_request": "no request",
    "row_no_response": "no response",
    "row_no_user_turn": "no user turn",
    "row_not_alternating": "the turns do not alternate",
    "row_not_csv": "not valid CSV",
    "row_not_in_batch": "the question is not in the batch's input",
    "row_not_json": "not valid JSON",
    "row_not_learned": "its answer is marked as one that is not to be learned",
    "row_not_object": "not an object",
    "row_not_plain": "holds a value that cannot be sent as JSON",
    "row_not_storable": "holds characters that no text may hold",
    "row_not_utf8": "not valid UTF-8",
    "row_off_path": "not on the best-ranked path of its tree",
    "row_parser_error": "an error message in place of an answer",
    "row_provider_error": "the provider answered with an error",
    "row_quote": "a quote is opened and never closed",
    "row_rate_limit": "a rate-limit notice",
    "row_same_id": "an id seen before",
    "row_same_opening": "a first exchange seen before",
    "row_short_answer": "an answer of fewer than {n} characters",
    "row_streamed": "a piece of a streamed answer",
    "row_too_deep": "a value is too large or too deep",
    "row_tool_call": "the answer is a tool call",
    "row_turn_audio": "a turn holds audio",
    "row_turn_call": "a call of a function that names none",
    "row_turn_file": "a turn holds a file",
    "row_turn_image": "a turn holds an image",
    "row_turn_more": "a turn holds more than text",
    "row_turn_no_text": "a turn without text",
    "row_turn_object": "a turn is not an object",
    "row_turn_role": "a turn of unknown role",
    "row_turn_video": "a turn holds a video",
    "row_unreadable": "unreadable",
    "row_with_batch": "name that file with --batch-input",
    "row_withdrawn": "a deleted or refused message",
    "rows_deleted": "rows deleted",
    "taking_back": "traces still changed; taking back",
    "title_backup": "Back up the workspace",
    "title_restore": "Check and unpack the backup {name}",
    "title_bring": "Bring {name}",
    "title_change": "Change of many traces",
    "title_collect": "Collect {name}",
    "title_delete": "Delete {name}",
    "title_demo": "Demo",
    "title_diversity": "Measure how varied {name} is",
    "title_expire_bin": "Delete what was in the bin long enough",
    "title_empty_bin": "Empty the bin",
    "title_end": "End {name}",
    "title_export": "Export {name} as {quantizations}",
    "title_export_traces": "Export traces to {name}",
    "title_freeze": "Freeze {name}",
    "title_grade": "Grading",
    "title_import": "Import {name}",
    "title_invent": "Invent {name}",
    "title_outcome": "See what a mixture comes to",
    "title_practice": "Make {name}",
    "title_sample": "Sample {name}",
    "title_study": "Study {name}",
    "title_train": "Train {name}",
    "trained": "trained",
    "training": "loss {loss}, {speed} tokens/s",
    "training_begins": "{speed} tokens/s",
    "waiting_for_budget": "waiting for what other runs have set aside of the project's budget",
    "waiting_for_other_run": "waiting for answers that another run has asked for",
    "waiting_for_others": "waiting for {n} answers that another run is asking for",
    "waits_a_moment": "a worker takes it within a moment",
    "waits_for_gpu": "waits for the GPU, which “{title}” uses",
    "waits_for_machine": "waits for “{title}”, which uses all of the machine",
    "waits_for_turn": "waits for one of the {n} jobs that run to end",
    "waits_for_worker": "waits for a worker: open the app, or run understudy worker",
    "written": "{name} written",
}
"""Code -> English. A value is a number, a text, or a status of its own."""


class Status(str):
    """The English sentence, with the code and the values that it was made of."""

    code: str
    values: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """As a job's row keeps it: `code` and `values`, a status inside a status likewise."""
        values = {key: value.as_dict() if isinstance(value, Status) else value for key, value in self.values.items()}
        return {"code": self.code, "values": values}


def status(code: str, **values: Any) -> Status:
    """The status of that code. Raises KeyError for a code or a value that its words do not have."""
    made = Status(WORDS[code].format_map({key: _shown(value) for key, value in values.items()}))
    made.code, made.values = code, values
    return made


def kept_status(message: str) -> dict[str, Any] | None:
    """What a row keeps beside a message: None for a message that is only words."""
    return message.as_dict() if isinstance(message, Status) else None


def _shown(value: Any) -> Any:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
