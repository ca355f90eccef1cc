"""Every chart: described, drawable, without NaN, safe in a page; and what stands there when nothing can be drawn."""

from __future__ import annotations

import json
import re
from html import unescape

import altair as alt
import pandas as pd
import pytest

from analysis.cohort import charts as charts_cohort
from analysis.dosimetry import charts as charts_dosimetry
from analysis.paper import charts_tests
from analysis.patients.charts import swimmer
from analysis.report import charts, charts_estimates, charts_patients
from analysis.report.charts import NoChart, chart_html
from analysis.response import charts as charts_response
from analysis.survival import charts as charts_survival
from analysis.toxicity import charts as charts_toxicity

ARMS = ["lu", "lu", "lu_sirt"]
IDS = ["S01", "S02", "S03"]


@pytest.fixture(autouse=True)
def _theme():
    charts.enable()


def frame(**columns):
    return pd.DataFrame(columns)


CURVE = frame(
    arm=["lu", "lu", "lu_sirt"],
    time_months=[0.0, 3.0, 0.0],
    survival=[1.0, 0.5, 1.0],
    lower=[float("nan"), 0.2, 1.0],
    upper=[float("nan"), 0.8, 1.0],
)
RISK = frame(arm=["lu", "lu", "lu_sirt"], time_months=[0.0, 3.0, 0.0], at_risk=[2, 1, 1])
CENSORED = frame(patient_id=["S02"], arm=["lu"], time_months=[4.0], survival=[0.5])
CHANGES = frame(patient_id=IDS, lesion_id=IDS, change_pct=[20.0, -30.0, None], response=["progressive", "stable", None])
GAPS = frame(model=["one reader"], observed_pct=[98.0], expected_pct=[20.0], expected_upper_pct=[31.0])
TESTS = frame(question=["survival", "uptake"], p=[0.227, None], least_p=[0.0001, 0.029])
MARKS = frame(patient_id=IDS, arm=ARMS, measure=["psa"] * 3, value=[1.0, 100.0, 5.0])
SERIES = frame(patient_id=IDS, arm=ARMS, months=[0.0, 1.0, 2.0], value=[1.0, 2.0, None])

CHARTS = {
    "kaplan_meier": lambda: charts_survival.kaplan_meier(CURVE, CENSORED, RISK, {"lu": 3.0, "lu_sirt": None}, "d"),
    "exposure": lambda: charts_survival.kaplan_meier(
        CURVE[["arm", "time_months", "survival"]], CENSORED.head(0), RISK, {}, "d", {"lu": "before", "lu_sirt": "after"}
    ),
    "gaps": lambda: charts_response.range_against_error(GAPS, "d"),
    "tests": lambda: charts_tests.attainable(TESTS, 0.05, "d"),
    "best_and_worst": lambda: charts_response.best_and_worst(
        frame(patient_id=["S01", "S01"], lesion=["best", "worst"], change_pct=[-35.0, 63.0]), [-30, 20], "d"
    ),
    "uptake": lambda: charts_response.uptake_by_response(
        frame(patient_id=IDS, lesion_id=IDS, suv_max=[6.1, 20.0, 3.0], response=["stable", "progressive", "stable"]), "d"
    ),
    "waterfall": lambda: charts_response.waterfall(CHANGES, [-30, 20], "d"),
    "spider": lambda: charts_response.spider(
        CHANGES.assign(line=IDS, months=[0.0, 1.0, 2.0]), [-30.0, 20.0], "d"
    ),
    "forest": lambda: charts_estimates.forest(
        frame(label=["a", "b"], value=[0.5, 1.0], lower=[0.1, None], upper=[2.0, None]), "HR", "d", null=1.0, log=True
    ),
    "tornado": lambda: charts_dosimetry.tornado(frame(label=["a"], low=[1.0], high=[3.0], centre=[2.0]), "Gy", "d"),
    "lines": lambda: charts_estimates.lines(
        frame(x=[1, 2], y=[1, 2], k=["a", "b"], lo=[0, 1], hi=[2, 3]),
        ("x", "x"), ("y", "y"), "d", by="k", band=("lo", "hi"), marks=(1.0,), log_x=True,
    ),
    "shares": lambda: charts_cohort.shares_by_arm(
        frame(label=["a", "a"], arm=["lu", "lu_sirt"], count=[1, 1], percent=[50.0, 100.0], n=[2, 1]), "%", "d"
    ),
    "balance": lambda: charts_cohort.balance(
        frame(label=["a", "b"], smd=[0.1, None], lower=[-1.0, None], upper=[1.0, None],
              permuted_lower=[-1.0, None], permuted_upper=[1.0, None]), "d"
    ),
    "swimmer": lambda: swimmer(
        frame(patient_id=IDS, arm=ARMS, months=[1.0, 2.0, 3.0]),
        frame(patient_id=["S01", "S01"], kind=["lu_psma", "death"], months=[0.0, 1.0]), "d",
    ),
    "measurements": lambda: charts_patients.measurements(SERIES, "ALT", "d", log=True),
    "quadrant": lambda: charts_toxicity.quadrant(
        frame(patient_id=IDS, arm=ARMS, x=[1.0, 4.0, None], y=[1.0, 3.0, 1.0]), (3.0, 2.0), ("x", "y"), "d"
    ),
    "bars": lambda: charts_patients.numbered_bars(
        frame(patient_id=IDS, arm=ARMS, change_pct=[1.0, -2.0, None]), "d", title="Change"
    ),
}  # fmt: skip

EMPTY = {
    "kaplan_meier": lambda: charts_survival.kaplan_meier(CURVE.head(0), CENSORED.head(0), RISK.head(0), {}, "d"),
    "waterfall": lambda: charts_response.waterfall(CHANGES.head(0), [-30, 20], "d"),
    "gaps": lambda: charts_response.range_against_error(GAPS.head(0), "d"),
    "tests": lambda: charts_tests.attainable(TESTS.assign(p=None, least_p=None), 0.05, "d"),
    "waterfall of missing": lambda: charts_response.waterfall(CHANGES.tail(1), [-30, 20], "d"),
    "uptake": lambda: charts_response.uptake_by_response(CHANGES.head(0), "d"),
    "best_and_worst": lambda: charts_response.best_and_worst(CHANGES.head(0), [], "d"),
    "spider": lambda: charts_response.spider(CHANGES.head(0).assign(months=[]), [], "d"),
    "forest": lambda: charts_estimates.forest(frame(label=[], value=[], lower=[], upper=[]), "HR", "d"),
    "tornado": lambda: charts_dosimetry.tornado(frame(label=[], low=[], high=[], centre=[]), "Gy", "d"),
    "lines": lambda: charts_estimates.lines(frame(x=[], y=[]), ("x", "x"), ("y", "y"), "d"),
    "points": lambda: charts_estimates.points_by_arm(MARKS.head(0), "value", "PSA", "d"),
    "shares": lambda: charts_cohort.shares_by_arm(frame(label=[], arm=[], count=[], percent=[], n=[]), "%", "d"),
    "balance": lambda: charts_cohort.balance(frame(label=["a"], smd=[None]), "d"),
    "swimmer": lambda: swimmer(SERIES.head(0), SERIES.head(0), "d"),
    "measurements": lambda: charts_patients.measurements(SERIES.tail(1), "ALT", "d"),
    "measurements at zero, log": lambda: charts_patients.measurements(SERIES.head(1).assign(value=0.0), "x", "d", log=True),
    "quadrant": lambda: charts_toxicity.quadrant(frame(x=[], y=[], patient_id=[], arm=[]), (3, 2), ("x", "y"), "d"),
    "bars": lambda: charts_patients.numbered_bars(frame(patient_id=[], arm=[], change_pct=[]), "d", title="t"),
}  # fmt: skip


def test_forest_keeps_the_order_of_its_rows_where_one_has_no_interval():
    rows = frame(label=["open", "closed"], value=[1.0, 2.0], lower=[None, 1.0], upper=[None, 3.0])
    layers = charts_estimates.forest(rows, "months", "d").to_dict()["layer"]
    assert all(layer["encoding"]["y"]["sort"] == ["open", "closed"] for layer in layers if "y" in layer["encoding"])


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_chart_is_described_and_its_specification_holds_no_nan(name):
    spec = CHARTS[name]().to_dict()
    assert spec["description"] == "d"
    json.dumps(spec, allow_nan=False)


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_chart_static_drawing_has_a_size_an_alternative_text_and_no_nan(name):
    html = chart_html(CHARTS[name]())
    svg = re.search(r"<svg .*?</svg>", html, re.DOTALL)[0]
    width, height = (float(re.search(rf'{side}="([\d.]+)"', svg)[1]) for side in ("width", "height"))
    assert width > 100
    assert height > 50
    assert 'role="img" aria-label="d"' in svg
    assert "NaN" not in svg
    assert "undefined" not in svg


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_chart_fills_its_card(name):
    assert CHARTS[name]().to_dict()["width"] == "container"


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_chart_with_nothing_to_draw_says_so(name):
    drawn = EMPTY[name]()
    assert isinstance(drawn, NoChart)
    assert drawn._repr_html_().startswith('<p class="no-data">Nothing to draw: ')


def test_chart_html_is_the_same_on_every_run():
    assert chart_html(CHARTS["waterfall"]()) == chart_html(CHARTS["waterfall"]())


def test_chart_html_ids_do_not_meet_those_of_another_chart():
    one, two = (set(re.findall(r'\bid="([^"]+)"', chart_html(CHARTS[name]()))) for name in ("waterfall", "spider"))
    assert not one & two


def test_chart_html_cannot_be_left_by_a_value_that_looks_like_markup():
    evil = "</script><script>alert(1)</script>"
    chart = alt.Chart(frame(x=[1], label=[evil])).mark_text().encode(text="label:N").properties(description=evil)
    html = chart_html(chart)
    assert html.count("<script") == 1
    assert html.count("</script>") == 1


def test_chart_html_refuses_a_chart_without_alternative_text():
    with pytest.raises(ValueError, match="alternative text"):
        chart_html(alt.Chart(frame(x=[1])).mark_point().encode(x="x:Q"))


def test_kaplan_meier_median_line_only_where_the_curve_reaches_one_half():
    with_line, without = (
        charts_survival.kaplan_meier(CURVE, CENSORED, RISK, {"lu": median}, "d").to_dict() for median in (3.0, None)
    )
    rules = [sum(layer["mark"]["type"] == "rule" for layer in spec["layer"]) for spec in (with_line, without)]
    assert rules == [2, 0]


def test_kaplan_meier_shows_at_most_ten_columns_at_risk_on_the_ticks_of_the_axis():
    moments = [float(m) for m in range(0, 120, 3)]
    risk = frame(arm=["lu"] * 40, time_months=moments, at_risk=range(40, 0, -1))
    spec = charts_survival.kaplan_meier(CURVE, CENSORED, risk, {}, "d").to_dict()
    ticks = spec["layer"][0]["encoding"]["x"]["axis"]["values"]
    assert ticks == moments[::4]


def labels(chart: alt.TopLevelMixin, width: int) -> list[str]:
    svg = chart_html(chart.properties(width=width))
    return [unescape(text) for text in re.findall(r">([^<>]+)</text>", svg)]


def test_kaplan_meier_names_every_month_above_a_number_at_risk_on_a_telephone():
    moments = [float(m) for m in range(0, 30, 3)]
    risk = frame(arm=["lu"] * 10, time_months=moments, at_risk=range(110, 100, -1))
    shown = labels(charts_survival.kaplan_meier(CURVE, CENSORED, risk, {}, "d"), 210)
    assert [text for text in shown if text in {f"{m:.0f}" for m in moments}] == [f"{m:.0f}" for m in moments]
    assert [text for text in shown if text in {str(n) for n in range(101, 111)}] == [
        str(n) for n in range(110, 100, -1)
    ]


def test_kaplan_meier_without_a_band_and_under_other_names():
    spec = CHARTS["exposure"]().to_dict()
    assert "area" not in [layer["mark"]["type"] for layer in spec["layer"]]
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["before", "after"]


def test_waterfall_names_its_limits_its_responses_and_new_lesions():
    plain = labels(CHARTS["waterfall"](), 300)
    assert {"progressive from +20%", "partial response from \u221230%", "PD", "SD"} <= set(plain)
    assert "new lesion" not in plain
    marked = charts_response.waterfall(CHANGES.assign(new_lesions=[0, 1, 0]), [-30, 20], "d")
    assert "new lesion" in labels(marked, 300)


def test_waterfall_of_many_bars_leaves_the_codes_away():
    many = frame(
        patient_id=[f"S{n}" for n in range(13)], lesion_id=[f"L{n}" for n in range(13)],
        change_pct=[float(n) for n in range(13)], response=["stable"] * 13,
    )  # fmt: skip
    assert "SD" in labels(charts_response.waterfall(many.head(12), [-30, 20], "d"), 300)
    assert "SD" not in labels(charts_response.waterfall(many, [-30, 20], "d"), 300)


def test_the_same_chart_after_each_therapy_under_its_title_or_with_the_reason():
    rows = CHANGES.assign(therapy="lu")
    stack = charts_response.by_therapy(
        lambda part, description: charts_response.waterfall(part, [-30, 20], description),
        rows,
        {"lu": "d", "sirt": "e"},
    )
    html = stack._repr_html_()
    assert "After 177Lu-PSMA" in html
    assert "Nothing to draw: after SIRT, nothing was measured" in html


def test_lines_of_a_spider_differ_in_dash_and_colour():
    for looks in (charts.RESPONSE_COLOURS, charts_response.RESPONSE_DASHES):
        assert len({str(look) for look in looks.values()}) == len(charts_response.RESPONSE_NAMES)


def test_arms_differ_in_colour_dash_and_shape():
    for looks in (charts.ARM_COLOURS, charts.ARM_DASHES, charts.ARM_SHAPES):
        assert list(looks) == ["lu", "lu_sirt"]
        assert looks["lu"] != looks["lu_sirt"]


def test_marks_by_measure_gives_one_chart_a_measure():
    stack = charts_cohort.marks_by_measure(MARKS, {"psa": "PSA", "alp": "ALP"}, "d")
    html = stack._repr_html_()
    assert html.count('<div class="chart"') == 1
    assert html.count("Nothing to draw: ALP was not measured") == 1


def test_patients_share_one_choice():
    for name in ("swimmer", "measurements"):
        assert "patient" in [param["name"] for param in CHARTS[name]().to_dict()["params"]]


def test_swimmer_draws_the_first_sixty_of_thousands():
    many = frame(patient_id=[f"S{i}" for i in range(500)], arm=["lu"] * 500, months=[1.0] * 500)
    spec = swimmer(many, frame(patient_id=[], kind=[], months=[]), "d").to_dict()
    assert len(spec["datasets"][spec["layer"][0]["data"]["name"]]) == charts_patients.LANES


def test_arms_differ_in_more_than_colour_in_every_chart_of_bars():
    drawn = charts_patients.numbered_bars(frame(patient_id=IDS, arm=ARMS, change_pct=[5.0, 1.0, -3.0]), "d", title="t")
    scale = drawn.to_dict()["layer"][0]["encoding"]["stroke"]["scale"]
    assert scale["range"] == list(charts.ARM_OUTLINES.values())
    assert charts.ARM_OUTLINES["lu"] == charts.ARM_COLOURS["lu"]
    assert charts.ARM_OUTLINES["lu_sirt"] != charts.ARM_COLOURS["lu_sirt"]


def test_a_logarithmic_scale_holds_all_values_and_little_more():
    low, high = charts.log_scale([20.0, 90.0]).to_dict()["domain"]
    assert 10 < low < 20
    assert 90 < high < 120


def test_bars_of_a_tornado_are_named_with_the_ends_of_their_assumption():
    swings = frame(
        assumption=["effective_half_life"], low=[40.0], high=[74.9], low_gy=[8.0], default_gy=[11.0], high_gy=[16.0]
    )
    rows = charts_dosimetry.tornado_frame(swings)
    assert rows["label"].tolist() == ["half-life in the lesion (40 to 74.9)"]
    assert rows[["low", "high", "centre"]].to_numpy().tolist() == [[8.0, 16.0, 11.0]]
    assert charts_dosimetry.tornado_frame(swings.head(0)).empty
