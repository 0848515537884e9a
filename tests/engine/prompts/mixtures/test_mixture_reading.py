"""A mixture's file: what it may say, and one sentence with the remedy for everything else."""

from pathlib import Path

import pytest

from studio.engine.errors import BadInput
from studio.engine.prompts.mixtures import read, read_file
from studio.engine.prompts.mixtures.shipped import shipped
from studio.engine.settings import Settings
from studio.engine.teachers.system_messages import library

CONTRACT = """
collections:
  - name: T0                  # any label
    source: t0                # a prompt source in this project
    algorithm: stratified
    quota: 2940
    system_messages: [brief, step-by-step]
"""


def test_the_contracts_example_is_read() -> None:
    [part] = read(CONTRACT).collections
    assert (part.name, part.source, part.algorithm, part.quota) == ("T0", "t0", "stratified", 2940)
    assert part.system_messages == ("brief", "step-by-step")


def test_orcas_own_mixture_has_its_figures_and_messages() -> None:
    """arXiv 2306.02707, table 1 and section 3.1: 5.09 million prompts; 3, 9, 3 (and 2 for options) and 5 messages."""
    intents = {message.name: message.intent for message in library()}
    [orca] = [one.mixture for one in shipped(Settings().assets) if one.name == "orca"]
    found = {part.name: (part.algorithm, part.quota, len(part.system_messages)) for part in orca.collections}
    assert found == {
        "CoT": ("none", 150_000, 3), "NiV2": ("stratified", 440_000, 9), "FLAN2021": ("stratified", 2_500_000, 3),
        "T0": ("stratified", 2_000_000, 5),
    }  # fmt: skip
    options = {part.name: part.system_messages_with_options for part in orca.collections}
    assert [name for name, names in options.items() if names] == ["FLAN2021"]
    assert {intents[name] for name in options["FLAN2021"]} == {"multiple choice"}
    assert set(orca.system_messages) <= set(intents) and "brief" not in orca.system_messages
    niv2 = {intents[name] for name in orca.collections[1].system_messages}
    assert {"task and teacher", "any language", "plain helpful"} <= niv2


def test_what_is_written_reads_back_the_same() -> None:
    mixture = read(
        CONTRACT + "    system_messages_with_options: [choice]\n  - {name: 2021, source: 数据}\nseed: 3\nabout: ours\n"
    )
    assert mixture.collections[1].name == "2021"
    assert read(mixture.as_yaml()) == mixture
    assert "system_messages: [brief, step-by-step]" in mixture.as_yaml()
    assert "数据" in mixture.as_yaml()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no mixture"),
        ("- a", "holds no mixture"),
        ("a: [", "is not YAML"),
        ("!!python/object:os.system {}", "is not YAML"),
        ("collections: 3", "no list of 'collections'"),
        ("collections: []", "no list of 'collections'"),
        ("collections: [t0]", "collection 1 is 't0'"),
        ("collections: [{name: a, source: s}]\nsede: 3", "unknown key 'sede'. The keys are: about, seed, collections"),
        ("collections: [{name: a, source: s}]\nseed: x", "has the seed 'x'"),
        ("collections: [{source: s}]", "collection 1 has no 'name'"),
        ("collections: [{name: [], source: s}]", "cannot have [] as its 'name'"),
        ("collections: [{name: a}]", "the collection 'a' has no 'source'"),
        ("collections: [{name: a, source: s, qouta: 3}]", "the collection 'a' has the unknown key 'qouta'"),
        ("collections: [{name: a, source: s, algorithm: best}]", "There are: none, stratified, proportional"),
        ("collections: [{name: a, source: s, algorithm: stratified}]", "the collection 'a' needs a 'quota'"),
        ("collections: [{name: a, source: s, algorithm: proportional}]", "the collection 'a' needs a 'quota'"),
        ("collections: [{name: a, source: s, quota: 0}]", "the quota 0"),
        ("collections: [{name: a, source: s, quota: 1.5}]", "the quota 1.5"),
        ("collections: [{name: a, source: s, quota: true}]", "the quota True"),
        ("collections: [{name: a, source: s, quota: 1, quota: 2}]", "the same key stands twice"),
        ("collections: [{name: a, source: s, system_messages: brief}]", "needs a list of names"),
        ("collections: [{name: a, source: s, system_messages: [b, b]}]", "'b' twice"),
        ("collections: [{name: a, source: s, system_messages_with_options: [b]}]", "for the other prompts"),
        ("collections: [{name: a, source: s}, {name: a, source: t}]", "two collections named 'a'"),
    ],
)
def test_a_fault_is_named_with_its_remedy(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text)
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_a_file_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.yaml", "cannot be read"), (tmp_path, "cannot be read")):
        with pytest.raises(BadInput, match=words):
            read_file(path)
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_file(tmp_path / "a.yaml")
