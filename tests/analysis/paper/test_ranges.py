"""Ranges over cohorts that give the same print: how they are formed, attached and worded."""

import pytest

from analysis.paper import charts_ranges
from analysis.paper.ranges import counts, interval_is_open, load_origin, load_ranges, range_frame, with_range
from analysis.paper.ranges_page import (
    ONLY_RECONSTRUCTION,
    _filled,
    chart_frame,
    filled_statements,
    listed_table,
    named_ids,
    range_table,
    templates,
)
from analysis.report.charts import NoChart
from analysis.report.format import MARKS, cell, limits_text, mark, pieces, range_text, words
from analysis.results import Range, Result, missing


def ratio(value, lower=None, upper=None, *, result_id="os.hr.firth", basis="bounded", **more):
    return Result(result_id, value, lower, upper, 36, "ratio", interval="95% CI", basis=basis, **more)


def row(results, result_id="os.hr.firth"):
    frame = range_frame(results).set_index("id")
    return frame.loc[result_id]


def test_the_range_runs_from_the_smallest_to_the_largest_value_and_limit():
    got = row([[ratio(0.5, 0.2, 1.4)], [ratio(0.6, 0.1, 1.6)], [ratio(0.55, 0.15, 1.5)]])
    assert (got["low"], got["high"]) == (0.5, 0.6)
    assert (got["lower_low"], got["lower_high"], got["upper_low"], got["upper_high"]) == (0.1, 0.2, 1.4, 1.6)
    assert got["cohorts"] == 3


def test_a_cohort_without_the_value_does_not_count_for_it():
    got = row([[ratio(0.5)], [missing("os.hr.firth", "separation", basis="bounded")]])
    assert (got["cohorts"], got["low"], got["high"]) == (1, 0.5, 0.5)


def test_words_and_yes_or_no_are_listed():
    assert row([[Result("x", True)], [Result("x", False)], [Result("x", True)]], "x")["texts"] == "no|yes"
    assert row([[Result("x", "alone")], [Result("x", "SIRT")]], "x")["texts"] == "SIRT|alone"


def test_no_cohort_gives_an_empty_table():
    assert range_frame([]).empty


RANGES = {"os.hr.firth": Range(0.5, 0.6, 200, 200, 0.1, 0.2, 1.4, 1.6)}


@pytest.mark.parametrize(
    ("value", "low", "high"), [(0.55, 0.5, 0.6), (0.45, 0.45, 0.6), (0.7, 0.5, 0.7), (0.5, 0.5, 0.6)]
)
def test_the_own_value_lies_within_its_range(value, low, high):
    got = with_range(ratio(value), RANGES).range
    assert (got.low, got.high) == (low, high)


@pytest.mark.parametrize("basis", ["physics", "design", "data"])
def test_what_rests_on_no_reconstruction_has_no_range(basis):
    assert with_range(ratio(0.55, 0.1, 1.4, basis=basis), RANGES).range is None


def test_a_printed_value_gets_a_range_only_where_its_interval_is_open():
    assert with_range(ratio(0.55, 0.15, 1.5, basis="printed"), RANGES).range is not None
    closed = {
        "os.hr.firth": Range(0.551, 0.554, 200, 200, 0.10, 0.109, 1.40, 1.409)
    }  # less than one unit of the last digit
    assert with_range(ratio(0.55, 0.1, 1.4, basis="printed"), closed).range is None


def test_an_interval_is_open_beyond_one_unit_of_its_last_digit():
    result = ratio(0.5)
    assert not interval_is_open(result, Range(0.5, 0.5, 9, 9, 0.100, 0.109, 1.0, 1.0))
    assert interval_is_open(result, Range(0.5, 0.5, 9, 9, 0.100, 0.111, 1.0, 1.0))
    assert not interval_is_open(result, Range(0.5, 0.9, 9, 9))


def test_a_result_without_value_keeps_what_the_others_gave():
    assert with_range(missing("os.hr.firth", "separation", basis="free"), RANGES).range == RANGES["os.hr.firth"]


def test_a_result_that_no_reconstruction_gave_has_none():
    assert with_range(ratio(0.5, result_id="x.y"), RANGES).range is None


def test_the_range_stands_in_the_title_of_the_mark_and_as_a_piece():
    result = with_range(ratio(0.55, 0.15, 1.5), RANGES)
    shown = pieces(result)
    assert shown["os.hr.firth:range"].text.startswith("0.50 to 0.60")
    assert "runs from 0.50 to 0.60" in shown["os.hr.firth"].html
    assert limits_text(result) == "its lower limit runs from 0.10 to 0.20, its upper from 1.40 to 1.60"


def test_one_value_in_all_reconstructions_reads_as_one():
    assert range_text(ratio(0.5, range=Range(0.5, 0.5, 9, 9))) == "0.50"
    assert "it is 0.50" in words(ratio(0.5, range=Range(0.5, 0.5, 9, 9)), "0.50").html
    assert range_text(Result("x", True, range=Range(None, None, 9, 9, texts=("no", "yes")))) == "no or yes"
    assert range_text(ratio(0.5)) == ""


def test_a_range_of_percentages_says_percent():
    share = Result("psa.psa50.lu", 48.0, unit="percent", basis="free", range=Range(12.9, 58.06, 9, 9))
    assert range_text(share) == "13 to 58%"
    assert pieces(share)["psa.psa50.lu:range"].text == "13 to 58%◇"
    p = Result("x", 0.5, unit="P", range=Range(0.1, 0.5, 9, 9))
    assert range_text(p) == "0.100 to 0.500"


def test_an_open_interval_is_marked_inside_the_bracket_with_the_value_left_alone():
    result = with_range(ratio(0.55, 0.15, 1.5, basis="printed"), RANGES)
    shown = pieces(result)
    free = MARKS["free"][0]
    assert shown["os.hr.firth"].text == f"0.55 (95% CI 0.15–1.50{free}; n = 36)"
    assert shown["os.hr.firth:interval"].text == f"95% CI 0.15–1.50{free}"
    assert free not in shown["os.hr.firth:value"].text + shown["os.hr.firth:n"].text
    assert cell(result).text == f"0.55 (0.15–1.50{free})"
    assert "lower limit runs from 0.10 to 0.20" in shown["os.hr.firth"].html
    assert shown["os.hr.firth"].html.endswith("</sup>; n = 36)</span>")


def test_a_mark_of_the_value_stands_behind_the_bracket():
    result = with_range(ratio(0.55, 0.15, 1.5, basis="free"), RANGES)
    assert pieces(result)["os.hr.firth"].text.endswith(f"n = 36){MARKS['free'][0]}")
    assert cell(result).text.endswith(f"){MARKS['free'][0]}")


def test_a_mark_without_range_says_its_meaning_alone():
    assert mark("bounded").count("title=") == 1
    assert "cohorts that give" not in mark("bounded")


def test_the_committed_ranges_say_how_many_reconstructions_they_are_from():
    assert {found.searched for found in load_ranges().values()} == {load_origin()["reconstructions"]}


def test_on_another_cohort_the_page_says_in_one_sentence_that_it_does_not_apply():
    for kind in ("printed", "bounded", "free"):
        assert filled_statements(kind, {}, applies=False).items == (ONLY_RECONSTRUCTION,)
    assert {result.reason for result in counts([], applies=False)} == {"only_reconstruction"}
    assert chart_frame([("Cox", ratio(0.5, basis="data"))]).empty
    assert range_table([ratio(0.5, basis="data")]).empty


@pytest.mark.parametrize(
    ("unit", "low", "high", "words"),
    [
        ("percent", 20.0, 80.0, "1 to 4 of 5"),
        ("percent", 60.0, 60.0, "3 of 5"),
        ("ratio", 0.2, 0.8, ""),
        ("percent", None, None, ""),
    ],
)
def test_the_range_of_a_share_is_given_in_patients_too(unit, low, high, words):
    share = Result("x", 40.0, n=5, unit=unit, basis="free", denominator=5, range=Range(low, high, 9, 9))
    shown = _filled("{x:range} ({x:count_range})", {"x": share})
    assert shown.endswith(f" ({words})")


def test_the_page_lists_what_the_reconstruction_decides_in_words_and_leaves_out_the_rest():
    found = {"os.hr.firth": with_range(ratio(0.55), RANGES), "os.lu.deaths": Result("os.lu.deaths", 23, basis="data")}
    row = listed_table(found).iloc[0]
    assert len(listed_table(found)) == 1
    assert (row["topic"], row["print"], row["range"]) == ("Survival", "limits it", "0.50 to 0.60")
    assert listed_table({}).empty


def test_counts_say_how_many_results_rest_on_what():
    found = [ratio(0.5), ratio(0.5, result_id="a", basis="free"), ratio(0.5, result_id="b", basis="free")]
    by_id = {result.id: result.value for result in counts(found, applies=True)}
    assert (by_id["print.bounded"], by_id["print.free"], by_id["print.printed"]) == (1, 2, 0)


def test_a_chart_shows_estimate_and_limits_apart():
    frame = chart_frame([("Firth", with_range(ratio(0.55, 0.15, 1.5), RANGES)), ("none", ratio(0.5))])
    assert list(frame["part"]) == ["estimate", "lower limit", "upper limit"]
    assert frame["value"].notna().tolist() == [True, False, False]


def test_every_sentence_names_results_and_every_kind_has_some():
    for kind in ("printed", "bounded", "free"):
        assert templates(kind)
        assert all(named_ids(template) for template in templates(kind))


def test_ranges_are_drawn_with_a_description_and_nothing_where_there_are_none():
    frame = chart_frame([("Firth", with_range(ratio(0.55, 0.15, 1.5), RANGES))])
    drawn = charts_ranges.ranges(frame, "Hazard ratio", "what is drawn", null=1.0, log=True)
    assert drawn.to_dict()["description"] == "what is drawn"
    assert isinstance(charts_ranges.ranges(frame.head(0), "P", "d"), NoChart)
    assert isinstance(charts_ranges.ranges(frame.assign(low=0.0), "P", "d", log=True), NoChart)


def test_a_legend_names_the_parts_that_are_drawn_and_estimates_alone_need_none():
    both = chart_frame([("Firth", with_range(ratio(0.55, 0.15, 1.5), RANGES))])
    alone = both[both["part"] == "estimate"]
    colours = [
        charts_ranges.ranges(frame, "P", "d").to_dict()["layer"][0]["encoding"]["color"] for frame in (both, alone)
    ]
    assert colours[0]["scale"]["domain"] == ["lower limit", "estimate", "upper limit"]
    assert colours[0]["legend"] is not None
    assert colours[1]["scale"]["domain"] == ["estimate"]
    assert colours[1]["legend"] is None
