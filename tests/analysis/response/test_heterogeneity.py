"""Interlesional heterogeneity: expected ranges, repeatability, intraclass correlation, dispersion after two therapies."""

import numpy as np
import pandas as pd
import pytest

from analysis.response.heterogeneity import (
    change_sd_pct,
    dispersion_test,
    expected_range,
    implied_sd_pct,
    intraclass_correlation,
    range_test,
    repeatability,
)


@pytest.mark.parametrize(("lesions", "width"), [(1, 0), (2, 1.13), (3, 1.69), (4, 2.06)])
def test_expected_range_of_normal_values(lesions, width):
    assert expected_range(lesions) == pytest.approx(width, abs=0.005)


def test_gap_of_98_points_needs_errors_far_beyond_any_reader():
    needed = [98 / expected_range(k) for k in (4, 2)]
    assert needed == pytest.approx([48, 87], abs=0.6)
    assert max(sd for kind, sd in repeatability().values() if kind != "absolute") < 16


def test_repeatability_is_the_half_width_over_1_96():
    assert repeatability()["change_two_readers"][1] == pytest.approx(61.6 / 3.92, abs=1e-3)
    assert repeatability()["liver_mm_two_readers"] == ("absolute", pytest.approx(15 / 3.92, abs=1e-3))


def test_error_in_mm_weighs_more_in_small_lesions():
    sd = change_sd_pct("liver_mm_two_readers", np.array([10.0, 40.0]), np.array([0.0, 0.0]))
    assert sd[0] == pytest.approx(4 * sd[1])
    assert sd[0] == pytest.approx(100 * 15 / 3.92 / 10, abs=0.02), "difference of two readings over the size"


def test_relative_error_of_an_unchanged_lesion_is_that_of_two_readings():
    sd = change_sd_pct("two_readers", np.array([30.0]), np.array([0.0]))
    assert sd[0] == pytest.approx(repeatability()["two_readers"][1])


def lesions(*patients: tuple[float, ...], reference_mm: float = 30.0) -> pd.DataFrame:
    rows = [
        {"patient_id": f"S{p}", "lesion_id": f"S{p}-L{n}", "reference_mm": reference_mm, "change_pct": change}
        for p, changes in enumerate(patients)
        for n, change in enumerate(changes)
    ]
    frame = pd.DataFrame(rows, columns=["patient_id", "lesion_id", "reference_mm", "change_pct"])
    return frame.assign(followup_mm=frame["reference_mm"] * (1 + frame["change_pct"] / 100))


def test_gap_within_measurement_error_is_not_remarkable_and_a_wide_one_is():
    narrow = range_test(lesions((0, 5, 10), (-3, 3), (20, 30)), "two_readers")
    wide = range_test(lesions((-35, 63), (-50, 90), (-20, 40)), "two_readers")
    assert narrow.p > 0.3
    assert wide.p < 0.01
    assert narrow.patients == 3
    assert wide.observed_pct == pytest.approx(98)


def test_gap_test_is_the_same_on_every_run_and_in_any_order():
    rows = lesions((0, 15), (-3, 30))
    assert range_test(rows, "two_readers") == range_test(rows.sample(frac=1, random_state=1), "two_readers")


def test_names_of_patients_do_not_move_a_draw():
    rows = lesions((0, 15), (-3, 30, 10), (40, 41))
    renamed = rows.replace({"patient_id": {"S0": "Z", "S1": "A", "S2": "M"}})
    renamed = renamed.assign(lesion_id=renamed["lesion_id"].str[::-1])
    assert range_test(rows, "two_readers") == range_test(renamed, "two_readers")
    assert intraclass_correlation(rows) == intraclass_correlation(renamed)


def test_gap_test_leaves_out_patients_with_one_lesion():
    assert range_test(lesions((10,), (20,)), "two_readers") is None
    assert range_test(lesions((10,), (20, 40)), "two_readers").patients == 1


def test_needed_error_divides_each_gap_by_its_expected_range():
    pairs = pd.DataFrame({"gap_pct": [56.5, 103.0], "lesions": [2, 4]})
    assert implied_sd_pct(pairs) == pytest.approx((56.5 / 1.1284 + 103 / 2.0588) / 2, rel=1e-3)
    assert implied_sd_pct(pairs.head(0)) is None


def test_lesions_alike_within_patients_are_found_alike():
    alike = intraclass_correlation(lesions((50, 52), (-30, -31), (0, 1), (90, 91)))
    assert alike.coefficient > 0.9
    assert alike.p < 0.01
    apart = intraclass_correlation(lesions((50, -31), (-30, 52), (0, 91), (90, 1)))
    assert apart.p > 0.3


def test_intraclass_correlation_by_hand():
    # means 1 and 5, grand mean 3: between 4 x 4 = 16 on 1, within 4 x 1 = 4 on 2; (16 - 2) / (16 + 2) = 0.7778
    assert intraclass_correlation(lesions((0, 2), (4, 6))).coefficient == pytest.approx(14 / 18)


@pytest.mark.parametrize("rows", [lesions((1, 2)), lesions((1,), (2,)), lesions((1, 1), (1, 1)), lesions()])
def test_likeness_needs_two_patients_several_lesions_and_different_values(rows):
    assert intraclass_correlation(rows) is None


def pairs(prefix: str, *gaps: float) -> pd.DataFrame:
    index = pd.Index([f"{prefix}{n}" for n in range(len(gaps))], name="patient_id")
    return pd.DataFrame({"gap_pct": list(gaps), "lesions": 2}, index=index)


def test_seven_against_four_cannot_go_below_0_0061():
    test = dispersion_test(pairs("A", 90, 95, 98, 100, 105, 110, 115), pairs("B", 10, 15, 20, 25))
    assert test.smallest_p == pytest.approx(2 / 330)
    assert test.p >= test.smallest_p
    assert test.overlap == 0


def test_patients_with_both_therapies_are_counted():
    assert dispersion_test(pairs("A", 90, 95), pairs("A", 10, 15, 20)).overlap == 2
    assert dispersion_test(pairs("A", 90), pairs("B")) is None
