"""Data sets are derived once for each set of settings, and no caller changes another's."""

import gc

import pandas as pd
import pytest

from analysis.datasets.cached import CachedTables, cached_dataset, cached_tables

CALLS = []


@cached_dataset
def lengths(tables, study, name="a"):
    CALLS.append(name)
    return pd.DataFrame({"n": [len(tables[name]) + study["more"]]})


def fresh() -> CachedTables:
    CALLS.clear()
    return cached_tables({"a": pd.DataFrame({"x": [1, 2]}), "b": pd.DataFrame({"x": [1]})})


def test_a_data_set_is_derived_once_for_each_argument():
    tables, study = fresh(), {"more": 0}
    values = [lengths(tables, study, name)["n"].item() for name in ("a", "b", "a", "b")]
    assert (values, CALLS) == ([2, 1, 2, 1], ["a", "b"])


def test_each_caller_has_a_frame_of_its_own():
    tables, study = fresh(), {"more": 0}
    frame = lengths(tables, study)
    frame["other"] = 1
    assert list(lengths(tables, study)) == ["n"]


@pytest.mark.slow
def test_other_settings_give_another_data_set_even_where_the_first_are_gone():
    tables = fresh()
    values = []
    for more in range(50):  # without a reference to the settings, a new dict soon has the id of an old one
        values.append(lengths(tables, {"more": more})["n"].item())
        gc.collect()
    assert values == [2 + more for more in range(50)]


def test_plain_tables_are_read_anew_each_time():
    CALLS.clear()
    tables = {"a": pd.DataFrame({"x": [1]})}
    assert lengths(tables, {"more": 0})["n"].item() == 1
    tables["a"] = pd.DataFrame({"x": [1, 2, 3]})
    assert lengths(tables, {"more": 0})["n"].item() == 3
