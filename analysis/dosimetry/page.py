"""What the dosimetry chapter shows of doses: the quoted ones summed, SIRT by patient, lesion doses, calculators."""

from __future__ import annotations

import pandas as pd

from analysis.dosimetry import calculators, charts
from analysis.dosimetry.calculator_html import Calculators
from analysis.dosimetry.dose_comparison import dose_ladder, eqd2_tornado
from analysis.dosimetry.lesion_dose import lesion_doses, tornado
from analysis.dosimetry.sirt_dose import sirt_table
from analysis.estimates import assumption_result
from analysis.opened_book import Book
from analysis.paper.reconstruction import settle
from analysis.report.charts import Drawn, Stack
from analysis.report.tables import Folded, Table
from analysis.results import Result

CHOSEN = (
    "The tumour volumes of this cohort were chosen to meet the printed activity; they do not follow from its lesions."
)
SPANS = ("cycle", "course")
SIRT_ACTIVITY = {
    "patient_id": "Patient",
    "given_gbq": "Given (GBq)",
    "rule_gbq": "By the rule (GBq)",
    "lung_shunt_pct": "Lung shunt (%)",
    "reduced_gbq": "Rule after shunt reduction (GBq)",
    "difference_gbq": "Given minus that (GBq)",
}
SIRT_DOSES = {
    "patient_id": "Patient",
    "liver_gy": "Whole liver, one compartment",
    "tumour_gy": "Tumour, partition",
    "tumour_low_gy": "Tumour, lowest ratio",
    "tumour_high_gy": "Tumour, highest ratio",
    "normal_liver_gy": "Normal liver, partition",
    "lung_gy": "Lung",
}
SIRT_INPUTS = {
    "patient_id": "Patient",
    "height_cm": "Height (cm)",
    "weight_kg": "Weight (kg)",
    "body_surface_m2": "Body surface (m²)",
    "liver_ml": "Whole liver (mL)",
    "tumour_ml": "Tumour (mL)",
    "lesions_ml": "Measured lesions as spheres (mL)",
    "tumour_share": "Tumour share",
    "shunt_factor": "Factor for the shunt",
}


def ladder() -> Table:
    """The doses that the paper quotes, by cycles, as absorbed dose, BED and EQD2."""
    return Table(
        dose_ladder(),
        "The doses of the paper's argument on one scale (prostate cancer parameters)",
        "dosimetry_ladder",
        headers={
            "therapy": "Therapy",
            "label": "What",
            "cycles": "Cycles",
            "dose_gy": "Dose (Gy)",
            "bed_gy": "BED (Gy)",
            "eqd2_gy": "EQD2 (Gy)",
        },
        decimals={"dose_gy": 0, "bed_gy": 0, "eqd2_gy": 0, "cycles": 0},
        row_headers=2,
    )


def eqd2_sensitivity() -> Stack:
    """Tornado charts of EQD2 by assumption, one for each therapy."""
    swings = eqd2_tornado().query("swing_gy > 0")
    return Stack([(str(therapy), _eqd2(str(therapy), rows)) for therapy, rows in swings.groupby("therapy", sort=False)])


def _eqd2(therapy: str, swings: pd.DataFrame) -> Drawn:
    description = f"Tornado chart of EQD2 of {therapy} by assumption, the largest swing first."
    return charts.tornado(charts.tornado_frame(swings), f"EQD2 of {therapy} (Gy)", description)


def sirt_activity(book: Book) -> Table:
    """Activity of each SIRT (GBq) beside the body surface rule."""
    decimals = dict.fromkeys(SIRT_ACTIVITY, 2) | {"lung_shunt_pct": 1}
    caption = "SIRT by patient: activity given beside the body surface rule"
    return _sirt(book, caption, "dosimetry_sirt", SIRT_ACTIVITY, decimals)


def sirt_doses(book: Book) -> Table:
    """Mean absorbed doses (Gy) of each SIRT by the one-compartment and the partition model."""
    decimals = dict.fromkeys(SIRT_DOSES, 0) | {"lung_gy": 1}
    caption = (
        "SIRT by patient: mean absorbed doses (Gy) of the one-compartment and the partition model; "
        "ratio: tumour to normal liver"
    )
    return _sirt(book, caption, "dosimetry_sirt_doses", SIRT_DOSES, decimals)


def sirt_inputs(book: Book) -> Folded:
    """Body, liver and tumour of each SIRT, the tumour beside the patient's lesions."""
    whole = dict.fromkeys(("height_cm", "weight_kg", "liver_ml", "tumour_ml", "lesions_ml"), 0)
    decimals = whole | {"body_surface_m2": 2, "tumour_share": 2, "shunt_factor": 1}
    caption = "SIRT by patient: body, liver and tumour" + (f". {CHOSEN}" if book.is_reconstruction else "")
    table = _sirt(book, caption, "dosimetry_sirt_inputs", SIRT_INPUTS, decimals)
    return Folded("What these doses were computed from", table)


def _sirt(book: Book, caption: str, name: str, headers: dict[str, str], decimals: dict[str, int]) -> Table:
    frame = sirt_table(book.tables, book.study)[list(headers)]
    return Table(frame, caption, name, headers=headers, decimals=decimals)


def lesion_sensitivity(book: Book) -> Drawn:
    """Tornado chart of the median lesion dose over the course (Gy) by assumption."""
    return charts.tornado(
        charts.tornado_frame(tornado(book.tables, book.study)),
        "Median lesion dose over the course (Gy)",
        "Tornado chart of the median lesion dose by assumption.",
    )


def patient_doses(book: Book) -> Folded:
    """Median lesion dose of each patient per cycle and over the course, with its range and what it rests on."""
    headers = {"patient_id": "Patient", "lesions": "Lesions", "cycles": "Cycles"}
    headers |= {"cycle": "Cycle (range of assumption)", "course": "Course (range of assumption)"}
    rows = [
        [
            patient,
            len(lesions),
            int(lesions["cycles"].iloc[0]),
            *(_dose(book, patient, lesions, span) for span in SPANS),
        ]
        for patient, lesions in lesion_doses(book.tables, book.study).groupby("patient_id", sort=True)
    ]
    frame = pd.DataFrame(rows, columns=list(headers))
    caption = (
        "177Lu dose (Gy) by patient, median over lesions, with the lowest and the highest of the assumptions together"
    )
    return Folded("Patient by patient", Table(frame, caption, "dosimetry_lesions", headers=headers))


def _dose(book: Book, patient: object, lesions: pd.DataFrame, span: str) -> Result:
    doses = lesions[[f"{span}_gy", f"{span}_low_gy", f"{span}_high_gy"]].dropna()
    about = {"reason": "not_recorded", "method": "median over the lesions of a patient"}
    return settle(assumption_result(f"dose.lesion.{span}.{patient}", doses, **about), book.manifest)


def calculator_forms() -> Calculators:
    """All calculators of the chapter as forms with sliders."""
    return Calculators(calculators.calculators())
