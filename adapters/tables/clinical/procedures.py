"""Procedures and administrations of radiopharmaceuticals -> acts on the patient, before merging and days."""

from __future__ import annotations

import pandas as pd

from adapters.ledger import FindingKind
from adapters.tables.clinical.cohort import TIMED
from adapters.tables.clinical.sites import single_site
from adapters.tables.context import Context
from adapters.tables.extract.views import rows_where, stacked
from adapters.tables.values.units import ACTIVITY, ACTIVITY_UNIT

TABLE = "procedures"
RADIOACTIVE = ("lu_psma", "sirt", "ra223")
NEEDS_TRACER = "psma_pet"  # a PET is one with a PSMA tracer only where the tracer is known


def listed(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the columns procedure and drug: what its codes mean; rows of conflicting codes are gone."""
    acts = context.acts_named("procedures").assign(list="procedure")
    drugs = context.acts_named("medications").assign(list="drug")
    both = stacked(acts, drugs)
    both = context.one_meaning(both[both["resource_key"].isin(frame["resource_key"])], TABLE)
    for name in ("procedure", "drug"):
        means = both[both["list"] == name].set_index("resource_key")["means"]
        frame = frame.assign(**{name: frame["resource_key"].map(means)})
    known = frame["procedure"].notna() | frame["drug"].notna()
    _note_uncertain(context, frame[~known])
    sound = context.valid(frame, known)
    return rows_where(sound, ~context.dispositions.is_out(sound["resource_key"]))


def _note_uncertain(context: Context, frame: pd.DataFrame) -> None:
    """A listed therapy as agent or reason of an act whose own code is not listed: perhaps a therapy, perhaps a scan."""
    for name, path in (("tracer", "usedCode"), ("reason", "reasonCode")):
        means = context.coded.means(TABLE, name).drop_duplicates("resource_key").set_index("resource_key")["means"]
        rows = frame.assign(named=frame["resource_key"].map(means))
        rows = rows[rows["named"].notna()]
        context.dispositions.note_rows(rows, FindingKind.CODE_WITHOUT_ROW, "named", table=TABLE, path=path)


def acts(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """One row per resource: patient, procedure, first, last, at, activity_gbq, site, tracer, status, resource_key."""
    rows = frame[frame["procedure"].notna()].reset_index(drop=True)
    tracers = context.one_meaning(context.coded.means("tracers", "tracer"), TABLE)
    rows["tracer"] = rows["resource_key"].map(tracers.set_index("resource_key")["means"]).fillna("none")
    rows = rows[(rows["procedure"] != NEEDS_TRACER) | (rows["tracer"] != "none")]
    rows = rows[~context.dispositions.is_out(rows["resource_key"])]
    rows = context.dated(rows, TIMED, "period_end", "performed or effective")
    rows = context.before_cutoff(rows, TABLE)
    rows["site"] = rows["resource_key"].map(single_site(context, rows, TABLE)).fillna("none")
    rows["status"] = status_of(context, rows["status"])
    rows["activity_gbq"] = _activities(context, rows)
    return rows


def note_duplicates(context: Context, rows: pd.DataFrame) -> None:
    """Equal acts of one patient at one time under different ids: a finding, since both may be true."""
    same = ["patient", "procedure", "first", "last", "at", "activity_gbq", "site", "tracer"]
    dated = rows[rows["first"].notna()]
    context.dispositions.note_rows(
        dated[dated.duplicated(same)], FindingKind.POSSIBLE_DUPLICATE, "procedure", table=TABLE
    )


def status_of(context: Context, statuses: pd.Series) -> pd.Series:
    """The status of the contract for each FHIR status; unknown where it is missing."""
    system = "http://hl7.org/fhir/event-status"
    means = {code: context.lists.means("statuses", system, code) for code in statuses.dropna().unique()}
    return statuses.map(means).fillna("unknown").astype(object)


def _activities(context: Context, rows: pd.DataFrame) -> pd.Series:
    """Administered activity in GBq; NaN where none is stated, or in a unit that is none of activity."""
    activities_gbq: dict[int, float] = {}
    stated = rows[rows["procedure"].isin(RADIOACTIVE) & rows["activity_value"].notna()]
    unknown, impossible = [], []
    for row in stated.itertuples():
        factor = context.units.factor(ACTIVITY, row.activity_code, row.activity_unit, ACTIVITY_UNIT)
        if factor is None:
            unknown.append(row.Index)
        elif not 0 <= (gbq := factor.apply(row.activity_value)) < float("inf"):
            impossible.append(row.Index)
        else:
            activities_gbq[row.Index] = gbq
    for indexes, kind in ((unknown, FindingKind.UNKNOWN_UNIT), (impossible, FindingKind.IMPLAUSIBLE_VALUE)):
        context.dispositions.note_rows(rows.loc[indexes], kind, "procedure", table=TABLE, path="activity_gbq")
    return pd.Series(activities_gbq, dtype=float).reindex(rows.index)
