"""Activity rules, liver models, BED and the course doses against worked values."""

import numpy as np
import pytest

from analysis.dosimetry.assumptions import assumed, assumptions
from analysis.dosimetry.dose_comparison import course_doses, dose_ladder, dose_per_gbq, eqd2_tornado, nonuniform_sirt
from analysis.dosimetry.lesion_dose import LESION_ASSUMPTIONS, lesion_dose_gy, lesion_doses, tornado
from analysis.dosimetry.page import CHOSEN, patient_doses, sirt_inputs
from analysis.dosimetry.results import results
from analysis.dosimetry.sirt_dose import sirt_table
from analysis.opened_book import Book
from analysis.physics.radiobiology import (
    biologically_effective_dose,
    cumulative_bed,
    cycles_overlap,
    dose_rate_factor,
    equivalent_dose_2gy,
    equivalent_uniform_bed,
)
from analysis.physics.sirt_activity import (
    body_surface_m2,
    bsa_activity_gbq,
    even_spacing_mm,
    liver_dose_gy,
    lung_shunt_reduction,
    partition_dose,
)
from analysis.settings import load_study
from tests.support.study_tables import GA, Patient, tables_of

STUDY = load_study()


def test_body_surface_of_175_cm_and_80_kg():
    assert float(body_surface_m2(175, 80)) == pytest.approx(1.956, abs=5e-4)


def test_activity_by_body_surface():
    assert float(bsa_activity_gbq(1.956, 0.1)) == pytest.approx(1.856)


@pytest.mark.parametrize(
    ("shunt", "factor"), [(0, 1), (10, 1), (10.01, 0.8), (15, 0.8), (15.01, 0.6), (20, 0.6), (20.01, 0)]
)
def test_shunt_reduction_on_each_side_of_its_limits(shunt, factor):
    assert float(lung_shunt_reduction(shunt)) == factor


def test_shunt_that_nobody_measured_has_no_factor():
    assert np.isnan(lung_shunt_reduction(np.nan))


def test_one_compartment_model():
    assert float(liver_dose_gy(2.2, 5, 1.8)) == pytest.approx(57.7, abs=0.05)


def test_partition_model_conserves_energy_and_reduces_to_one_compartment():
    about = {"lung_shunt_pct": 5, "tumour_kg": 0.3, "normal_liver_kg": 1.5}
    same = partition_dose(2.2, tumour_to_normal=1, **about)
    assert float(same.tumour_gy) == pytest.approx(float(liver_dose_gy(2.2, 5, 1.8)))
    dose = partition_dose(2.2, tumour_to_normal=4, **about)
    energy = dose.tumour_gy * 0.3 + dose.normal_liver_gy * 1.5 + dose.lung_gy * 1.0
    assert float(energy) == pytest.approx(49.67 * 2.2)
    assert float(dose.tumour_gy / dose.normal_liver_gy) == pytest.approx(4)


@pytest.mark.parametrize(
    ("dose", "half_life", "alpha_beta", "bed", "eqd2"),
    [(32, 51, 1.5, 56.5, 24.2), (55, 64.1, 1.5, 113.1, 48.5), (55, 64.1, 10, 63.7, 53.1), (32, 74.9, 1.5, 48.9, 21.0)],
)
def test_bed_and_eqd2(dose, half_life, alpha_beta, bed, eqd2):
    about = {"effective_half_life_h": half_life, "alpha_beta_gy": alpha_beta, "repair_half_time_h": 1.9}
    value = biologically_effective_dose(dose, **about)
    assert round(float(value), 1) == bed
    assert round(float(equivalent_dose_2gy(value, alpha_beta)), 1) == eqd2


def test_dose_rate_factor():
    assert float(dose_rate_factor(51, 1.9)) == pytest.approx(0.0359, abs=5e-5)


def test_cycles_add_their_bed_and_not_their_dose():
    about = {"effective_half_life_h": 51, "alpha_beta_gy": 1.5, "repair_half_time_h": 1.9}
    assert cumulative_bed([32, 32], **about) == pytest.approx(2 * float(biologically_effective_dose(32, **about)))
    assert cumulative_bed([32, 32], **about) < float(biologically_effective_dose(64, **about))
    assert cycles_overlap(51, 7.5) < 1e-7


def test_uniform_dose_is_its_own_equivalent_and_cold_spots_cost():
    assert equivalent_uniform_bed([80, 80], [0.5, 0.5], 0.147) == pytest.approx(80)
    assert equivalent_uniform_bed([40, 120], [0.5, 0.5], 0.147) < 46
    lost = nonuniform_sirt(55)["lost_pct"]
    assert lost.is_monotonic_increasing
    assert (lost > 0).all()


def test_quoted_argument_turns_when_cycles_are_summed():
    ladder = dose_ladder((1, 2, 3)).set_index("label")["dose_gy"]
    assert ladder["1 cycle of 6 GBq"] < ladder["colorectal metastases, mean"] < ladder["2 cycles of 6 GBq"]
    assert dose_per_gbq() == pytest.approx(5.33, abs=0.005)
    assert dose_per_gbq() * 6.2 * 2.5 == pytest.approx(83, abs=0.5)
    assert dose_per_gbq() * 6.2 * 3 == pytest.approx(99, abs=0.5)


def test_liver_metastases_get_less_than_the_quoted_tumour_dose():
    # Maffey-Steffan et al. 2020: 2.97 Gy/GBq (0.76 to 5.00), so 6 GBq give 17.8 Gy (4.6 to 30)
    found = {row.id: row for row in results(tables_of(treated()), STUDY)}
    cycle, course = found["dose.liver.6gbq"], found["dose.lu.course.liver"]
    assert (cycle.value, cycle.lower, cycle.upper) == pytest.approx((17.82, 4.56, 30.0))
    activity = course_doses(tables_of(treated()), STUDY)["activity_gbq"].iloc[0]
    assert (course.value, course.lower, course.upper) == pytest.approx((2.97 * activity, 0.76 * activity, 5 * activity))
    assert course.value < found["dose.lu.course"].value


def test_next_to_nothing_of_a_cycle_is_left_at_the_next():
    # 0.5 ** (7 weeks x 168 h / 74.9 h) = 1.9e-5
    overlap = next(row for row in results(tables_of(), STUDY) if row.id == "dose.lu.overlap")
    assert overlap.value == pytest.approx(0.0019, abs=5e-5)


def test_eqd2_tornado_leaves_the_half_life_of_microspheres_alone():
    table = eqd2_tornado().set_index(["therapy", "assumption"])
    assert table.at[("SIRT", "effective_half_life"), "swing_gy"] == 0
    assert table.at[("SIRT", "alpha_beta_prostate"), "default_gy"] == pytest.approx(48.5, abs=0.05)
    assert table.at[("177Lu-PSMA", "alpha_beta_prostate"), "default_gy"] == pytest.approx(3 * 24.22, abs=0.05)


def treated(**changes) -> Patient:
    values = {
        "lu": [0, 50, 100],
        "sirt": [150],
        "mm": {"S01-L1": {-5: 20.0}, "S01-L2": {-5: 40.0}},
        "suv": {"S01-L1": {-5: (20.0, GA)}},
        "pet": {-5: GA},
        "other": [
            ("weight", -3, 80.0),
            ("height", -3, 175.0),
            ("lung_shunt_fraction", 140, 5.0),
            ("liver_volume", 140, 1800.0),
            ("tumour_volume", 140, 180.0),
        ],
    }
    return Patient("S01", **(values | changes))


def test_lesion_dose_by_hand():
    # 1 x SUV 20 x 6200 MBq / 80 000 g = 1.55 MBq/g; 0.08532 x 1.55 x 51 / ln 2 = 9.73 Gy, times the absorbed fraction
    dose = lesion_dose_gy(
        20,
        activity_gbq=6.2,
        weight_kg=80,
        diameter_mm=200,
        uptake_conversion=1,
        effective_half_life_h=51,
        shape_factor=1,
    )
    assert float(dose) == pytest.approx(9.73, rel=0.01)


def test_lesion_doses_always_have_a_range():
    row = lesion_doses(tables_of(treated()), STUDY).set_index("lesion_id").loc["S01-L1"]
    assert row["cycle_low_gy"] < row["cycle_gy"] < row["cycle_high_gy"]
    assert row["course_gy"] == pytest.approx(3 * row["cycle_gy"])


def test_an_unknown_activity_gives_no_course_dose():
    frame = lesion_doses(tables_of(treated(lu_gbq=float("nan"))), STUDY)
    assert frame["course_gy"].isna().all()
    assert course_doses(tables_of(treated(lu_gbq=float("nan"))), STUDY).empty


def test_tornado_names_each_assumption_once_widest_first():
    table = tornado(tables_of(treated()), STUDY)
    assert sorted(table["assumption"]) == sorted(LESION_ASSUMPTIONS)
    assert table["swing_gy"].is_monotonic_decreasing
    assert set(LESION_ASSUMPTIONS) <= set(assumptions())


def test_every_assumption_lies_in_its_own_range():
    assert all(a.low <= a.default <= a.high for a in assumptions().values())


def test_sirt_table_by_hand():
    row = sirt_table(tables_of(treated()), STUDY).loc[0]
    assert row["rule_gbq"] == pytest.approx(1.956 - 0.2 + 0.1, abs=5e-4)
    assert row["reduced_gbq"] == row["rule_gbq"]
    assert row["liver_gy"] == pytest.approx(57.7, abs=0.05)
    assert not row["lung_over_limit"]
    assert row["tumour_low_gy"] <= row["tumour_gy"] <= row["tumour_high_gy"]
    assert row["tumour_low_gy"] == pytest.approx(row["liver_gy"] * assumed("tumour_to_normal").low)


def test_tumour_of_sirt_stands_beside_the_lesions_measured_until_then():
    later = {"S01-L1": {-5: 20.0, 145: 30.0, 160: 90.0}, "S01-L2": {-5: 40.0}}
    row = sirt_table(tables_of(treated(mm=later, pet={-5: GA, 145: GA, 160: GA})), STUDY).loc[0]
    assert row["lesions_ml"] == pytest.approx(np.pi / 6 * (3.0**3 + 4.0**3)), "30 and 40 mm, not the 90 mm after SIRT"
    assert np.isnan(sirt_table(tables_of(treated(mm={})), STUDY).loc[0, "lesions_ml"])


def test_microspheres_spread_evenly_stand_well_below_a_millimetre_apart():
    # 2 GBq at 50 Bq are 40 million spheres; 1,800,000 mm3 over 40 million is 0.045 mm3, the cube root 0.356 mm
    assert float(even_spacing_mm(2.0, 1800.0)) == pytest.approx(0.3557, abs=1e-4)
    row = sirt_table(tables_of(treated(sirt_gbq=0.0)), STUDY).loc[0]
    assert np.isnan(row["spacing_mm"]), "no activity, no spheres"


def test_estimate_from_suv_is_set_beside_the_measured_dose_per_activity():
    found = {row.id: row for row in results(tables_of(treated()), STUDY)}
    row = lesion_doses(tables_of(treated()), STUDY).set_index("lesion_id").loc["S01-L1"]
    ratio = row["cycle_gy"] / row["first_activity_gbq"] / 2.97
    assert found["dose.lesion.of_measured"].value == pytest.approx(ratio)
    assert found["dose.lesion.of_measured"].lower < ratio < found["dose.lesion.of_measured"].upper


def test_mean_energy_is_the_tabulated_one_everywhere():
    found = {row.id: row.value for row in results(tables_of(), STUDY)}
    assert (found["phys.lu.beta_mean"], found["phys.y.beta_mean"]) == (0.1334, 0.9313)


@pytest.mark.parametrize(("reconstruction", "said"), [(True, True), (False, False)])
def test_only_the_reconstruction_says_that_its_tumour_volumes_were_chosen(reconstruction, said):
    manifest = {"synthetic": True, "cohort_tags": ["reconstruction" if reconstruction else "resampled"]}
    table = sirt_inputs(Book(tables_of(treated()), STUDY, manifest, {})).content
    assert (CHOSEN in table.caption) is said
    assert all(column in table.headers for column in table.frame)


@pytest.mark.parametrize(("tags", "basis"), [(["reconstruction"], "free"), (["resampled"], "data")])
def test_lesion_doses_of_a_patient_carry_their_basis(tags, basis):
    manifest = {"synthetic": True, "cohort_tags": tags}
    table = patient_doses(Book(tables_of(treated()), STUDY, manifest, {})).content
    row = table.frame.iloc[0]
    assert (row["patient_id"], row["lesions"], row["cycles"]) == ("S01", 1, 3)
    assert (row["course"].basis, row["cycle"].basis) == (basis, basis)
    assert row["course"].lower < row["course"].value < row["course"].upper
    unknown = patient_doses(Book(tables_of(treated(lu_gbq=float("nan"))), STUDY, manifest, {})).content
    assert unknown.frame["course"].iloc[0].reason == "not_recorded"
    assert patient_doses(Book(tables_of(), STUDY, manifest, {})).content.frame.empty


COHORTS = {
    "nobody": [],
    "no imaging": [Patient("S01", lu=[0])],
    "no SIRT": [treated(sirt=[])],
    "only SIRT": [Patient("S01", sirt=[0])],
    "no weight": [treated(other=[])],
    "no activity": [treated(lu_gbq=float("nan"), sirt_gbq=None)],
    "one lesion": [treated(mm={"S01-L1": {-5: 20.0}})],
    "two patients": [treated(), Patient("S02", lu=[0])],
}


@pytest.mark.parametrize("name", COHORTS)
def test_every_cohort_gives_the_same_ids_with_value_or_reason(name):
    rows = results(tables_of(*COHORTS[name]), STUDY)
    assert [row.id for row in rows] == [row.id for row in results(tables_of(treated()), STUDY)]
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.n is None or row.n >= 0 for row in rows)


def test_constants_of_the_paper_are_the_ones_in_use():
    found = {row.id: row for row in results(tables_of(), STUDY)}
    printed = {"phys.lu.emax": 0.497, "phys.lu.range": 2, "phys.y.emax": 2.27, "phys.y.range": 11}
    printed |= {"dose.sirt.crc": 55, "dose.lu.6gbq": 32, "dose.threshold": 60}
    assert {result_id: found[result_id].value for result_id in printed} == printed
    assert all(found[result_id].basis == "physics" for result_id in printed)
