"""Chat templates: rendered as transformers does, in a sandbox, and portable once training marks are gone."""

import pytest

from studio.engine.engines import templates
from studio.engine.engines.templates import ChatTemplate, without_generation_marks
from studio.engine.errors import BadInput

TURNS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]
MARKED = "{% for m in messages %}{{ m.role }}:{% generation %}{{ m.content }}{%- endgeneration -%} ;{% endfor %}"


def test_training_marks_vanish_and_the_text_stays():
    plain = without_generation_marks(MARKED)
    assert "generation" not in plain
    assert ChatTemplate(MARKED, bos="", eos="").render(TURNS) == "user:hi;assistant:yes;"


def test_add_generation_prompt_is_left_alone():
    template = "{% if add_generation_prompt %}go{% endif %}"
    assert without_generation_marks(template) == template
    assert ChatTemplate(template, bos="", eos="").render(TURNS) == "go"


def test_template_sees_the_special_tokens_and_filters():
    template = ChatTemplate("{{ bos_token }}{{ messages[0] | tojson }}{{ eos_token }}", bos="<s>", eos="</s>")
    assert template.render(TURNS) == '<s>{"role": "user", "content": "hi"}</s>'


@pytest.mark.parametrize(
    "source",
    ["{{ raise_exception('no system') }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ nothing.at.all }}"],
)
def test_template_that_refuses_or_reaches_out_of_the_sandbox_is_a_clear_error(source):
    with pytest.raises(BadInput, match="chat template"):
        ChatTemplate(source, bos="", eos="").render(TURNS)


def test_invalid_template_is_a_clear_error():
    with pytest.raises(BadInput, match="not valid"):
        ChatTemplate("{% for %}", bos="", eos="")


def test_a_template_that_writes_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "LONGEST", 10_000)
    loops = "{% for a in range(9999) %}{% for b in range(9999) %}xxxx{% endfor %}{% endfor %}"
    endless = ChatTemplate(loops, bos="", eos="")
    with pytest.raises(BadInput, match="writes more than 10,000 characters"):
        endless.render([{"role": "user", "content": "hi"}])
    whole = ChatTemplate("{{ messages[0].content }}", bos="", eos="")
    assert whole.render([{"role": "user", "content": "x" * 10_000}]) == "x" * 10_000
