"""Files made to harm whoever reads them: each is refused in one sentence, and soon."""

import gzip
import json
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet as pq

from studio.cli.collect import read_mix_file
from studio.engine.domain import yaml_text
from studio.engine.domain.shown import shown
from studio.engine.errors import BadInput
from studio.engine.models import read_folder, read_gguf
from studio.engine.prompts.cleaning import markup
from studio.engine.prompts.cleaning.tokens import TokenCounter
from studio.engine.prompts.files import READERS, json_rows, opening
from studio.engine.prompts.mixtures import mixture_file as mixtures
from studio.engine.prompts.record import Record, Skip
from studio.engine.training.recipe import read_recipe


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(BadInput) as caught:
        made = call(*arguments)
        if hasattr(made, "__next__"):
            list(made)
    message = caught.value.message
    assert "\n" not in message and len(message) < 1000
    return message


# --- Arrow and Parquet


@pytest.mark.parametrize("offset", [1 << 30, -5, 3])
def test_arrow_offsets_that_lead_elsewhere_are_refused(tmp_path: Path, offset: int) -> None:
    if offset == 3:  # Of two lists the first reaches beyond what both hold.
        offsets, one = pa.py_buffer(struct.pack("<3i", 0, 1 << 20, 1)), pa.array([1], pa.int8())
        column = pa.ListArray.from_buffers(pa.list_(pa.int8()), 2, [None, offsets], children=[one])
    else:
        offsets = pa.py_buffer(struct.pack("<3i", 0, offset, 4))
        column = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"abcd"))
    batch = pa.RecordBatch.from_arrays([column], ["prompt"])
    with pa.ipc.new_file(tmp_path / "rows.arrow", batch.schema) as writer:
        writer.write_batch(batch)
    assert "is not an Arrow file that can be read" in refusal(READERS["arrow"], tmp_path / "rows.arrow")


def test_text_of_an_arrow_file_that_is_not_utf8_costs_its_row_alone(tmp_path: Path) -> None:
    column = pa.array([b"good", b"\xff\xfe", b"too"]).view(pa.string())
    batch = pa.RecordBatch.from_arrays([column], ["prompt"])
    with pa.ipc.new_file(tmp_path / "rows.arrow", batch.schema) as writer:
        writer.write_batch(batch)
    read = list(READERS["arrow"](tmp_path / "rows.arrow"))
    assert [row.value["prompt"] for row in read if isinstance(row, Record)] == ["good", "too"]
    assert [row.line for row in read if isinstance(row, Skip)] == [2]


def test_a_small_parquet_file_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"prompt": text}), tmp_path / "rows.parquet", compression="zstd")
    assert (tmp_path / "rows.parquet").stat().st_size < 20_000
    message = refusal(READERS["parquet"], tmp_path / "rows.parquet")
    assert "unpacks to far more than its size can hold" in message or "of memory" in message


# --- gzip, JSON, YAML, markup


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "FREE_UNPACKED", 1 << 20)
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(b'{"prompt": "' + b"a" * (30 << 20) + b'"}\n'))
    assert "unpacks to far more" in refusal(json_rows.rows, tmp_path / "rows.jsonl.gz")


def test_gzipped_text_of_the_usual_kind_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "FREE_UNPACKED", 0)
    lines = "".join(json.dumps({"prompt": f"What is {n * n} times {n}?"}) + "\n" for n in range(20_000))
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert sum(isinstance(row, Record) for row in json_rows.rows(tmp_path / "rows.jsonl.gz")) == 20_000


@pytest.mark.parametrize("opens", ["[", '{"a":'])
def test_json_nested_deep_costs_its_row_alone(tmp_path: Path, opens: str) -> None:
    deep = '{"prompt": ' + opens * 100_000 + "}"
    (tmp_path / "rows.jsonl").write_text(deep + '\n{"prompt": "good"}\n')
    assert [type(row) for row in json_rows.rows(tmp_path / "rows.jsonl")] == [Skip, Record]


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x0: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
HARMFUL = [BOMB, MERGES, "a: &a [*a]", "base: " + "[" * 50_000, "seed: " + "1:" * 50_000 + "1", "seed: " + "9" * 5000,
           "x" * 2_000_000]  # fmt: skip


@pytest.mark.parametrize("text", HARMFUL, ids=["aliases", "merges", "circle", "deep", "sixties", "digits", "long"])
def test_yaml_that_grows_is_refused_wherever_it_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "file.yaml").write_text(text)
    assert "is not YAML" in refusal(read_recipe, tmp_path / "file.yaml")
    assert "is not YAML" in refusal(read_mix_file, tmp_path / "file.yaml")
    assert "is not YAML" in refusal(mixtures.read, text)


def test_yaml_with_aliases_that_people_write_is_read() -> None:
    assert yaml_text.load("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]") == {
        "a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}, {"x": 1}]
    }  # fmt: skip
    assert yaml_text.load("") is None
    with pytest.raises(yaml.YAMLError):
        yaml_text.load("a: [")


def test_a_message_repeats_little_of_what_was_given() -> None:
    grown: list[Any] = ["x" * 1000]
    for _ in range(60):
        grown = [grown] * 10
    assert len(shown(grown)) <= 60 and len(shown({"a" * 999: grown})) <= 60
    assert shown("text") == "'text'" and shown(-1) == "-1"


SECTIONS = ["<![CDATA[", "<![CDATA[>", "<![if [>", "<![temp[ >", "<![RCDATA[>", "<!--", "<!-- >", "<? >", "<!a "]


@pytest.mark.parametrize("piece", SECTIONS)
def test_markup_of_many_sections_takes_time_by_its_length(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in what the parser searches through, which no other work on the machine changes."""
    from html.parser import HTMLParser

    searched: list[int] = []

    def count(name: str) -> None:
        own = getattr(HTMLParser, name)
        monkeypatch.setattr(
            HTMLParser, name, lambda self, i, *more: searched.append(len(self.rawdata) - i) or own(self, i, *more)
        )

    count("parse_marked_section")
    markup.as_markdown(f"<p>{piece * 120_000}</p>")
    assert sum(searched) <= 120_000 * len(piece) * 20


def test_marked_sections_keep_what_they_say() -> None:
    assert markup.as_markdown("<p>Write <![CDATA[a]]> here</p>") == "Write <![CDATA[a]]> here"
    assert markup.as_markdown("<p>a<![if !IE]>b<![endif]>c</p>") == "abc"


# --- models and tokenizers


def gguf(path: Path, tensors: int, values: int, rest: bytes) -> Path:
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, tensors, values) + rest)
    return path


@pytest.mark.parametrize(
    ("tensors", "values", "rest"),
    [
        (1 << 60, 0, b"\0" * 108),
        (0, 1 << 40, b"\0" * 108),
        (1, 1, struct.pack("<Q", 1 << 62) + b"\0" * 100),
        (0, 1, struct.pack("<Q1sIIQ", 1, b"a", 9, 8, 3) + struct.pack("<Q", 1 << 50) + b"\0" * 80),
    ],
    ids=["tensors", "values", "key", "text"],
)
def test_a_gguf_file_with_lying_counts_is_refused(tmp_path: Path, tensors: int, values: int, rest: bytes) -> None:
    assert "The GGUF file" in refusal(read_gguf, gguf(tmp_path / "m.gguf", tensors, values, rest))


def test_a_gguf_array_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.engine.models.gguf_file.PATIENCE", 3)
    rest = struct.pack("<Q1sIIQ", 1, b"a", 9, 4, 1 << 40) + b"\0" * 100
    assert "The GGUF file" in refusal(read_gguf, gguf(tmp_path / "m.gguf", 0, 1, rest))


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"a": {"dtype": "F32", "shape": [-1]}}',
        b'{"a": {"dtype": "F32", "shape": "many"}}',
        b'{"a": {"dtype": "F32", "shape": [' + b"9" * 4000 + b"]}}",
        b'{"a": {"dtype": "F32", "shape": [' + b"1," * 99_999 + b"1]}}",
        b'{"a": 1}',
    ],
    ids=["deep", "negative", "text", "huge", "dimensions", "number"],
)
def test_a_lying_header_of_weights_is_refused(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert "are damaged" in refusal(read_folder, tmp_path)


def test_a_header_longer_than_its_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    assert "longer than the file" in refusal(read_folder, tmp_path)


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 9999999999 }}",
        "{% set n = namespace(t='x') %}{% for a in range(60) %}{% set n.t = n.t ~ n.t %}{% endfor %}{{ n.t }}",
    ],
    ids=["loop", "product", "doubling"],
)
def test_a_template_that_loops_or_grows_is_given_up(
    tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokenizers import Tokenizer, models

    monkeypatch.setattr("studio.engine.prompts.cleaning.tokens.PATIENCE", 4.0)
    Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "chat_template.jinja").write_text(template)
    assert "The tokenizer in" in refusal(TokenCounter, tmp_path)
