"""Small cohorts of every kind for the lesion chapter."""

from __future__ import annotations

from analysis.settings import load_study
from tests.support.study_tables import F18, GA, Patient

STUDY = load_study()
TWO = {
    "S01-L1": {-5: 20.0, 45: 18.0, 130: 30.0, 200: 20.0},
    "S01-L2": {-5: 40.0, 45: 30.0, 130: 20.0, 200: 20.0},
}
BOTH = Patient(
    "S01",
    lu=[0, 50, 100],
    sirt=[150],
    pet={-5: GA, 130: GA, 200: GA},
    mm=TWO,
    suv={"S01-L1": {-5: (9.0, GA), 130: (10.0, GA), 200: (5.0, GA)}, "S01-L2": {-5: (19.0, GA)}},
)
COHORTS = {
    "nobody": [],
    "one patient": [BOTH],
    "no imaging": [Patient("S01", lu=[0])],
    "no liver metastases": [Patient("S01", lu=[0], liver=False)],
    "no SIRT": [Patient("S01", lu=[0], pet={-5: GA, 60: GA}, mm={"S01-L1": {-5: 30.0, 60: 40.0}})],
    "only SIRT": [Patient("S01", sirt=[0], pet={-5: GA, 60: GA})],
    "PET without diameters": [Patient("S01", lu=[0], pet={-5: GA, 60: GA})],
    "one lesion": [Patient("S01", lu=[0], pet={-5: F18, 60: F18}, mm={"S01-L1": {-5: 30.0, 60: 0.0}})],
    "other tracer": [
        Patient(
            "S01",
            lu=[0],
            sirt=[50],
            pet={-5: GA, 40: GA, 90: F18},
            suv={"A": {40: (9.0, GA), 90: (4.0, F18)}},
            mm={"A": {-5: 30.0, 40: 31.0, 90: 20.0}},
        )
    ],
}
