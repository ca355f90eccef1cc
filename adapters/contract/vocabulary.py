"""The words of the tables: closed lists of categories, and the measures with their units."""

from __future__ import annotations

SEXES = ("female", "male", "other", "unknown")


SITES = ("prostate", "liver", "bone", "lymph_node", "lung", "other", "none")


TRACERS = ("ga68_psma_11", "f18_psma_1007", "none")


STATUSES = ("completed", "in_progress", "stopped", "unknown")


PROCEDURES = (
    "lu_psma", "sirt", "ra223", "ebrt", "maa_workup", "angiography", "psma_pet", "ct", "mri", "lu_scintigraphy",
)  # fmt: skip


DRUGS = ("docetaxel", "cabazitaxel", "abiraterone", "enzalutamide", "adt")


_CONFIRMED = ("prostate_cancer", "castration_resistance", "metastasis", "ascites")


SUSPECTED = "suspected_"  # before the name of a condition that is not confirmed


CONDITIONS = (*_CONFIRMED, *(SUSPECTED + name for name in _CONFIRMED))


ANSWERS = (
    "progressive", "stable", "partial_response", "complete_response", "mixed", "improved",
    "present", "absent", "alive", "dead",
)  # fmt: skip


COMPARATORS = ("<", "<=", ">=", ">")


ABSENT_REASONS = ("unknown", "not_performed", "not_applicable", "masked", "error", "not_asked", "other")


CONTACT_SOURCES = ("death", "vital_status", "follow_up", "clinical_event", "none")


# measure -> unit of its values; an empty unit marks a measure whose answer is a category
MEASURES: dict[str, str] = {
    "psa": "ng/mL",
    "alp": "U/L",
    "ldh": "U/L",
    "alt": "U/L",
    "ast": "U/L",
    "ggt": "U/L",
    "bilirubin": "mg/dL",
    "creatinine": "mg/dL",
    "haemoglobin": "g/dL",
    "leukocytes": "10*9/L",
    "neutrophils": "10*9/L",
    "lymphocytes": "10*9/L",
    "platelets": "10*9/L",
    "albumin": "g/L",
    "inr": "1",
    "testosterone": "ng/mL",
    "nse": "ng/mL",
    "chromogranin_a": "ng/mL",
    "ecog": "score",
    "gleason_score": "score",
    "weight": "kg",
    "height": "cm",
    "body_surface_area": "m2",
    "lesion_diameter": "mm",
    "lesion_short_axis": "mm",
    "suv_max": "SUV",
    "suv_mean": "SUV",
    "lung_shunt_fraction": "%",
    "liver_volume": "mL",
    "tumour_volume": "mL",
    "absorbed_dose": "Gy",
    "disease_status": "",
    "vital_status": "",
    "gi_flow": "",
    "ascites": "",
}
