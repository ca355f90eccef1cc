"""The demo cohort: two dialects, two formats, one set of tables; and the tables that the cohort files say there must be."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from tests.support.demo import Demo
from tests.support.truth import truth_tables

EXAMINED = ("ecog", "gleason_score", "weight", "height")  # the demo dates these by its own rules
ADDED = ("absent_reason", "comparator")  # results that the demo adds to show how they are read
Tables = dict[str, pd.DataFrame]
Pulls = Callable[[str, str], Demo]


@pytest.fixture
def ours(demo_in: Pulls) -> Tables:
    """The tables of one pull."""
    return demo_in("mcode", "ndjson").frames()


@pytest.mark.parametrize("form", ["bundle", "ndjson"])
def test_both_dialects_give_identical_clinical_tables(demo_in: Pulls, form: str) -> None:
    mcode, mii = demo_in("mcode", form).frames(), demo_in("mii", form).frames()
    for name in mcode:
        if name != "findings":
            pd.testing.assert_frame_equal(mcode[name], mii[name])


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_both_formats_give_identical_tables_and_findings(demo_in: Pulls, dialect: str) -> None:
    bundle, lines = demo_in(dialect, "bundle").frames(), demo_in(dialect, "ndjson").frames()
    for name, frame in bundle.items():
        pd.testing.assert_frame_equal(frame, lines[name])


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_nothing_of_the_demo_is_quarantined_or_disappears(demo_in: Pulls, dialect: str) -> None:
    counts = demo_in(dialect, "ndjson").manifest()["dispositions"]
    assert counts["quarantined"] == 0
    assert counts["read"] == counts["used"] + counts["left_out"]
    assert not (demo_in(dialect, "ndjson").frames()["findings"]["severity"] == "error").any()


def known(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows without ids, sorted, numbers rounded beyond what any method measures."""
    columns = [name for name in frame.columns if not name.endswith("_id") and name != "order"]
    plain = frame[columns].astype({name: "float64" for name in columns if frame[name].dtype == "float64"}).round(6)
    return plain.astype(str).sort_values(columns, ignore_index=True)


@pytest.mark.parametrize("name", ["patients", "lesions"])
def test_tables_are_those_of_the_cohort_files(ours: Tables, name: str) -> None:
    pd.testing.assert_frame_equal(known(ours[name]), known(truth_tables()[name]))


def test_measurements_are_those_of_the_cohort_files(ours: Tables) -> None:
    def plain(frame: pd.DataFrame) -> pd.DataFrame:
        kept = frame[~frame["measure"].isin(EXAMINED) & frame[list(ADDED)].isna().all(axis=1)]
        return known(kept)

    pd.testing.assert_frame_equal(plain(ours["observations"]), plain(truth_tables()["observations"]))


def test_examinations_have_the_values_of_the_cohort_files(ours: Tables) -> None:
    def values(frame: pd.DataFrame) -> list[tuple[str, float]]:
        kept = frame[frame["measure"].isin(EXAMINED)]
        return sorted(zip(kept["measure"], kept["value"], strict=True))

    assert values(ours["observations"]) == values(truth_tables()["observations"])


@pytest.mark.parametrize(
    ("name", "kind", "prefix"),
    [("procedures", "procedure", ""), ("conditions", "condition", ""), ("medications", "drug", "start_")],
)
def test_dates_blurred_on_purpose_still_hold_the_day_of_the_cohort_files(
    ours: Tables, name: str, kind: str, prefix: str
) -> None:
    found, truth = ours[name], truth_tables()[name]
    assert found[kind].value_counts().equals(truth[kind].value_counts())
    exact = found[found[f"{prefix}day"].notna()]
    days = set(zip(truth[kind], truth[f"{prefix}day"], strict=True))
    assert set(zip(exact[kind], exact[f"{prefix}day"], strict=True)) <= days
    blurred = found[found[f"{prefix}day"].isna() & found[f"{prefix}day_min"].notna()]
    for row in blurred.itertuples():
        first, last = getattr(row, f"{prefix}day_min"), getattr(row, f"{prefix}day_max")
        assert any(kind_of == getattr(row, kind) and first <= day <= last for kind_of, day in days if day is not pd.NA)
