"""Both dialects say the same, and what they say is what stands in the CSV files."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.synthetic.fhir.cohort import Patient, load_cohort
from tests.support.fhir_facts import TOPICS, Facts, read_bundle, read_ndjson

Demo = dict[tuple[str, str], Path]


def facts_of(demo: Demo, dialect: str, form: str) -> Facts:
    folder = demo[dialect, form]
    return Facts(read_bundle(folder / "demo.json") if form == "bundle" else read_ndjson(folder))


@pytest.fixture(scope="module")
def facts(demo: Demo) -> dict[tuple[str, str], Facts]:
    return {key: facts_of(demo, *key) for key in demo}


@pytest.fixture(scope="module")
def cohort(cohort_folder: Path) -> list[Patient]:
    return load_cohort(cohort_folder)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("other", [("mcode", "ndjson"), ("mii", "bundle"), ("mii", "ndjson")])
def test_both_dialects_and_both_forms_hold_the_same_facts(facts, topic, other):
    assert getattr(facts[other], topic)() == getattr(facts["mcode", "bundle"], topic)()


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_facts(facts, topic):
    assert getattr(facts["mii", "ndjson"], topic)()


def number(text: str) -> Decimal | None:
    return Decimal(f"{Decimal(text):.9g}").normalize() if text else None


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_laboratory_values_and_limits_are_those_of_the_csv(facts, cohort, dialect):
    expected = Counter(
        (one.name, one.date_of(int(row["day"])).isoformat(), row["measure"], number(row["value"]), None,
         number(row["lower_limit"]), number(row["upper_limit"]))
        for one in cohort
        for row in one.rows("labs")
    )  # fmt: skip
    found = Counter((who, when[:10], *rest) for who, when, *rest in facts[dialect, "ndjson"].labs())
    assert not expected - found
    extra = found - expected
    assert {value for _, _, _, value, text, *_ in extra.elements() if text is None} <= {None}  # no result invented


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_therapies_are_those_of_the_csv(facts, cohort, dialect):
    expected = {
        (one.name, kind, one.date_of(int(row["day"])).isoformat(), number(row["activity_gbq"]))
        for one in cohort
        for kind, name in (("lu_psma", "cycles"), ("sirt", "sirt"))
        for row in one.rows(name)
        if row["activity_gbq"]
    }
    found = {(who, kind, when[:10], value) for who, kind, when, value in facts[dialect, "ndjson"].therapies()}
    assert found == expected


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_lesion_measurements_are_those_of_the_csv(facts, cohort, dialect):
    organ = {(one.name, row["lesion"]): row["organ"] for one in cohort for row in one.rows("lesions")}
    expected = Counter(
        (
            one.name,
            organ[one.name, row["lesion"]],
            measure,
            one.date_of(int(row["day"])).isoformat(),
            number(row[column]),
        )
        for one in cohort
        for row in one.rows("lesion_measurements")
        for measure, column in (("diameter", "diameter_mm"), ("suv_max", "suv_max"))
        if row[column]
    )
    found = Counter(row[:5] for row in facts[dialect, "ndjson"].lesions())
    assert found == expected


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_vital_status_and_metastases_are_those_of_the_csv(facts, cohort, dialect):
    read = facts[dialect, "ndjson"]
    dead = {(one.name, one.date_of(int(one.row["death_day"])).isoformat()) for one in cohort if one.row["death_day"]}
    assert {(who, when) for who, state, when in read.vital() if state == "dead"} == dead
    sites = {
        (one.name, row["site"]) for one in cohort for row in one.rows("conditions") if row["condition"] == "metastasis"
    }
    assert {(who, site) for who, site, _ in read.metastases()} == sites
