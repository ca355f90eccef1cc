"""Resources by number, what becomes of each, and what is asked of each different value once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from adapters.ledger import LeftOutReason, QuarantineReason
from adapters.tables.extract.dispositions import Dispositions
from adapters.tables.extract.numbered import numbered
from adapters.tables.extract.views import Extract, Fault, combinations, rows_where, texts_that

FAULT = Fault(QuarantineReason.INVALID_DATE, "Observation.effective", "observations")


def extracted(*keys: str) -> Extract:
    rows = pd.DataFrame(
        {"resource_key": ["Observation/b", "Observation/b", "Patient/a"], "target_key": ["x", "y", None]}
    )
    return Extract({"links": rows}, list(keys), {"Observation/b": FAULT})


def test_rows_and_faults_have_the_place_of_their_resource_in_the_order_read():
    found = numbered(extracted("Patient/a", "Observation/b"))
    assert list(found.frames["links"]["resource_key"]) == [1, 1, 0]
    assert list(found.frames["links"]["target_key"]) == ["x", "y", None]
    assert found.faults == {1: FAULT}
    assert (found.kind(1), found.texts([1, 0])) == ("Observation", ["Observation/b", "Patient/a"])
    assert found.numbers_of(["Patient/nobody", "Patient/a"]) == [0]


def test_a_row_of_a_resource_that_was_not_seen_is_an_error():
    with pytest.raises(KeyError):
        numbered(extracted("Observation/b"))


def test_the_first_reason_to_leave_a_resource_out_stays():
    dispositions = Dispositions.of(3)
    dispositions.leave_out([1], LeftOutReason.NO_PATIENT)
    dispositions.quarantine(1, FAULT)
    dispositions.quarantine(2, FAULT)
    dispositions.leave_out(pd.Series([2]), LeftOutReason.OUTSIDE_COHORT)
    assert dispositions.why == {1: LeftOutReason.NO_PATIENT, 2: FAULT}
    assert list(dispositions.is_out(pd.Series([2, 0, 1]))) == [True, False, True]


def test_a_resource_is_used_once_for_each_row_and_needed_without_any():
    dispositions = Dispositions.of(3)
    dispositions.use(pd.Series([0, 0]))
    dispositions.use(iter([0]))
    dispositions.need([1])
    keys = pd.Series([0, 1, 2], index=[7, 8, 9])
    assert dispositions.rows.tolist() == [3, 0, 0]
    assert dispositions.has_rows(keys).to_dict() == {7: True, 8: False, 9: False}
    assert dispositions.is_used(keys).to_dict() == {7: True, 8: True, 9: False}
    assert dispositions.is_used(pd.Series([], dtype=float)).empty  # as in a frame without rows


@pytest.mark.parametrize(("wanted", "left"), [([True, True], ["a", "b"]), ([False, True], ["b"]), ([False, False], [])])
def test_rows_that_stay_are_numbered_anew(wanted, left):
    frame = pd.DataFrame({"x": ["a", "b"]}, index=[4, 9])
    found = rows_where(frame, pd.Series(wanted, index=frame.index))
    assert list(found["x"]) == left
    assert list(found.index) == list(range(len(left)))
    assert list(frame.index) == [4, 9]


def test_combinations_tell_missing_values_from_texts_and_name_their_first_row():
    columns = [pd.Series(["a", "a", "b", "a"]), pd.Series(["x", None, None, "x"], dtype=object)]
    groups, firsts = combinations(columns)
    assert groups.tolist() == [0, 1, 2, 0]
    assert firsts.tolist() == [0, 1, 2]
    none, first = combinations([pd.Series([], dtype=object)])
    assert (none.size, first.size) == (0, 0)


def test_each_different_text_is_asked_once():
    asked = []
    found = texts_that(pd.Series(["suv_max", np.nan, "psa", "suv_max"]), lambda text: asked.append(text) or text < "q")
    assert list(found) == [False, False, True, False]
    assert asked == ["suv_max", "psa"]
