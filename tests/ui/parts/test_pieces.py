"""The pieces escape what they are given and say in words what they show."""

from markupsafe import Markup

from studio.ui import parts
from studio.ui.parts import figures
from studio.ui.text import Texts

EVIL = '"><img src=x onerror=alert(1)>'


def test_every_piece_escapes_text() -> None:
    t = Texts("en")
    drawn = [
        parts.table([EVIL], [[EVIL]], caption=EVIL),
        parts.stats([parts.Stat(EVIL, EVIL, EVIL, EVIL)]),
        parts.badge("good", EVIL),
        parts.progress_bar(1, 2, label=EVIL, detail=EVIL),
        parts.card(EVIL, EVIL, actions=EVIL),
        parts.empty_state(EVIL, EVIL, EVIL),
        parts.tabs([parts.Tab(EVIL, EVIL)]),
        parts.facts([(EVIL, EVIL)]),
        parts.note("bad", EVIL, EVIL, action=EVIL),
        parts.copy(t, EVIL),
        parts.keys(EVIL),
        parts.link(EVIL, EVIL),
        parts.grid(parts.card(EVIL, EVIL)),
    ]
    for one in drawn:
        assert isinstance(one, Markup)
        assert "<img" not in one and '"">' not in one


def test_markup_from_a_part_is_not_escaped_again() -> None:
    assert '<a href="/x">go</a>' in parts.table(["A"], [[parts.link("go", "/x")]])


def test_table_labels_every_value_for_phones_and_shows_unknown_as_a_dash() -> None:
    drawn = parts.table(["Name", parts.Column("Rows", number=True)], [["a", 12480], ["b", None]], selected=1)
    assert '<td data-label="Rows" class="num">12,480</td>' in drawn
    assert '<tr aria-selected="true"><td data-label="Name">b</td><td data-label="Rows" class="num">—</td></tr>' in drawn


def test_progress_says_its_numbers_and_stays_within_the_bar() -> None:
    assert "331 / 1,000 · 33%" in parts.progress_bar(331, 1000)
    assert 'aria-valuenow="100"' in parts.progress_bar(12, 10)
    assert "endless" in parts.progress_bar(5, None) and "aria-valuenow" not in parts.progress_bar(5, None)


def test_states_are_words_in_both_languages() -> None:
    assert "running" in parts.state_badge(Texts("en"), "running") and "运行中" in parts.state_badge(
        Texts("zh"), "running"
    )
    assert "—" in parts.state_badge(Texts("en"), None)


def test_every_known_state_has_a_word() -> None:
    from studio.ui.parts.pieces import STATE_KINDS

    for language in ("en", "zh"):
        assert all(Texts(language).has(f"state.{state}") for state in STATE_KINDS)


def test_figures_read_as_people_write_them() -> None:
    assert [figures.money(x) for x in (None, 0, 4.123, 0.0021)] == ["—", "$0.00", "$4.12", "$0.0021"]
    assert [figures.size(x) for x in (0, 999, 1_400_000, 2_600_000_000)] == ["0 B", "999 B", "1.4 MB", "2.6 GB"]
    assert figures.share(0.714) == "71.4 %"
    t = Texts("en")
    assert [figures.duration(t, x) for x in (5, 90, 7500, 200_000)] == ["5 s", "1 min 30 s", "2 h 5 min", "2 d 7 h"]
