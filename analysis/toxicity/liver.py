"""Is the liver injured by therapy, or is the disease in it growing? Values together, curves, and what is not recorded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.datasets.arms import ARMS, Tables
from analysis.datasets.baseline import baseline_windows, in_window, last_within, numbers
from analysis.datasets.windows import therapy_windows
from analysis.settings import Study
from analysis.toxicity.changes import changes

UMOL_PER_MG_BILIRUBIN = 17.104  # umol/L in 1 mg/dL
# Johnson et al., J Clin Oncol 2015;33:550-558: linear predictor and the bounds of grade 1 and 2
ALBI_BILIRUBIN, ALBI_ALBUMIN = 0.66, -0.085
ALBI_GRADE_1, ALBI_GRADE_2 = -2.60, -1.39
NO_SCORE = "no score"
RISES = ("alt", "ast", "ggt")  # the values whose rise the paper partly ascribes to hepatic progression
QUADRANTS = ("neither", "transaminases only", "bilirubin only", "both")


def hys_law_frame(tables: Tables, study: Study) -> pd.DataFrame:
    """Highest ALT or AST and highest bilirubin after day 0, in multiples of the upper limit of normal.

    One row per analysed patient: patient_id, arm, transaminase_uln, bilirubin_uln (NaN without value or limit),
    quadrant (one of `QUADRANTS`, NA where either is missing). The limits stand in the settings. Being in the upper
    right quadrant is Hy's law only when no other cause explains it; progression in the liver is one.
    """
    rules = study.toxicity
    windows = therapy_windows(tables, study)
    rows = numbers(tables, ("alt", "ast", "bilirubin"))
    inside = in_window(rows, windows[["worst_first", "worst_last"]].set_axis(["first_day", "last_day"], axis=1))
    multiple = inside["value"] / inside["upper_limit"].where(inside["upper_limit"] > 0)
    kind = inside["measure"].eq("bilirubin").map({True: "bilirubin_uln", False: "transaminase_uln"})
    highest = multiple.groupby([inside["patient_id"], kind.rename("kind")]).max().unstack("kind")
    frame = highest.reindex(index=windows.index, columns=["transaminase_uln", "bilirubin_uln"]).astype("float64")
    high_enzyme = frame["transaminase_uln"].ge(rules.hys_law_transaminase_uln)
    high_bilirubin = frame["bilirubin_uln"].ge(rules.hys_law_bilirubin_uln)
    position = high_enzyme.astype(int) + 2 * high_bilirubin.astype(int)
    quadrant = position.map(dict(enumerate(QUADRANTS))).astype("object").where(frame.notna().all(axis=1))
    frame = frame.assign(arm=windows["arm"], quadrant=pd.Categorical(quadrant, categories=list(QUADRANTS)))
    return frame.reset_index(names="patient_id")[["patient_id", "arm", "transaminase_uln", "bilirubin_uln", "quadrant"]]


def albi(bilirubin_mg_dl: pd.Series, albumin_g_l: pd.Series) -> pd.Series:
    """ALBI score; NaN where a value is missing or bilirubin is not positive.

    Source: Johnson et al., J Clin Oncol 2015;33:550-558.
    """
    umol = bilirubin_mg_dl.where(bilirubin_mg_dl > 0) * UMOL_PER_MG_BILIRUBIN
    return ALBI_BILIRUBIN * np.log10(umol) + ALBI_ALBUMIN * albumin_g_l


def albi_grade(score: pd.Series) -> pd.Series:
    """ALBI grade 1 to 3 (Int64): up to -2.60, up to -1.39, above; NA without a score."""
    grade = 1 + score.gt(ALBI_GRADE_1).astype("Int64") + score.gt(ALBI_GRADE_2).astype("Int64")
    return grade.mask(score.isna())


def albi_frame(tables: Tables, study: Study) -> pd.DataFrame:
    """ALBI at baseline and after therapy: patient_id, arm, baseline, followup, change, baseline_grade, followup_grade."""
    windows = therapy_windows(tables, study)
    rows = numbers(tables, ("bilirubin", "albumin"))
    after = windows[["followup_first", "followup_last"]].set_axis(["first_day", "last_day"], axis=1)
    scores = {}
    for name, window in (("baseline", baseline_windows(windows.index, study)), ("followup", after)):
        values = last_within(rows, window)["value"].astype("float64").unstack("measure")
        values = values.reindex(index=windows.index, columns=["bilirubin", "albumin"]).astype("float64")
        scores[name] = albi(values["bilirubin"], values["albumin"])
    frame = pd.DataFrame({"arm": windows["arm"], **scores})
    frame["change"] = frame["followup"] - frame["baseline"]
    for name in ("baseline", "followup"):
        frame[f"{name}_grade"] = albi_grade(frame[name])
    return frame.reset_index(names="patient_id")


def albi_shift(frame: pd.DataFrame) -> pd.DataFrame:
    """Patients by ALBI grade at baseline and after therapy, from `albi_frame`: arm, baseline, "1" to "3", "no score".

    Grades at baseline that nobody has are left out; the rows of an arm add up to its patients.
    """
    labels = ["1", "2", "3", NO_SCORE]
    words = frame[["baseline_grade", "followup_grade"]].astype("string").fillna(NO_SCORE)
    words = words.assign(arm=frame["arm"].astype("object"))
    counts = words.groupby(["arm", "baseline_grade", "followup_grade"]).size().unstack(fill_value=0)
    return counts.reindex(columns=labels, fill_value=0).reset_index().rename(columns={"baseline_grade": "baseline"})


def progression_frame(tables: Tables, study: Study, measure: str) -> pd.DataFrame:
    """Change of one laboratory value beside the course of the liver metastases up to the same day.

    `measure`: one of `toxicity.LABORATORY`. One row per analysed patient: patient_id, arm, change_pct, followup_day,
    hepatic_status (last coded disease status of the liver after day 0, not later than the follow-up window after the
    value; NA where none is recorded).
    """
    rows = changes(tables, study)
    rows = rows.loc[rows["measure"].eq(measure), ["patient_id", "arm", "change_pct", "followup_day"]]
    seen = tables["observations"]
    hepatic = seen["measure"].eq("disease_status") & seen["site"].eq("liver") & seen["category"].notna()
    status = seen.loc[hepatic & seen["day"].gt(0).fillna(False), ["patient_id", "day", "order", "category"]]
    status = status.astype({"patient_id": "object", "category": "object"})
    joined = status.merge(rows[["patient_id", "followup_day"]], on="patient_id")
    until = joined["followup_day"] + study.toxicity.followup_days
    joined = joined[joined["day"].astype("float64") <= until].sort_values(["patient_id", "day", "order"])
    last = joined.groupby("patient_id")["category"].last()
    return rows.assign(hepatic_status=rows["patient_id"].map(last).astype("object"))


def rise_frame(tables: Tables, study: Study, measures: Iterable[str] = RISES) -> pd.DataFrame:
    """How many values rose and what was coded of the liver: one row per measure and arm.

    Columns: measure, arm, n (patients with a change), risen, and of these progressive, other (another coded status) and
    not_recorded.
    """
    rows = []
    for measure in measures:
        changed = progression_frame(tables, study, measure).dropna(subset=["change_pct"])
        for arm in ARMS:
            group = changed[changed["arm"].eq(arm)]
            status = group.loc[group["change_pct"].gt(0), "hepatic_status"]
            progressive, unknown = int(status.eq("progressive").sum()), int(status.isna().sum())
            other = len(status) - progressive - unknown
            rows.append((measure, arm, len(group), len(status), progressive, other, unknown))
    return pd.DataFrame(rows, columns=["measure", "arm", "n", "risen", "progressive", "other", "not_recorded"])


def not_recorded_frame(tables: Tables) -> pd.DataFrame:
    """What a toxicity table of these therapies should hold and these tables do not: event, why, recorded (bool).

    Only ascites has a place in the tables; the others are never recorded there, so their absence says nothing.
    """
    rows = pd.read_csv(Path(__file__).with_name("not_recorded.csv"))
    seen = bool(tables["observations"]["measure"].eq("ascites").any())
    coded = bool(tables["conditions"]["condition"].eq("ascites").any())
    return rows.assign(recorded=rows["event"].eq("Ascites") & (seen or coded))
