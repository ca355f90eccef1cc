"""What the dosimetry chapter shows without patients: sources and assumptions, reach of the energy, spheres, clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.dosimetry.assumptions import assumptions
from analysis.dosimetry.dose_comparison import nonuniform_sirt, prostate
from analysis.opened_book import Book
from analysis.physics.absorbed_fractions import absorbed_fraction, sphere_frame
from analysis.physics.constants import emission_frame, literature, physics_table
from analysis.physics.nonuniform_dose import boundary_frame, cluster_frame
from analysis.report import charts_estimates
from analysis.report.charts import Drawn
from analysis.report.labels import labelled
from analysis.report.tables import Folded, Table

NUCLIDES = {"lu177": "177Lu", "y90": "90Y"}
REACH = {
    "emax": "Maximum beta energy as the paper prints (MeV)",
    "beta_mean": "Mean beta energy (MeV)",
    "range": "Maximum range as the paper prints (mm)",
    "csda_max": "Range at that energy by continuous slowing down, CSDA (mm)",
    "csda_mean": "CSDA range at the mean energy (mm)",
    "r50": "Radius of 50% of the energy (mm)",
    "r90": "Radius of 90% of the energy (mm)",
    "r99": "Radius of 99% of the energy (mm)",
    "border.d10": "Distance beyond a border to 10% of the dose (mm)",
}
DIAMETERS_MM = np.geomspace(0.5, 100, 60)
SPACINGS_MM = (2.0, 4.0, 6.0, 8.0)


def emissions() -> Folded:
    """Emission data of both nuclides with their sources."""
    frame = emission_frame()
    frame = frame.assign(nuclide=frame["nuclide"].map(NUCLIDES), value=frame["value"].map("{:g}".format))
    table = Table(
        frame,
        "Emission data of 177Lu and 90Y in use",
        "dosimetry_emissions",
        headers={
            "nuclide": "Nuclide",
            "quantity": "Quantity",
            "value": "Value",
            "unit": "Unit",
            "source": "Source",
        },
        row_headers=2,
    )
    return Folded("Emission data of the two nuclides, with source", table)


def literature_values() -> Folded:
    """Published doses, activities and half-lives with population and source."""
    table = Table(
        physics_table("literature").drop(columns=["key"]),
        "Published doses, activities and half-lives in use",
        "dosimetry_literature",
        headers={
            "quantity": "Quantity",
            "value": "Value",
            "unit": "Unit",
            "population": "Population",
            "source": "Source",
        },
        row_headers=2,
    )
    return Folded("Literature values in use, with population and source", table)


def assumed_ranges() -> Folded:
    """Assumptions of the chapter: lowest, default and highest value, unit, source."""
    rows = [
        {
            "assumption": item.key,
            "low": f"{item.low:g}",
            "default": f"{item.default:g}",
            "high": f"{item.high:g}",
            "unit": "ratio" if item.unit == "1" else item.unit,
            "source": item.source,
        }
        for item in assumptions().values()
    ]
    frame = pd.DataFrame(rows)
    table = Table(
        labelled(frame, "assumption"),
        "Assumptions of this chapter, with default and range",
        "dosimetry_assumptions",
        headers={column: column.capitalize() for column in frame},
    )
    return Folded("Assumptions, with the range over which each is varied", table)


def reach(book: Book) -> Table:
    """Energies and ranges of both nuclides in water."""
    rows = [(label, book[f"phys.lu.{key}"], book[f"phys.y.{key}"]) for key, label in REACH.items()]
    return Table(
        pd.DataFrame(rows, columns=["quantity", *NUCLIDES]),
        "Energy and reach of the two nuclides in water",
        "dosimetry_reach",
        headers={"quantity": "Quantity", **NUCLIDES},
    )


def absorbed_fractions() -> Drawn:
    """Line chart of the absorbed fraction of a sphere by its diameter, both nuclides."""
    frames = [
        pd.DataFrame({"nuclide": label, "diameter_mm": DIAMETERS_MM, "absorbed": absorbed_fraction(name, DIAMETERS_MM)})
        for name, label in NUCLIDES.items()
    ]
    return charts_estimates.lines(
        pd.concat(frames),
        ("diameter_mm", "Diameter (mm)"),
        ("absorbed", "Absorbed fraction"),
        "Line chart of absorbed fraction by sphere diameter: 177Lu near 1 from a few millimetres on, "
        "90Y only from centimetres.",
        by="nuclide",
        log_x=True,
    )


def spheres_by_mass() -> Folded:
    """Absorbed fraction and S value of spheres by mass, both nuclides."""
    table = Table(
        sphere_frame(),
        "Absorbed fraction and self-dose (mGy per MBq h) of spheres of unit density, electrons only",
        "dosimetry_spheres",
        headers={
            "mass_g": "Mass (g)",
            "diameter_mm": "Diameter (mm)",
            "fraction_lu177": "Fraction, 177Lu",
            "s_lu177": "S, 177Lu",
            "fraction_y90": "Fraction, 90Y",
            "s_y90": "S, 90Y",
        },
        decimals={"mass_g": 1, "diameter_mm": 1, "fraction_lu177": 3, "s_lu177": 3, "fraction_y90": 2, "s_y90": 2},
    )
    return Folded("Spheres by mass", table)


def dose_across_border() -> Drawn:
    """Line chart of the dose across a flat border of uptake, both nuclides."""
    frame = boundary_frame()
    return charts_estimates.lines(
        frame.assign(nuclide=frame["nuclide"].map(NUCLIDES)),
        ("distance_mm", "Distance from the border (mm)"),
        ("relative_dose", "Share of the dose inside"),
        "Line chart of dose across a border: 177Lu falls within a fraction of a millimetre, 90Y over millimetres.",
        by="nuclide",
    )


def clusters(book: Book) -> Table:
    """Relative dose and equivalent BED of clustered 90Y microspheres by the distance between the clusters."""
    uneven = nonuniform_sirt(literature("sirt.paper_crc_dose"), SPACINGS_MM).drop(columns="uniform_bed_gy")
    return Table(
        cluster_frame("y90", SPACINGS_MM).merge(uneven, on="spacing_mm"),
        "90Y microspheres in clusters on a cubic lattice with an assumed spacing: dose relative to the mean, and the "
        f"even BED that spares as many cells as {book.text('dose.sirt.crc')} so spread "
        f"(alpha {prostate().alpha_per_gy:g} per Gy)",
        "dosimetry_clusters",
        headers={
            "spacing_mm": "Spacing (mm)",
            "lowest": "Lowest dose",
            "tenth_percentile": "10th percentile",
            "below_half": "Share of tissue below half the mean",
            "equivalent_bed_gy": "Equivalent BED (Gy)",
            "lost_pct": "BED lost (%)",
        },
        decimals={"lowest": 2, "tenth_percentile": 2, "below_half": 2, "equivalent_bed_gy": 0, "lost_pct": 0},
    )
