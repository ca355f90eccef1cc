"""Who is in the imaging subgroup, and for which comparison can each of its patients be used?

"The presence of liver metastases and the availability of PET imaging before and after radionuclide therapy" (Patients).
The response to 177Lu-PSMA leaves out those whose SIRT came first; best against worst needs several lesions; SUVmax by
response needs 68Ga-PSMA-11 at baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.lesions import best_and_worst, lesion_changes
from analysis.response_criteria import patient_response
from analysis.response_scans import Tables, scans, staging

REASONS_LEFT_OUT = ("no_radionuclide_therapy", "no_pet_before", "no_pet_after")


def imaging_subgroup(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """One row per patient with liver metastases, index patient_id, sorted.

    Columns, all bool but the last two: in_subgroup, lu_evaluable (response to 177Lu-PSMA before any SIRT),
    sirt_evaluable (response to SIRT), multiple_lesions (lu_evaluable with at least two evaluable target lesions),
    ga68 (lu_evaluable with 68Ga-PSMA-11 at the baseline PET), sirt_first; baseline_tracer (string or NA);
    reason_left_out (one of `REASONS_LEFT_OUT`, NA for members). Empty, with these columns, for a cohort without such
    patients.
    """
    pet = staging(tables, study, shows="has_pet")
    treated = pet["lu_cycles"].add(pet["sirts"]).gt(0)
    before = pet["baseline"].notna() | (not study["subgroup"]["pet_before_and_after_required"])
    after = pet[["restaging", "final"]].notna().any(axis=1) | (not study["subgroup"]["pet_before_and_after_required"])
    frame = pd.DataFrame({"in_subgroup": treated & before & after}, index=pet.index)
    for name, therapy in (("lu_evaluable", "lu"), ("sirt_evaluable", "sirt")):
        evaluable = patient_response(lesion_changes(tables, study, therapy), study)["response"].dropna().index
        frame[name] = frame["in_subgroup"] & frame.index.isin(evaluable)
    frame["sirt_first"] = pet["sirt_first"]
    frame["lu_evaluable"] &= ~frame["sirt_first"]
    several = best_and_worst(lesion_changes(tables, study, "lu")).index
    frame["multiple_lesions"] = frame["lu_evaluable"] & frame.index.isin(several)
    frame["baseline_tracer"] = _tracer_at(pet["baseline"], scans(tables, study))
    frame["ga68"] = frame["lu_evaluable"] & frame["baseline_tracer"].eq("ga68_psma_11").fillna(False).astype(bool)
    reason = pd.Series(pd.NA, index=frame.index, dtype="string")
    reason = (
        reason.mask(~after, "no_pet_after").mask(~before, "no_pet_before").mask(~treated, "no_radionuclide_therapy")
    )
    return frame.assign(reason_left_out=reason)


def _tracer_at(scan: pd.Series, seen: pd.DataFrame) -> pd.Series:
    chosen = scan.dropna().rename("scan").astype("int64").reset_index()
    tracer = chosen.merge(seen, on=["patient_id", "scan"]).set_index("patient_id")["tracer"]
    return tracer.astype("string").reindex(scan.index)
