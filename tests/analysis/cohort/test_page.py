"""The tables of rules: each limit in words on the side where it excludes, every cohort with its table."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.cohort import page
from analysis.cohort import results as cohort_results
from analysis.cohort.page import characteristics_table, constants_table, eligibility_table, flow_figure
from analysis.opened_book import Book
from tests.support.cohort_tables import act, lu, mcrpc, patient, seen, tables
from tests.support.opened import check_shown, opened


def treated(*extra: dict) -> dict[str, pd.DataFrame]:
    procedures = [*lu("S01", 0, 56), act("S01", "sirt", 120, activity_gbq=2.0)]
    return tables(patients=[patient("S01")], conditions=mcrpc("S01"), procedures=procedures, observations=list(extra))


def book_of(given: dict[str, pd.DataFrame]) -> Book:
    return opened(given, cohort_results)


def judged(given: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return eligibility_table(book_of(given)).frame.set_index(["therapy", "rule"])


def test_constants_say_on_which_side_a_limit_excludes_and_stand_by_what_they_concern():
    frame = constants_table(book_of(treated())).frame
    value = frame.set_index("label")["value"]
    assert value["Haemoglobin"] == "excluded below 8 g/dL"
    assert value["Hepatopulmonary shunt"] == "excluded above 20%"
    assert value["68Ga-PSMA-11 uptake time"] == "60 min", "a plan excludes nobody"
    assert frame["group"].ne(frame["group"].shift()).sum() == frame["group"].nunique(), "one block for each group"


def test_eligibility_names_rule_and_limit_in_words_and_counts_each_patient_once():
    frame = judged(treated(seen("S01", "bilirubin", 119, 2.1), seen("S01", "gi_flow", 106, "present")))
    assert frame.loc[("177Lu-PSMA", "Leukocytes"), "limit"] == "below 2,000 /µL"
    assert frame.loc[("SIRT", "Bilirubin"), ["limit", "met", "excluded"]].tolist() == ["above 2.0 mg/dL", 0, 1]
    assert frame.loc[("SIRT", "Flow to the gastrointestinal tract"), ["limit", "excluded"]].tolist() == ["present", 1]
    assert frame.loc[("SIRT", "Ascites"), "undetermined"] == 1, "never looked for is not absent"
    assert (frame[["met", "excluded", "undetermined"]].sum(axis=1) == 1).all()


def test_rules_that_could_not_be_checked_are_counted_beside_those_that_exclude():
    known = [seen("S01", name, 119, "absent") for name in ("ascites", "gi_flow")]
    book = book_of(treated(seen("S01", "bilirubin", 119, 2.1), *known))
    assert (book["elig.sirt.any"].value, book["elig.sirt.any"].n) == (1, 1)
    assert book["elig.sirt.unchecked"].value == 1, "the lung shunt and the state of the disease are not known"
    assert book_of(tables())["elig.sirt.unchecked"].reason == "no_patients"


@pytest.mark.parametrize("given", [tables(), tables(patients=[patient("S01")], procedures=lu("S01", 0))])
def test_a_cohort_without_treated_patients_says_that_there_is_nothing_to_list(given: dict[str, pd.DataFrame]):
    html = eligibility_table(book_of(given))._repr_html_()
    assert "nan" not in html
    assert html.startswith('<p class="no-data">Rules that exclude')


SHOWN = (
    page.constants_table,
    page.examinations_figure,
    page.flow_figure,
    page.characteristics_table,
    page.missing_table,
    page.prior_therapies_figure,
    page.balance_figure,
    page.balance_table,
    page.indication_figure,
    page.eligibility_table,
)


@pytest.mark.parametrize("given", [tables(), treated()])
def test_every_cohort_gives_every_table_and_figure(given: dict[str, pd.DataFrame]):
    book = book_of(given)
    for show in SHOWN:
        check_shown(show(book))


def test_characteristics_name_their_units_but_not_of_counts_and_scores():
    labels = characteristics_table(book_of(treated())).frame["label"].tolist()
    assert {"Age (years)", "PSA at baseline (ng/mL)", "Gleason score", "Bone metastases"} <= set(labels)
    assert not [label for label in labels if label.endswith(("(count)", "(score)"))]


def test_counts_of_a_hospital_rest_on_its_data_and_carry_no_mark():
    hospital = flow_figure(book_of(treated()))
    assert hospital.basis == "data"
    reconstruction = {"synthetic": True, "cohort_tags": ["reconstruction"]}
    assert flow_figure(opened(treated(), cohort_results, reconstruction)).basis == "free"
