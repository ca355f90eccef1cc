"""Tables of the dosimetry chapter that say what they rest on: what SIRT doses were computed from, lesion doses by patient."""

from __future__ import annotations

import pandas as pd

from analysis.dosimetry.lesion_dose import lesion_doses
from analysis.estimates import assumption_result
from analysis.opened_book import Book
from analysis.paper.reconstruction import settle
from analysis.report.tables import Folded, Table
from analysis.results import Result

CHOSEN = (
    "The tumour volumes of this cohort were chosen to meet the printed activity; they do not follow from its lesions."
)
SPANS = ("cycle", "course")


def sirt_inputs(sirt: pd.DataFrame, *, reconstruction: bool) -> Folded:
    """Body, liver and tumour of each SIRT, the tumour beside the patient's lesions; `sirt` from `sirt_table`."""
    headers = {
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
    whole = dict.fromkeys(("height_cm", "weight_kg", "liver_ml", "tumour_ml", "lesions_ml"), 0)
    decimals = whole | {"body_surface_m2": 2, "tumour_share": 2, "shunt_factor": 1}
    caption = "SIRT by patient: body, liver and tumour" + (f". {CHOSEN}" if reconstruction else "")
    table = Table(sirt[list(headers)], caption, "dosimetry_sirt_inputs", headers=headers, decimals=decimals)
    return Folded("What these doses were computed from", table)


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
