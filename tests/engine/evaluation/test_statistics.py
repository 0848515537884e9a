"""The figures against published ones, and against arithmetic done by hand."""

import csv
import json
import math
import re
import zipfile
from collections import Counter, defaultdict
from pathlib import Path
from statistics import NormalDist
from xml.etree import ElementTree

import numpy as np
import pytest

from studio.engine.evaluation.bradley_terry import bradley_terry
from studio.engine.evaluation.length_control import length_controlled_win_rate
from studio.engine.evaluation.results import Ballot, count, position_bias, report
from studio.engine.evaluation.statistics import (
    VOTES_NEEDED,
    Interval,
    Tally,
    binomial_p_value,
    wilson,
    win_rate,
)
from studio.engine.scoring.agreement import agreement


def test_wilson_matches_published_values() -> None:
    """Newcombe (1998), table I: 81/263, 15/148, 0/20, 1/29."""
    for successes, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        interval = wilson(successes, n)
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_win_rate_counts_tie_and_both_bad_half() -> None:
    interval = win_rate(Tally(wins=6, ties=3, losses=2, both_bad=1))
    assert interval.value == pytest.approx(8 / 12)
    assert (interval.low, interval.high) == (wilson(8, 12).low, wilson(8, 12).high)


def test_many_raters_of_the_same_items_are_not_many_items() -> None:
    items = [[1.0] * 10] * 6 + [[0.0] * 10] * 4
    agreed, alone = win_rate(Tally(wins=60, losses=40), items), win_rate(Tally(wins=6, losses=4))
    assert agreed.value == 0.6 and (agreed.low or 0) < (alone.low or 0) + 0.01 < (wilson(60, 100).low or 0)
    divided = [[1.0, 0.0] * 5] * 10
    assert win_rate(Tally(wins=50, losses=50), divided) == wilson(50, 100)
    unanimous = win_rate(Tally(wins=100), [[1.0] * 10] * 10)
    assert (unanimous.value, unanimous.low) == (1.0, wilson(10, 10).low)
    assert win_rate(Tally(wins=6, losses=4), [[1.0]] * 6 + [[0.0]] * 4) == wilson(6, 10)


def test_the_clustered_interval_covers_what_it_says() -> None:
    """Items differ, raters of one item mostly agree: the interval on all votes would miss the truth in a third."""
    rng, covered, covered_apart = np.random.default_rng(11), 0, 0
    for _ in range(400):
        liked = rng.beta(0.6, 0.4, 40)
        points = [list((rng.random(8) < chance).astype(float)) for chance in liked]
        wins = int(sum(map(sum, points)))
        tally = Tally(wins=wins, losses=320 - wins)
        covered += (win_rate(tally, points).low or 0) <= 0.6 <= (win_rate(tally, points).high or 0)
        covered_apart += (win_rate(tally).low or 0) <= 0.6 <= (win_rate(tally).high or 0)
    assert covered / 400 > 0.92 and covered_apart / 400 < 0.75


def test_win_rate_of_nothing_is_unknown() -> None:
    assert win_rate(Tally()).value is None
    assert win_rate(Tally()).undecided


def test_undecided_when_one_half_is_inside() -> None:
    assert wilson(11, 20).undecided
    assert not wilson(19, 20).undecided


def test_binomial_p_value_is_exact() -> None:
    assert binomial_p_value(0, 5) == 0.0625
    assert binomial_p_value(5, 5) == 1.0
    assert binomial_p_value(2, 8) == pytest.approx(0.109375)
    assert binomial_p_value(8, 2) == binomial_p_value(2, 8)
    assert binomial_p_value(0, 0) is None


def test_binomial_p_value_survives_large_counts() -> None:
    assert binomial_p_value(2512, 1355) == pytest.approx(2.6995508921e-78, rel=1e-6)
    assert binomial_p_value(999, 1) == pytest.approx(2 * 1001 / 2.0**1000, rel=1e-12)


def test_votes_needed_are_those_of_the_power_formula() -> None:
    """By the normal approximation, with 80 % power at the 5 % level."""
    alpha, beta = NormalDist().inv_cdf(0.975), NormalDist().inv_cdf(0.8)

    def needed(share: float) -> int:
        return round(((alpha * 0.5 + beta * math.sqrt(share * (1 - share))) / (share - 0.5)) ** 2)

    assert {share: needed(share) for share in VOTES_NEEDED} == VOTES_NEEDED


def test_alpha_matches_krippendorffs_own_example() -> None:
    """Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C: four observers, nominal, 0.743."""
    columns = ["111", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "555", "11", "3"]
    value = agreement([list(column) for column in columns]).krippendorff_alpha
    assert value == pytest.approx(0.743, abs=5e-4)


def test_agreement_by_hand() -> None:
    found = agreement([["a", "a"], ["a", "b"], ["b", "b", "b"], ["a"]])
    assert found.pairs == 5
    assert found.raw == pytest.approx(4 / 5)
    # Gwet: observed (1 + 0 + 1) / 3; shares of a: (1 + 1/2 + 0 + 1) / 4 = 0.625
    chance = 2 * 0.625 * 0.375
    assert found.gwet_ac1 == pytest.approx((2 / 3 - chance) / (1 - chance))


def test_agreement_is_undefined_without_pairs_and_alpha_without_variety() -> None:
    assert agreement([["a"], ["b"]]).raw is None
    unanimous = agreement([["a", "a"], ["a", "a"]])
    assert (unanimous.raw, unanimous.krippendorff_alpha, unanimous.gwet_ac1) == (1.0, None, 1.0)


def test_bradley_terry_of_two_is_the_win_rate() -> None:
    first, second = bradley_terry(["a", "b"], np.array([[0, 30.0], [10, 0]]))
    assert (first.name, first.score, second.score) == ("a", pytest.approx(0.75), pytest.approx(0.25))
    # logit(0.75) +- 1.96 / sqrt(n p q)
    assert first.low == pytest.approx(1 / (1 + np.exp(-(np.log(3) - 1.959964 / np.sqrt(7.5)))), rel=1e-6)


def test_bradley_terry_stays_finite_when_one_arm_never_wins() -> None:
    first, second = bradley_terry(["a", "b"], np.array([[0, 9.0], [0, 0]]))
    assert 0.5 < first.score < 1
    assert 0 < second.low < second.high < 1


def test_bradley_terry_of_no_votes_is_empty() -> None:
    assert bradley_terry(["a", "b"], np.zeros((2, 2))) == []


def test_length_control_takes_out_what_length_explains() -> None:
    """Votes follow length alone and the first arm is mostly longer: over a half as given, a half at equal length."""
    rng = np.random.default_rng(3)
    differences = rng.normal(1.0, 1.0, 4000)
    chance = 1 / (1 + np.exp(-2 * np.tanh(differences / differences.std())))
    points = (rng.random(4000) < chance).astype(float)
    assert points.mean() > 0.68
    found = length_controlled_win_rate(differences, points)
    assert found.value == pytest.approx(0.5, abs=0.04)
    assert 0.02 < (found.high or 0) - (found.low or 0) < 0.08 and (found.low or 1) < 0.5 < (found.high or 0)


def test_votes_on_one_item_do_not_narrow_the_interval_at_equal_length() -> None:
    rng = np.random.default_rng(5)
    differences, points = rng.normal(0, 1, 60), (rng.random(60) < 0.6).astype(float)
    once = length_controlled_win_rate(differences, points)
    often = length_controlled_win_rate(np.repeat(differences, 9), np.repeat(points, 9), np.repeat(range(60), 9))
    assert often.value == pytest.approx(once.value) and often.low == pytest.approx(once.low, abs=1e-6)
    apart = length_controlled_win_rate(np.repeat(differences, 9), np.repeat(points, 9))
    assert (apart.low or 0) > (often.low or 1)


@pytest.mark.parametrize(
    ("differences", "points"),
    [
        ([1.0] * 5, [1, 0, 1, 0, 1]),
        ([7.0] * 20, [1, 0] * 10),
        ([float(n) for n in range(20)], [1.0] * 20),
        ([float(n) for n in range(-10, 10)], [0.0] * 10 + [1.0] * 10),
    ],
    ids=["few votes", "equal lengths", "one outcome", "separated"],
)
def test_length_control_is_unknown_when_not_estimable(differences: list[float], points: list[float]) -> None:
    assert length_controlled_win_rate(differences, points) == Interval(None, None, None)


def test_report_turns_round_with_the_arm() -> None:
    ballots = [
        Ballot(1, "a", "b", "left"),
        Ballot(2, "b", "a", "left"),
        Ballot(3, "b", "a", "right"),
        Ballot(3, "a", "b", "tie"),
    ]
    one, other = report("s", ["a", "b"], ballots), report("s", ["a", "b"], ballots, "b")
    assert (one["first"], one["wins"], one["losses"], one["ties"]) == ("a", 2, 1, 1)
    assert (other["wins"], other["losses"]) == (1, 2)
    assert one["win_rate"] + other["win_rate"] == pytest.approx(1)
    assert one["position"] == other["position"] == {"left": 2, "right": 1, "p_value": 1.0, "identifiable": True}
    one_way = report("s", ["a", "b"], [Ballot(1, "a", "b", "left"), Ballot(2, "b", "a", "tie")])
    assert one_way["position"]["identifiable"] is False


def test_agreement_does_not_depend_on_the_side_shown() -> None:
    ballots = [
        Ballot(1, "a", "b", "left"),
        Ballot(1, "b", "a", "right"),
        Ballot(2, "a", "b", "tie"),
        Ballot(2, "b", "a", "tie"),
    ]
    assert report("s", ["a", "b"], ballots)["agreement"]["raw"] == 1


def test_win_rate_is_null_with_more_than_two_arms() -> None:
    found = report("s", ["a", "b", "c"], [Ballot(1, "a", "b", "left"), Ballot(2, "b", "c", "left")])
    assert (found["win_rate"], found["low"], found["length_controlled_win_rate"]) == (None, None, None)
    assert found["bradley_terry"][0]["name"] == "a"


@pytest.mark.data
def test_pandalm_annotators_agree_as_published(data: Path) -> None:
    rows = json.loads((data / "pandalm/testset-v1.json").read_text())
    for first, second, kappa in ((1, 2, 0.85), (1, 3, 0.88), (2, 3, 0.86)):
        pairs = [[row[f"annotator{first}"], row[f"annotator{second}"]] for row in rows]
        assert agreement(pairs).krippendorff_alpha == pytest.approx(kappa, abs=0.005)


@pytest.mark.data
def test_tulu_study_counts_as_published(data: Path) -> None:
    """332 prompts, 16 raters: of a rater's two judgements of one pair the later counts."""
    newest: dict[tuple[str, str, frozenset[str]], dict[str, str]] = {}
    for row in spreadsheet(data / "tulu_human_eval/eval_annotations_tulu_1.xlsx"):
        if "preference" in row:
            newest[row["instance_id"], row["evaluator"], frozenset((row["model_a"], row["model_b"]))] = row
    side = {"a": "left", "b": "right", "t": "tie"}
    ballots = [
        Ballot(hash(key[0]), row["model_a"], row["model_b"], side[row["preference"][0]]) for key, row in newest.items()
    ]
    bias = position_bias(ballots)
    assert (bias["left"], bias["right"]) == (419, 348)
    assert bias["p_value"] == pytest.approx(0.0114, abs=1e-4)
    tally = count((ballot for ballot in ballots if {ballot.left, ballot.right} == {"tulu_65B", "chatgpt"}), "tulu_65B")
    assert abs(tally.wins - tally.votes * 0.277) < 6
    assert abs(tally.ties - tally.votes * 0.331) < 6
    assert abs(tally.losses - tally.votes * 0.392) < 6


@pytest.mark.data
def test_llmfao_alpha_and_scores_match_the_reference(data: Path) -> None:
    with (data / "llmfao/crowd-comparisons.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    items: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        items[row["id"]].append(row["winner"])
    assert agreement(items.values()).krippendorff_alpha == pytest.approx(0.29, abs=0.005)
    arms = sorted({row[side] for row in rows for side in ("left", "right")})
    ballots = [Ballot(int(row["id"]), row["left"], row["right"], row["winner"]) for row in rows]
    found = {strength["name"]: strength for strength in report("llmfao", arms, ballots)["bradley_terry"]}
    with (data / "llmfao/golden-scores.csv").open(newline="") as file:
        golden = {
            row["item"]: float(row["score"]) for row in csv.DictReader(file) if row["algorithm"] == "bradley_terry"
        }
    assert {name: strength["score"] for name, strength in found.items()} == pytest.approx(golden, rel=1e-6)
    assert all(strength["low"] < strength["score"] < strength["high"] for strength in found.values())


@pytest.mark.data
def test_vicuna_wins_over_its_base_and_not_clearly_over_bard(data: Path) -> None:
    """GPT-4's reviews, whose published totals are 704 to 583, 694 to 513 and 655.5 to 664 for Vicuna."""
    found = {}
    for other, ours, theirs in (("alpaca-13b", 704, 583), ("llama-13b", 694, 513), ("bard", 655.5, 664)):
        lines = (data / f"vicuna80/reviews/{other}_vs_vicuna-13b.jsonl").read_text().splitlines()
        scores = [json.loads(line)["score"] for line in lines]
        assert (sum(score[1] for score in scores), sum(score[0] for score in scores)) == (ours, theirs)
        choices = ["tie" if a == b else "right" if b > a else "left" for a, b in scores]
        ballots = [Ballot(n, other, "vicuna-13b", choice) for n, choice in enumerate(choices)]
        found[other] = win_rate(count(ballots, "vicuna-13b"))
    assert (found["alpaca-13b"].low or 0) > 0.7
    assert (found["llama-13b"].low or 0) > 0.7
    assert found["bard"].undecided


def spreadsheet(path: Path) -> list[dict[str, str]]:
    """Rows of an xlsx file's first sheet by their headings; the format is XML in a zip."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        shared = ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).iter(f"{space}si")
        words = ["".join(part.text or "" for part in entry.iter(f"{space}t")) for entry in shared]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in sheet.iter(f"{space}row"):
        cells = {}
        for cell in row:
            value = cell.find(f"{space}v")
            if value is not None and value.text is not None:
                column = re.sub(r"\d", "", cell.get("r", ""))
                cells[column] = words[int(value.text)] if cell.get("t") == "s" else value.text
        rows.append(cells)
    heads = rows[0]
    assert Counter(heads.values())["preference"] == 1
    return [{heads[column]: value for column, value in row.items() if column in heads} for row in rows[1:]]
