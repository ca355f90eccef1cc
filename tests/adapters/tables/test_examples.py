"""Public FHIR examples that nobody here wrote: a code that a list knows gives its row, everything else is counted."""

from __future__ import annotations

import pytest

from tests.support.paths import SHARED
from tests.support.tables_support import Built, pulled

EXAMPLES = SHARED / "examples"
pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the folder ../shared/examples is not there")


def example(name: str) -> Built:
    return pulled(EXAMPLES / name, everyone=True)


def test_the_german_oncology_bundle_gives_rows_in_every_table_that_a_list_reaches() -> None:
    built = example("mii/onkologie-1.json")
    values = built["observations"][["measure", "value", "category"]].astype(object)
    rows = values.where(values.notna(), None).values.tolist()
    assert rows == [
        ["psa", 12.5, None],
        ["gleason_score", 7.0, None],
        ["ecog", 1.0, None],
        ["ldh", 180.0, None],
        ["lesion_diameter", 22.0, None],
        ["ldh", 320.0, None],
        ["disease_status", None, "complete_response"],
        ["disease_status", None, "partial_response"],
        ["vital_status", None, "dead"],
        ["vital_status", None, "dead"],
    ]
    assert built["conditions"][["condition", "site"]].values.tolist() == [["metastasis", "liver"]]
    assert built["procedures"]["procedure"].tolist() == ["ebrt", "ebrt"]
    assert built.only("patients")[["death_observed"]].tolist() == [True]


def test_the_german_imaging_bundle_gives_its_tumour_size() -> None:
    built = example("mii/bildgebung-1.json")
    assert built["observations"][["measure", "value"]].values.tolist() == [["lesion_diameter", 32.0]]


def test_the_examples_of_the_specification_give_rows_where_a_list_matches() -> None:
    built = example("hl7-r4")
    assert built["observations"][["measure", "value", "unit"]].values.tolist() == [["height", 25.0, "cm"]]
    assert len(built["patients"]) > 200


@pytest.mark.parametrize("name", ["mii", "hl7-r4"])
def test_every_example_is_used_left_out_or_quarantined(name: str) -> None:
    counts = example(name).ledger.counts()
    assert counts["read"] == counts["used"] + counts["left_out"] + counts["quarantined"]
