"""Spectra, ranges, kernels and spheres against ICRP, ESTAR and Monte Carlo reference values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.physics.absorbed_fractions import (
    absorbed_fraction,
    sphere_diameter_mm,
    sphere_frame,
    sphere_s_value,
)
from analysis.physics.constants import (
    dose_per_decayed_activity,
    emission_frame,
    equilibrium_dose_constant,
    nuclide,
    physics_table,
)
from analysis.physics.csda_range import csda_range_mm, stopping_power
from analysis.physics.dose_point_kernels import (
    energy_within,
    kernel_shape,
    kernel_shells,
    x_sphere_radius_mm,
)
from analysis.physics.nonuniform_dose import cluster_dose, distance_to_dose_mm, dose_across_boundary
from analysis.physics.spectra import beta_mean, branch_spectrum, electron_spectrum
from tests.support.paths import REFERENCE

PINS = REFERENCE / "dosimetry"
NUCLIDES = ("lu177", "y90")


@pytest.mark.parametrize(("name", "mean"), [("lu177", 0.1334), ("y90", 0.9313)])
def test_mean_beta_energy_within_half_a_percent_of_icrp(name, mean):
    assert nuclide(f"{name}.beta_mean") == mean
    assert beta_mean(name) == pytest.approx(mean, rel=0.005)


@pytest.mark.parametrize(("name", "energy"), [("lu177", 0.14792 - 0.00113), ("y90", 0.9331)])
def test_electron_energy_per_decay_is_that_of_icrp(name, energy):
    energies, yields = electron_spectrum(name)
    assert (energies * yields).sum() == pytest.approx(energy, rel=0.005)


def test_a_branch_is_a_distribution_below_its_endpoint():
    energy, share = branch_spectrum(0.4978, "allowed", 72, 177)
    assert share.sum() == pytest.approx(1)
    assert (share >= 0).all()
    assert energy.max() < 0.4978


@pytest.mark.parametrize(
    ("energy_mev", "collision_estar"), [(0.01, 22.56), (0.1, 4.115), (0.5, 2.034), (1.0, 1.849), (2.0, 1.824)]
)
def test_stopping_power_near_the_collision_values_of_estar(energy_mev, collision_estar):
    radiative = 1 + energy_mev * 6.6 / 800
    assert float(stopping_power(energy_mev)) / radiative == pytest.approx(collision_estar, rel=0.006)


@pytest.mark.parametrize(
    ("energy_mev", "range_mm", "digits"), [(0.1334, 0.23, 2), (0.4978, 1.75, 2), (0.9313, 4.0, 1), (2.2801, 11.3, 1)]
)
def test_csda_range_to_the_stated_digits(energy_mev, range_mm, digits):
    assert round(float(csda_range_mm(energy_mev)), digits) == range_mm


@pytest.mark.parametrize("row", pd.read_csv(PINS / "energy_radii.csv").to_dict("records"))
def test_radii_that_hold_half_and_ninety_percent_of_the_energy(row):
    radius = x_sphere_radius_mm(row["nuclide"], row["share"])
    assert radius == pytest.approx(row["radius_mm"], rel=0.07)


def misfit(shape) -> float:
    """Sum of squared relative misses of the radii, the mean distances and the absorbed fractions."""
    radii = pd.read_csv(PINS / "energy_radii.csv").to_dict("records")
    misses = [x_sphere_radius_mm(row["nuclide"], row["share"], shape) / row["radius_mm"] - 1 for row in radii]
    for name, mean_mm in (("y90", 2.69), ("lu177", 0.26)):
        middle, share = kernel_shells(name, shape)
        misses.append((middle * share).sum() / mean_mm - 1)
        for file in ("spheres_by_diameter", "spheres_by_mass"):
            if (name, file) == ("lu177", "spheres_by_mass"):
                continue  # all within 4 % of 1: they carry nothing about the shape
            table = pd.read_csv(PINS / f"{file}.csv")
            relative = middle / (table["diameter_mm"].to_numpy()[:, None] / 2)
            kept = np.where(relative < 2, 1 - 0.75 * relative + relative**3 / 16, 0) @ share
            misses += list(kept / table[f"fraction_{name}"] - 1)
    return float((np.array(misses) ** 2).sum())


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("factor", [0.93, 1.07])
def test_kernel_shape_is_the_one_that_fits_best(which, factor):
    moved = list(kernel_shape())
    moved[which] *= factor
    assert misfit(kernel_shape()) < misfit(tuple(moved))


@pytest.mark.parametrize(("name", "mean_mm"), [("y90", 2.69), ("lu177", 0.26)])
def test_mean_distance_of_the_energy(name, mean_mm):
    radius_mm, share = kernel_shells(name)
    assert (radius_mm * share).sum() == pytest.approx(mean_mm, rel=0.08)


@pytest.mark.parametrize("name", NUCLIDES)
def test_sphere_fractions_by_mass(name):
    table = pd.read_csv(PINS / "spheres_by_mass.csv")
    assert sphere_diameter_mm(table["mass_g"]) == pytest.approx(table["diameter_mm"].to_numpy(), rel=0.01)
    fraction = absorbed_fraction(name, sphere_diameter_mm(table["mass_g"]))
    assert fraction == pytest.approx(table[f"fraction_{name}"].to_numpy(), abs=0.01)
    assert sphere_s_value(name, table["mass_g"]) == pytest.approx(table[f"s_{name}"].to_numpy(), rel=0.015)


def test_the_table_of_the_page_has_the_masses_of_the_published_one():
    published = pd.read_csv(PINS / "spheres_by_mass.csv")
    frame = sphere_frame()
    assert frame["mass_g"].tolist() == published["mass_g"].tolist()
    assert frame["s_y90"].to_numpy() == pytest.approx(published["s_y90"].to_numpy(), rel=0.015)
    assert frame["fraction_lu177"].to_numpy() == pytest.approx(published["fraction_lu177"].to_numpy(), abs=0.01)


@pytest.mark.parametrize("name", NUCLIDES)
def test_sphere_fractions_of_small_lesions(name):
    table = pd.read_csv(PINS / "spheres_by_diameter.csv")
    fraction = absorbed_fraction(name, table["diameter_mm"].to_numpy(dtype=float))
    assert fraction == pytest.approx(table[f"fraction_{name}"].to_numpy(), abs=0.012)


@pytest.mark.parametrize(("name", "published", "electron_share"), [("lu177", 0.281, 0.974), ("y90", 1.67, 1.0)])
def test_anchor_sphere_of_310_g(name, published, electron_share):
    assert float(sphere_s_value(name, 310)) == pytest.approx(published * electron_share, rel=0.015)


def test_local_deposition_constants():
    assert dose_per_decayed_activity("y90") == pytest.approx(49.77, abs=0.005)
    assert dose_per_decayed_activity("lu177") == pytest.approx(19.64, abs=0.005)
    assert equilibrium_dose_constant("lu177") == pytest.approx(0.08532, abs=5e-6)
    assert equilibrium_dose_constant("y90") == pytest.approx(0.5382, abs=5e-5)


@pytest.mark.parametrize(("half_life_h", "dose"), [(51, 6.28), (74.9, 9.22), (159.53, 19.64)])
def test_one_gbq_in_one_kilogram(half_life_h, dose):
    assert dose_per_decayed_activity("lu177", half_life_h) == pytest.approx(dose, abs=0.005)


@pytest.mark.parametrize("name", NUCLIDES)
def test_all_energy_is_somewhere(name):
    radius_mm, share = kernel_shells(name)
    assert share.sum() == pytest.approx(1)
    assert energy_within(name, radius_mm[-1] + 0.1) == pytest.approx(1)


@given(st.floats(0.2, 200), st.floats(1.001, 3))
def test_a_larger_sphere_keeps_more(diameter_mm, factor):
    small, large = absorbed_fraction("y90", np.array([diameter_mm, diameter_mm * factor]))
    assert 0 <= small <= large <= 1


@pytest.mark.parametrize("name", NUCLIDES)
def test_dose_across_a_border(name):
    assert float(dose_across_boundary(name, 0.0)) == pytest.approx(0.5)
    distance = np.linspace(-12, 12, 481)
    dose = dose_across_boundary(name, distance)
    assert dose[0] == pytest.approx(1)
    assert dose[-1] == 0
    assert (np.diff(dose) <= 1e-12).all()
    assert dose + dose[::-1] == pytest.approx(np.ones_like(dose)), "two half-spaces make a whole"
    assert dose_across_boundary(name, distance_to_dose_mm(name, 0.1)) == pytest.approx(0.1, abs=2e-3)


def test_177lu_does_not_bridge_a_millimetre_and_90y_does():
    assert float(dose_across_boundary("lu177", 1.0)) < 0.001
    assert float(dose_across_boundary("y90", 1.0)) > 0.2


def test_clusters_further_apart_leave_colder_tissue():
    doses = [cluster_dose("y90", spacing) for spacing in (1, 2, 4, 8)]
    assert [d.lowest for d in doses] == sorted((d.lowest for d in doses), reverse=True)
    assert doses[0].lowest > 0.85
    assert all(d.relative_dose.mean() == pytest.approx(1, abs=0.06) for d in doses)


def test_emission_data_stand_with_unit_and_source_and_without_the_values_the_paper_prints():
    frame = emission_frame()
    assert set(frame["nuclide"]) == set(NUCLIDES)
    assert frame[["unit", "source"]].ne("").all().all()
    assert not frame["quantity"].str.contains("paper").any()
    lu = frame[frame["nuclide"] == "lu177"].set_index("quantity")["value"]
    assert (lu["half-life"], lu["electron energy"]) == (159.53, 0.14792)


def test_every_constant_has_a_unit_and_a_source():
    for name in ("nuclides", "water", "literature", "activity", "assumptions", "kernel_shape"):
        table = physics_table(name)
        assert (table[["unit", "source"]].astype(str).apply(lambda column: column.str.strip()).ne("")).all().all(), name
        assert table["key"].is_unique
