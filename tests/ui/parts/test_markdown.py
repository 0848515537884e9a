"""What a model writes can look like text and do nothing else."""

import html
import re

import pytest

from studio.ui.parts import markdown

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/track.png)",
    "[click](javascript:alert(1))",
    "[click](data:text/html;base64,AAAA)",
    "[click](JaVaScRiPt:alert(1))",
    "[click](//evil.example)",
    '<https://evil.example/" onmouseover=alert(1)>',
    '<div style="position:fixed;background:url(https://evil.example)">x</div>',
    '<form action="https://evil.example"><input><button>go</button></form>',
    '```js" onclick="alert(1)\ncode\n```',
    "| a |\n|:-:|\n| <b onclick=x>b</b> |",
    "[x]: https://evil.example 'a\" onclick=\"x'\n\n[x]",
    "# <svg onload=alert(1)>",
    '<a id="us-words" class="us-side" href="https://evil.example">x</a>',
    "${alert(1)} {{constructor}}",
]
ALLOWED = {
    "div": {"class"}, "span": {"class"}, "a": {"href", "target", "rel"}, "ol": {"start"}, "p": set(), "pre": set(),
    "code": set(), "small": set(), "table": set(), "thead": set(), "tbody": set(), "tr": set(), "th": set(),
    "td": set(),
    "h3": set(), "em": set(), "strong": set(), "ul": set(), "li": set(), "br": set(), "s": set(), "blockquote": set(),
    "hr": set(),
}  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_only_harmless_elements_and_attributes_come_out(text: str) -> None:
    for name, attributes in re.findall(r"<([a-z0-9]+)((?:\s+[a-z-]+=\"[^\"]*\")*)\s*/?>", markdown.render(text)):
        assert name in ALLOWED, name
        assert set(re.findall(r"([a-z-]+)=\"", attributes)) <= ALLOWED[name]
    left = re.sub(r"</?[a-z0-9]+(?:\s+[a-z-]+=\"[^\"]*\")*\s*/?>", "", markdown.render(text))
    assert "<" not in left and ">" not in left
    assert set(re.findall(r'class="([^"]*)"', markdown.render(text))) <= {"md", "md-image"}
    assert all(
        target.startswith(("http://", "https://", "mailto:"))
        for target in re.findall(r'href="([^"]*)"', markdown.render(text))
    )


def test_ordinary_markdown_is_drawn() -> None:
    drawn = markdown.render(
        "# Steps\n\n1. **carry** the `1`\n2. done\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n[more](https://a.example)"
    )
    assert "<h3>Steps</h3>" in drawn and "<strong>carry</strong>" in drawn and "<code>1</code>" in drawn
    assert '<a href="https://a.example" target="_blank" rel="noopener noreferrer nofollow">more</a>' in drawn
    assert "<td>2</td>" in drawn and "style" not in drawn


def test_pictures_are_named_and_not_loaded() -> None:
    drawn = markdown.render("![a cat](https://evil.example/cat.png)")
    assert "a cat" in drawn and "https://evil.example/cat.png" in drawn and "<img" not in drawn


def test_plain_keeps_the_text_as_it_is() -> None:
    assert markdown.plain("a  <b>\n c") == '<div class="plain">a  &lt;b&gt;\n c</div>'


def test_a_deeply_nested_text_is_drawn_without_an_error() -> None:
    assert markdown.render(">" * 5000 + "[" * 5000 + "*" * 5000).count("<blockquote>") < 100


@pytest.mark.parametrize(
    "text", ["3*3=<<3*3=9>>9 and 9*60=540", "2**3**2", "(2+3)*4*5", "50%*200*3", "$5*3*$2", "x*y*z"]
)
def test_an_asterisk_in_a_calculation_is_read_as_one(text: str) -> None:
    assert re.sub("<[^>]*>", "", str(markdown.render(text))).strip() == html.escape(text)


@pytest.mark.parametrize(
    ("text", "drawn"),
    [("*so* 3*3", "<em>so</em> 3*3"), ("**3*3 = 9**", "<strong>3*3 = 9</strong>"),
     ("这是**重点**内容", "这是<strong>重点</strong>内容"), ("* 3*3\n* 4", "<li>3*3</li>")],
)  # fmt: skip
def test_emphasis_beside_a_calculation_stays_emphasis(text: str, drawn: str) -> None:
    assert drawn in markdown.render(text)
