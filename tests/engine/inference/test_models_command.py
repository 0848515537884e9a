"""`understudy models` as scripts see it."""

import pytest


def test_list_and_show_the_practice_base(run_cli):
    listed = run_cli("models", "list", "--json")
    assert listed.code == 0
    assert "practice-base" in {model["name"] for model in listed.json["models"]}
    shown = run_cli("models", "show", "practice-base", "--json").json
    assert shown["files"] == []
    assert shown["lineage"][0]["model"] == "practice-base"
    assert shown["licence_verdict"]


def test_import_chat_and_a_taken_name(run_cli, tiny_gguf):
    done = run_cli("models", "import", tiny_gguf, "--name", "mine", "--json")
    assert done.code == 0
    assert done.json["kind"] == "gguf"
    said = run_cli("models", "chat", "mine", "--message", "What is 3 + 4?", "--json")
    assert said.code == 0
    assert isinstance(said.json["response"], str)
    again = run_cli("models", "import", tiny_gguf, "--name", "mine", "--json")
    assert (again.code, again.out) == (2, "")
    assert "already" in again.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "show", "nobody"),
        ("models", "chat", "nobody", "--message", "hi"),
        ("models", "export", "practice-base", "--quantization", "Q17"),
        ("models", "import", "/nowhere/at/all", "--name", "x"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(run_cli, arguments):
    result = run_cli(*arguments, "--json")
    assert (result.code, result.out) == (2, "")
    assert len(result.err.strip().splitlines()) == 1


def test_export_reports_its_parity(run_cli, tiny, tmp_path):
    assert run_cli("models", "import", tiny, "--name", "tiny", "--json").code == 0
    out = tmp_path / "tiny.gguf"
    report = run_cli("models", "export", "tiny", "--quantization", "Q8_0", "--out", out, "--json").json
    assert {"path", "quantization", "tensor_types", "bytes", "sha256", "parity"} <= set(report)
    assert report["path"] == str(out)
    assert {"prompts", "identical_answers", "same_answers", "mean_kl", "template_match"} <= set(report["parity"])
    said = run_cli("models", "chat", "tiny", "--quantization", "q8_0", "--message", "What is 3 + 4?", "--json")
    assert said.code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "chat", "{}", "--message", "hi"),
        ("models", "import", "{}", "--name", "x"),
        ("models", "export", "{}"),
        ("models", "export", "practice-base", "--out", "{}/new.gguf"),
        ("traces", "export", "{}/new.jsonl"),
    ],
)
def test_path_outside_the_allowed_folders_is_refused_in_one_line(run_cli, tiny, tmp_path, monkeypatch, arguments):
    monkeypatch.setenv("UNDERSTUDY_ALLOWED_ROOTS", str(tmp_path / "shared"))
    result = run_cli(*(argument.format(tiny) for argument in arguments), "--json")
    assert (result.code, result.out) == (2, "")
    assert "does not let its users name" in result.err and len(result.err.strip().splitlines()) == 1
