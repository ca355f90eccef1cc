"""What became of every resource of known inputs, pinned: used, left out, quarantined, and rows fed.

dispositions.json holds the numbers; `python tests/adapters/test_dispositions.py` writes them anew after a change that
is meant to change them, and the difference is to be read before it is committed.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adapters import load_tables
from adapters.pull import Request, chosen_settings, pull
from adapters.sources import open_source
from adapters.synthetic.demo import write_demo
from tests.support.paths import SHARED

PINNED = Path(__file__).with_name("dispositions.json")
EXAMPLES = SHARED / "examples"
DEMOS = [f"{dialect}-{form}" for dialect in ("mcode", "mii") for form in ("bundle", "ndjson")]
FOLDERS = {"examples-hl7-r4": EXAMPLES / "hl7-r4", "examples-mii": EXAMPLES / "mii", "examples": EXAMPLES}


def demo(name: str, folder: Path) -> Path:
    """The synthetic cohort in the dialect and format of `name`."""
    dialect, form = name.split("-")
    write_demo(folder / name, dialect=dialect, format=form)
    return folder / name


def counted(source: Path, out: Path, cohort: str | None) -> dict[str, Any]:
    """The counts of a pull, without the files that they came from."""
    request = Request(allow_empty=cohort == "all")
    manifest = pull(open_source(str(source)), out, settings=chosen_settings(None, cohort), request=request)
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
def counts(tmp_path_factory) -> dict[str, tuple[dict[str, Any], Path]]:
    """Counts and tables of the synthetic cohort in both dialects and formats."""
    folder = tmp_path_factory.mktemp("demo")
    return {n: (counted(demo(n, folder), folder / f"out-{n}", None), folder / f"out-{n}") for n in DEMOS}


@pytest.mark.parametrize("name", DEMOS)
def test_dispositions_of_the_synthetic_cohort(counts, name):
    assert counts[name][0] == json.loads(PINNED.read_text())[name]


@pytest.mark.parametrize("name", DEMOS[1:])
def test_both_dialects_and_formats_give_the_same_tables(counts, name):
    reference, tables = load_tables(counts[DEMOS[0]][1]), load_tables(counts[name][1])
    for table in reference:
        if table != "findings":
            pd.testing.assert_frame_equal(tables[table], reference[table], obj=table)


def test_therapies_told_twice_are_one_row_and_both_resources_count_as_used(counts):
    mcode, mii = (counts[f"{dialect}-ndjson"][0] for dialect in ("mcode", "mii"))
    told = [
        sum(c["by"].get(f"{kind} used", 0) for kind in ("Procedure", "MedicationAdministration")) for c in (mcode, mii)
    ]
    assert told[1] > told[0]
    assert mcode["tables"]["procedures"] == mii["tables"]["procedures"]


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the public FHIR examples are not beside the repository")
def test_dispositions_of_public_examples(tmp_path, name):
    assert counted(FOLDERS[name], tmp_path / "out", "all") == json.loads(PINNED.read_text())[name]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the public FHIR examples are not beside the repository")
def test_public_examples_give_rows_where_a_code_list_matches(tmp_path):
    counted(FOLDERS["examples-mii"], tmp_path / "out", "all")
    tables = load_tables(tmp_path / "out")
    assert len(tables["patients"]) == 2
    assert len(tables["observations"]) > 0
    assert len(tables["procedures"]) > 0


def write_pinned() -> None:
    """Write dispositions.json anew."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pinned = {n: counted(demo(n, folder), folder / f"out-{n}", None) for n in DEMOS}
        pinned |= {n: counted(source, folder / f"out-{n}", "all") for n, source in FOLDERS.items()}
    PINNED.write_text(json.dumps(pinned, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_pinned()
