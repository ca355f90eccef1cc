"""The demo cohort: two dialects, two formats, one set of tables; and the tables that the cohort files say there must be."""

from __future__ import annotations

import pandas as pd
import pytest

from adapters.synthetic.demo import write_demo
from tests.support.tables_support import Built, pulled, same
from tests.support.truth import truth_tables

EXAMINED = ("ecog", "gleason_score", "weight", "height")  # the demo dates these by its own rules
ADDED = ("absent_reason", "comparator")  # results that the demo adds to show how they are read
Demo = dict[tuple[str, str], Built]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    found = {}
    for dialect, form in (("mcode", "bundle"), ("mcode", "ndjson"), ("mii", "bundle"), ("mii", "ndjson")):
        folder = tmp_path_factory.mktemp(f"{dialect}-{form}")
        write_demo(folder, dialect=dialect, format=form)
        found[dialect, form] = pulled(folder)
    return found


@pytest.mark.parametrize("form", ["bundle", "ndjson"])
def test_both_dialects_give_identical_clinical_tables(demo: Demo, form: str) -> None:
    mcode, mii = demo["mcode", form], demo["mii", form]
    for name in mcode.tables:
        if name != "findings":
            pd.testing.assert_frame_equal(mcode[name], mii[name])


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_both_formats_give_identical_tables_and_findings(demo: Demo, dialect: str) -> None:
    same(demo[dialect, "bundle"], demo[dialect, "ndjson"])


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_nothing_of_the_demo_is_quarantined_or_disappears(demo: Demo, dialect: str) -> None:
    counts = demo[dialect, "ndjson"].ledger.counts()
    assert counts["quarantined"] == 0
    assert counts["read"] == counts["used"] + counts["left_out"]
    assert not (demo[dialect, "ndjson"]["findings"]["severity"] == "error").any()


def known(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows without ids, sorted, numbers rounded beyond what any method measures."""
    columns = [name for name in frame.columns if not name.endswith("_id") and name != "order"]
    plain = frame[columns].astype({name: "float64" for name in columns if frame[name].dtype == "float64"}).round(6)
    return plain.astype(str).sort_values(columns, ignore_index=True)


@pytest.mark.parametrize("name", ["patients", "lesions"])
def test_tables_are_those_of_the_cohort_files(demo: Demo, name: str) -> None:
    pd.testing.assert_frame_equal(known(demo["mcode", "ndjson"][name]), known(truth_tables()[name]))


def test_measurements_are_those_of_the_cohort_files(demo: Demo) -> None:
    def plain(frame: pd.DataFrame) -> pd.DataFrame:
        kept = frame[~frame["measure"].isin(EXAMINED) & frame[list(ADDED)].isna().all(axis=1)]
        return known(kept)

    pd.testing.assert_frame_equal(plain(demo["mcode", "ndjson"]["observations"]), plain(truth_tables()["observations"]))


def test_examinations_have_the_values_of_the_cohort_files(demo: Demo) -> None:
    def values(frame: pd.DataFrame) -> list[tuple[str, float]]:
        kept = frame[frame["measure"].isin(EXAMINED)]
        return sorted(zip(kept["measure"], kept["value"], strict=True))

    assert values(demo["mcode", "ndjson"]["observations"]) == values(truth_tables()["observations"])


@pytest.mark.parametrize(
    ("name", "kind", "prefix"),
    [("procedures", "procedure", ""), ("conditions", "condition", ""), ("medications", "drug", "start_")],
)
def test_dates_blurred_on_purpose_still_hold_the_day_of_the_cohort_files(
    demo: Demo, name: str, kind: str, prefix: str
) -> None:
    ours, truth = demo["mcode", "ndjson"][name], truth_tables()[name]
    assert ours[kind].value_counts().equals(truth[kind].value_counts())
    exact = ours[ours[f"{prefix}day"].notna()]
    days = set(zip(truth[kind], truth[f"{prefix}day"], strict=True))
    assert set(zip(exact[kind], exact[f"{prefix}day"], strict=True)) <= days
    blurred = ours[ours[f"{prefix}day"].isna() & ours[f"{prefix}day_min"].notna()]
    for row in blurred.itertuples():
        first, last = getattr(row, f"{prefix}day_min"), getattr(row, f"{prefix}day_max")
        assert any(kind_of == getattr(row, kind) and first <= day <= last for kind_of, day in days if day is not pd.NA)
