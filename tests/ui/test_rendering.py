"""Templates: every value is escaped, a name that nobody passed fails, and line breaks add no space between elements."""

from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from markupsafe import Markup

from studio.ui import rendering
from studio.ui.text import LANGUAGES, Texts

Draw = Callable[..., str]


@pytest.fixture
def draw() -> Draw:
    """Renders a template given as text, as one in a file would be."""

    def drawn(source: str, **values: object) -> str:
        return rendering.environment().from_string(source).render(values)

    return drawn


def test_a_value_is_escaped_unless_it_is_markup(draw: Draw) -> None:
    assert draw("<p>{{ a }}{{ b }}</p>", a="<i>", b=Markup("<b>")) == "<p>&lt;i&gt;<b></p>"
    assert draw('<p title="{{ a }}"></p>', a='"><img>') == '<p title="&#34;&gt;&lt;img&gt;"></p>'


def test_what_a_template_gives_is_not_escaped_again() -> None:
    badge = rendering.render(
        "parts/badge", kind="good", drawing=Markup("<svg></svg>"), word="<x>", icon=lambda one: one
    )
    assert isinstance(badge, Markup) and "&lt;x&gt;" in badge
    assert Markup("{}").format(badge) == badge


def test_a_name_that_nobody_passed_fails(draw: Draw) -> None:
    for source in ("{{ missing }}", "{% if missing %}x{% endif %}", "{% for one in missing %}{% endfor %}"):
        with pytest.raises(UndefinedError, match="missing"):
            draw(source)
    with pytest.raises(UndefinedError):
        rendering.render("home/steps")
    with pytest.raises(TemplateNotFound):
        rendering.render("home/nothing")


@pytest.mark.parametrize(
    ("source", "joined"),
    [
        ("<ul>\n  <li>a</li>\n</ul>\n", "<ul><li>a</li></ul>"),
        ("one\n  two", "one two"),
        ("<b>one</b>\ntwo", "<b>one</b>two"),
        ("one\n<b>two</b>", "one<b>two</b>"),
        ("{{ a }}\n\n   {{ a }}", "AA"),
        ('<b>one</b>{{ " " }}\ntwo', "<b>one</b> two"),
        ("{% if a %}\n<i>one</i>\n{% endif %}\n<b>two</b>", "<i>one</i><b>two</b>"),
        ("<p>a  b</p>", "<p>a  b</p>"),
    ],
)
def test_line_breaks_are_for_the_reader_of_a_template(draw: Draw, source: str, joined: str) -> None:
    assert draw(source, a="A") == joined


def test_line_breaks_of_a_value_stay(draw: Draw) -> None:
    assert draw("<pre>\n{{ text }}\n</pre>", text="one\n  two") == "<pre>one\n  two</pre>"


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_filters_write_figures_as_pages_do(draw: Draw, language: str) -> None:
    assert draw("{{ 12480 | number }} {{ none | number }}", none=None) == "12,480 —"
    assert draw("{{ 61.5 | duration }}|{{ moment | ago }}", t=Texts(language), moment=None).endswith("|—")


def test_every_template_can_be_read() -> None:
    names = [path.relative_to(rendering.TEMPLATES).as_posix() for path in Path(rendering.TEMPLATES).rglob("*.html")]
    assert names
    for name in names:
        rendering.environment().get_template(name)


def test_a_template_is_compiled_once_and_at_its_first_use() -> None:
    made = rendering.environment.__wrapped__()
    assert not made.cache
    assert made.get_template("parts/badge.html") is made.get_template("parts/badge.html")
