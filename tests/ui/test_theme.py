"""Text can be read in both looks: every pair of colours that is used reaches WCAG's 4.5 to 1."""

import re

import pytest

from studio.engine.settings import Settings
from studio.ui import theme

CSS = (Settings().assets / "css" / "colours.css").read_text(encoding="utf-8")
PAIRS = [
    *((ink, on) for ink in ("ink", "ink-soft", "accent") for on in ("ground", "paper", "field", "hover", "sunk")),
    ("ink-faint", "paper"), ("ink-faint", "field"), ("accent", "accent-soft"), ("ink", "accent-soft"),
    ("ink-soft", "accent-soft"), ("on-accent", "accent-fill"), ("on-accent", "accent-fill-hover"), ("bad", "paper"),
    *((kind, f"{kind}-soft") for kind in ("good", "bad", "busy", "warn", "quiet")),
    *(("ink", f"{kind}-soft") for kind in ("good", "bad", "busy", "warn", "quiet")),
]  # fmt: skip


def _palette(selector: str) -> dict[str, str]:
    block = re.search(re.escape(selector) + r" \{(.*?)\}", CSS, re.S)
    assert block
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block.group(1)))


def _light(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((_light(one), _light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("selector", [":root", "html.dark"])
@pytest.mark.parametrize("pair", PAIRS, ids=" on ".join)
def test_text_can_be_read(selector: str, pair: tuple[str, str]) -> None:
    palette = _palette(selector)
    assert contrast(palette[pair[0]], palette[pair[1]]) >= 4.5


def test_both_looks_define_the_same_colours() -> None:
    assert set(_palette(":root")) == set(_palette("html.dark"))


def test_gradio_fetches_no_fonts() -> None:
    made = theme.theme()
    assert not made._stylesheets
    assert not re.search(r"url\(\s*[\"']?https?:|@import", made._get_theme_css() + CSS)
