"""Every result of the lesion chapter: the demo cohort against print, every small cohort with a value or a reason."""

import csv
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import cache

import pytest

from analysis.datasets.cached import cached_tables
from analysis.datasets.imaging_subgroup import evaluate
from analysis.datasets.scans import scans
from analysis.dosimetry import results as dosimetry
from analysis.response import results as response
from analysis.response.frames import (
    best_worst_frame,
    lesion_spider,
    lesion_table,
    lesion_waterfall,
    patient_spider,
    patient_waterfall,
)
from analysis.response.progression_claim import bounds_frame, claim_frame, claim_results, paired_counts, paired_frame
from analysis.response.subgroup_selection_bias import selection_frame
from analysis.results import Result
from tests.support.paths import REPOSITORY
from tests.support.response_cohorts import BOTH, COHORTS, STUDY
from tests.support.study_tables import GA, Patient, tables_of
from tests.support.truth import truth_tables

PUBLISHED = REPOSITORY / "analysis" / "paper" / "published_results.csv"
PREFIXES = ("resp.", "suv.", "crit.", "case.", "phys.", "dose.")


@cache
def results_of(name: str) -> dict[str, Result]:
    rows = response.results(tables_of(*COHORTS[name]), STUDY)
    assert len({row.id for row in rows}) == len(rows)
    return {row.id: row for row in rows}


@pytest.mark.parametrize("name", COHORTS)
def test_every_cohort_gives_the_same_ids_with_a_value_or_a_reason(name):
    assert list(results_of(name)) == list(results_of("one patient"))


@pytest.mark.parametrize("name", ["nobody", "one patient", "no imaging", "one lesion", "other tracer"])
def test_every_cohort_gives_every_frame(name):
    tables = cached_tables(tables_of(*COHORTS[name]))
    found = evaluate(tables, STUDY)
    frames = [
        *(make(found) for make in (best_worst_frame, patient_waterfall, lesion_waterfall, lesion_table, claim_frame)),
        *(make(tables, STUDY, found) for make in (lesion_spider, patient_spider, paired_frame)),
        bounds_frame(found),
        selection_frame(tables, STUDY, found),
        paired_counts(found),
    ]
    assert all(frame.columns.size for frame in frames)


@pytest.mark.parametrize(
    ("name", "result_id", "reason"),
    [
        ("nobody", "resp.lu.pd", "no_patients"),
        ("no SIRT", "resp.sirt.pr", "arm_empty"),
        ("no imaging", "resp.lu.pd", "no_followup"),
        ("PET without diameters", "resp.lu.pd", "no_lesions"),
        ("one lesion", "resp.lu.best", "no_multiple_lesions"),
        ("one lesion", "suv.pd", "no_measurements"),
        ("other tracer", "resp.sirt.psma", "no_comparable_tracer"),
        ("no SIRT", "resp.claim.fisher_p", "arm_empty"),
    ],
)
def test_reasons_say_what_is_missing(name, result_id, reason):
    assert results_of(name)[result_id].reason == reason


def test_a_changed_tracer_is_counted():
    assert results_of("other tracer")["resp.sirt.psma.other_tracer"].value == 1


def test_each_class_of_suv_counts_its_own_lesions_and_patients():
    bright = {"S01-L1": {-5: (9.0, GA)}, "S01-L2": {-5: (19.0, GA)}}
    grown, shrunk = {-5: 20.0, 60: 30.0}, {-5: 40.0, 60: 20.0}
    one = Patient("S01", lu=[0], pet={-5: GA, 60: GA}, mm={"S01-L1": grown, "S01-L2": shrunk}, suv=bright)
    two = Patient("S02", lu=[0], pet={-5: GA, 60: GA}, mm={"S02-L1": grown}, suv={"S02-L1": {-5: (5.0, GA)}})
    found = {row.id: row for row in response.results(tables_of(one, two), STUDY)}
    counts = {
        short: (found[f"suv.{short}.lesions"].value, found[f"suv.{short}.patients"].value)
        for short in ("pd", "sd", "pr")
    }
    assert counts == {"pd": (2, 2), "sd": (0, 0), "pr": (1, 1)}
    assert (found["suv.lesions"].value, found["suv.lesions"].n) == (3, 2)
    assert (found["suv.pd"].value, found["suv.pd"].n) == (7.0, 2), "n as in print: all patients read with the tracer"
    assert found["suv.sd"].reason == "arm_empty"


def test_suv_in_the_lesion_table_is_the_one_before_the_therapy_of_the_row():
    frame = lesion_table(evaluate(tables_of(BOTH), STUDY)).set_index(["therapy", "lesion_id"])
    assert frame.loc[("lu", "S01-L1"), "suv_max"] == 9
    assert frame.loc[("sirt", "S01-L1"), ["suv_max", "suv_change_pct"]].tolist() == [10, -50]
    assert frame.loc[("sirt", "S01-L2"), ["suv_max", "suv_change_pct"]].isna().all(), "not measured before SIRT"


@pytest.mark.parametrize(("same", "reason"), [(2, "same_patients"), (0, None)])
def test_spreads_are_tested_only_between_different_patients(same, reason):
    grown, shrunk = {-5: 20.0, 90: 30.0, 150: 15.0}, {-5: 20.0, 90: 10.0, 150: 14.0}
    both = [
        Patient(f"S{n}", lu=[0], sirt=[100], pet={-5: GA, 90: GA, 150: GA}, mm={f"A{n}": grown, f"B{n}": shrunk})
        for n in range(same)
    ]
    alone = [
        Patient(
            f"S1{n}", lu=[0], pet={-5: GA, 90: GA}, mm={f"C{n}": {-5: 20.0, 90: 30.0}, f"D{n}": {-5: 20.0, 90: 10.0}}
        )
        for n in range(2)
    ]
    first = [
        Patient(
            f"S2{n}",
            sirt=[-60],
            lu=[0],
            pet={-70: GA, -20: GA},
            mm={f"E{n}": {-70: 20.0, -20: 10.0 + n}, f"F{n}": {-70: 20.0, -20: 20.0}},
        )
        for n in range(2)
    ]
    found = {row.id: row for row in response.results(tables_of(*both, *alone, *first), STUDY)}
    assert found["resp.spread.p"].reason == reason
    assert found["resp.spread.overlap"].value == same
    assert found["resp.spread.difference"].n == 4 + same, "patients, each counted once"


def test_spider_starts_at_zero_and_names_the_phase():
    tables = tables_of(BOTH)
    frame = patient_spider(tables, STUDY, evaluate(tables, STUDY))
    assert frame["change_pct"].tolist() == pytest.approx([0, -20, 100 * (50 / 60 - 1), 100 * (40 / 60 - 1)])
    assert frame["phase"].tolist() == ["before", "lu", "lu", "sirt"]
    assert frame["weeks"].tolist() == pytest.approx([0, 50 / 7, 135 / 7, 205 / 7])


def test_waterfall_falls():
    tables = tables_of(BOTH)
    frame = lesion_waterfall(evaluate(tables, STUDY))
    assert frame.groupby("therapy", observed=True)["change_pct"].apply(lambda pct: pct.is_monotonic_decreasing).all()


def test_fisher_and_overlap_of_the_printed_claim():
    after_both = [
        Patient(
            f"S0{n}", lu=[0], sirt=[100], pet={-5: GA, 90: GA, 150: GA}, mm={f"L{n}": {-5: 20.0, 90: 30.0, 150: 15.0}}
        )
        for n in range(3)
    ]
    first = Patient("S03", sirt=[-60], lu=[0], pet={-70: GA, -20: GA}, mm={"L3": {-70: 20.0, -20: 10.0}})
    alone = [
        Patient(f"S1{n}", lu=[0], pet={-5: GA, 90: GA}, mm={f"M{n}": {-5: 20.0, 90: 30.0 if n < 2 else 20.0}})
        for n in range(6)
    ]
    tables = cached_tables(tables_of(*after_both, first, *alone))
    evaluation = evaluate(tables, STUDY)
    found = {row.id: row for row in claim_results(evaluation)}
    assert found["resp.claim.fisher_p"].value == pytest.approx(0.105, abs=5e-4)
    assert found["resp.claim.overlap"].value == 3
    assert found["resp.claim.paired_p"].value == 0.25, "three pairs, all in one direction: 2 x 0.5^3"
    frame = claim_frame(evaluation).set_index("therapy")
    assert frame.loc["lu", ["lower_pct", "upper_pct"]].tolist() == pytest.approx([21.2, 86.3], abs=0.05)
    assert frame.loc["sirt", ["lower_pct", "upper_pct"]].tolist() == pytest.approx([0, 60.2], abs=0.05)
    assert found["resp.claim.sirt.bounds"].upper == 0, "everybody with SIRT was judged"


def test_paired_frame_says_what_lay_between_the_scans():
    tables = tables_of(BOTH)
    frame = paired_frame(tables, STUDY, evaluate(tables, STUDY)).set_index("therapy")
    assert frame.loc["lu", ["cycles_between", "sirts_between"]].tolist() == [3, 0]
    assert frame.loc["sirt", ["cycles_between", "sirts_between"]].tolist() == [0, 1]
    assert frame.loc["lu", "weeks_since_therapy"] == pytest.approx(30 / 7)
    assert frame["both"].all()


def test_cached_tables_never_change_an_answer():
    tables = tables_of(BOTH)
    memory = cached_tables(tables)
    first = scans(memory, STUDY)
    first["scan"] = 0
    assert scans(memory, STUDY).equals(scans(tables, STUDY)), "a caller's changes stay with the caller"
    assert cached_tables(memory) is memory
    assert set(memory) == set(tables)
    assert len(memory) == len(tables)


def printed() -> list[dict[str, str]]:
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["id"].startswith(PREFIXES)]


def agrees(text: str, value: float) -> bool:
    target = Decimal(text)
    grid = Decimal(1).scaleb(int(target.as_tuple().exponent))
    number = Decimal(repr(float(value)))
    return target in {number.quantize(grid, how) for how in (ROUND_HALF_UP, ROUND_DOWN)}


@pytest.fixture(scope="module")
def demo():
    tables = truth_tables()
    rows = [*response.results(tables, STUDY), *dosimetry.results(tables, STUDY)]
    return {row.id: row for row in rows}


@pytest.mark.parametrize("row", printed(), ids=lambda row: row["id"])
def test_demo_cohort_gives_what_the_paper_prints(row, demo):
    found = demo[row["id"]]
    if row["operator"] == "is":
        assert found.value is (row["text"] == "yes")
    elif row["operator"] == "<":
        assert found.value < float(row["value"])
    else:
        assert agrees(row["value"], found.value)
    if row["lower"]:
        assert agrees(row["lower"], found.lower)
        assert agrees(row["upper"], found.upper)
    if row["n"]:
        assert found.n == int(row["n"])
