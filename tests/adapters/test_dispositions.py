"""What became of every resource of known inputs, pinned: used, left out, quarantined, and rows fed.

dispositions.json holds the numbers; `pytest --update-golden` writes them anew after a change that is meant to change
them. Read the difference before you commit it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adapters import load_tables
from adapters.pull import Request, chosen_settings, pull
from adapters.sources import open_source
from tests.support.demo import Demo
from tests.support.paths import SHARED

PINNED = Path(__file__).with_name("dispositions.json")
EXAMPLES = SHARED / "examples"
DEMOS = [f"{dialect}-{form}" for dialect in ("mcode", "mii") for form in ("bundle", "ndjson")]
FOLDERS = {"examples-hl7-r4": EXAMPLES / "hl7-r4", "examples-mii": EXAMPLES / "mii", "examples": EXAMPLES}


def pulled(source: Path, out: Path) -> dict[str, Any]:
    """The counts of a pull of all patients."""
    settings, request = chosen_settings(None, "all"), Request(allow_empty=True)
    return counts_of(pull(open_source(str(source)), out, settings=settings, request=request))


def counts_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """The counts of a manifest, without the files that they came from."""
    dispositions = manifest["dispositions"]
    by: Counter[str] = Counter()
    for row in dispositions["by_reason"]:
        by[f"{row['type']} {row['disposition']} {row['reason']}".strip()] += row["count"]
    assert dispositions["read"] == dispositions["used"] + dispositions["left_out"] + dispositions["quarantined"]
    assert dispositions["read"] == by.total()
    assert dispositions["used"] == sum(row["count"] for row in dispositions["rows_fed"])
    return {
        "read": dispositions["read"],
        "by": dict(sorted(by.items())),
        "rows_fed": {f"{row['type']} {row['rows']}": row["count"] for row in dispositions["rows_fed"]},
        "tables": manifest["tables"],
    }


@pytest.fixture(scope="module")
def demos(demo_in) -> dict[str, Demo]:
    """The synthetic cohort in both dialects and formats."""
    return {name: demo_in(*name.split("-")) for name in DEMOS}


@pytest.mark.parametrize("name", DEMOS)
def test_dispositions_of_the_synthetic_cohort(demos, name, golden):
    counts = counts_of(demos[name].manifest())
    assert counts == golden.entry(PINNED, [name], counts)


@pytest.mark.parametrize("name", DEMOS[1:])
def test_both_dialects_and_formats_give_the_same_tables(demos, name):
    reference, tables = demos[DEMOS[0]].frames(), demos[name].frames()
    for table in reference:
        if table != "findings":
            pd.testing.assert_frame_equal(tables[table], reference[table], obj=table)


def test_therapies_told_twice_are_one_row_and_both_resources_count_as_used(demos):
    mcode, mii = (counts_of(demos[f"{dialect}-ndjson"].manifest()) for dialect in ("mcode", "mii"))
    told = [
        sum(c["by"].get(f"{kind} used", 0) for kind in ("Procedure", "MedicationAdministration")) for c in (mcode, mii)
    ]
    assert told[1] > told[0]
    assert mcode["tables"]["procedures"] == mii["tables"]["procedures"]


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the public FHIR examples are not beside the repository")
def test_dispositions_of_public_examples(tmp_path, name, golden):
    counts = pulled(FOLDERS[name], tmp_path / "out")
    assert counts == golden.entry(PINNED, [name], counts)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the public FHIR examples are not beside the repository")
def test_public_examples_give_rows_where_a_code_list_matches(tmp_path):
    pulled(FOLDERS["examples-mii"], tmp_path / "out")
    tables = load_tables(tmp_path / "out")
    assert len(tables["patients"]) == 2
    assert len(tables["observations"]) > 0
    assert len(tables["procedures"]) > 0
