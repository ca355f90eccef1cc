"""Diagnoses and metastatic sites: Conditions, and Observations whose code is a condition (MII: Fernmetastasen)."""

from __future__ import annotations

import pandas as pd

from adapters.contract import SUSPECTED
from adapters.ledger import FindingKind
from adapters.tables.clinical.certainty import with_certainty
from adapters.tables.clinical.sites import sites_of
from adapters.tables.context import Context
from adapters.tables.extract.views import no_rows, stacked
from adapters.tables.measurements.observations import STARTS

TABLE = "conditions"
_SITED = ("prostate_cancer", "metastasis")
SITED = frozenset({*_SITED, *(SUSPECTED + name for name in _SITED)})  # other conditions have no organ of their own
_STARTS = ("onset_at", "onset_start", "recorded_at")
_COLUMNS = ["resource_key", "resource_type", "patient", "condition", "site", "first", "last", "at", "is_active"]


def observed_conditions(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """resource_key and means of Observations whose code is a condition and no measure."""
    meanings = context.coded.means(TABLE, "code")
    meanings = meanings[meanings["resource_key"].isin(frame["resource_key"]) & (meanings["part"] < 0)]
    measures = context.coded.means("observations", "code")["resource_key"]
    return meanings[~meanings["resource_key"].isin(measures)]


def reported(context: Context, frame: pd.DataFrame, observations: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    """One row per resource and site: patient, condition, site, first, last, at, is_active, resource_key."""
    if frame.empty:
        texts = ("resource_type", "patient", "condition", "site")
        none = no_rows(*texts, numbers=("resource_key", "first", "last", "at"), flags=("is_active",))
        return stacked(none, _observed(context, observations, observed))
    means = context.coded.means(TABLE, "code")
    means = context.one_meaning(means[means["resource_key"].isin(frame["resource_key"])], TABLE)
    frame = context.valid(frame, frame["resource_key"].isin(means["resource_key"]))
    own = frame.merge(means[["resource_key", "means"]], on="resource_key").rename(columns={"means": "condition"})
    own = context.dated(own, _STARTS, None, "onset or recordedDate")
    own = with_certainty(context, own, TABLE)
    own = _with_sites(context, own, "code", "site")
    own["site"] = own["site"].fillna("none")
    return stacked(own[_COLUMNS], _observed(context, observations, observed))


def _observed(context: Context, observations: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    """Rows of Observations; an Observation that names no listed organ gives no row."""
    if observed.empty:
        return pd.DataFrame(columns=_COLUMNS)
    whole = observations[observations["part"] < 0]
    whole = context.valid(whole, whole["resource_key"].isin(observed["resource_key"]))
    observed = context.one_meaning(observed, TABLE)
    rows = whole.merge(observed[["resource_key", "means"]], on="resource_key").rename(columns={"means": "condition"})
    rows = context.dated(rows, STARTS, "period_end", "effective").assign(is_active=True)
    rows = _with_sites(context, rows, "answer", "site")
    context.dispositions.need(rows["resource_key"])
    context.dispositions.note_rows(
        rows[rows["site"].isna()], FindingKind.ANSWER_NOT_LISTED, "condition", table=TABLE, resource_type="Observation",
        path="value",
    )  # fmt: skip
    return rows.loc[rows["site"].notna(), _COLUMNS]


def _with_sites(context: Context, rows: pd.DataFrame, *roles: str) -> pd.DataFrame:
    """One row per organ that codes in `roles` name; no organ for conditions that have none of their own."""
    sited = rows[rows["condition"].isin(SITED)]
    sites = sites_of(context, sited, TABLE, *roles)
    several = sites.duplicated("resource_key", keep=False) & (sites["site"] == "other")
    rows = rows.merge(sites[~several], on="resource_key", how="left")
    return rows[~context.dispositions.is_out(rows["resource_key"])]


def united(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """One row per patient, condition and site: bounds of the earliest date, active where any record says so."""
    rows = context.before_cutoff(rows, TABLE)
    context.dispositions.use(rows["resource_key"])
    confirmed = set(zip(rows["patient"], SUSPECTED + rows["condition"].astype(str), rows["site"], strict=True))
    same = pd.Series(zip(rows["patient"], rows["condition"], rows["site"], strict=True), index=rows.index, dtype=object)
    rows = rows[~same.isin(confirmed)]  # what one record suspects and another confirms is confirmed
    grouped = rows.groupby(["patient", "condition", "site"], sort=True)
    sites = grouped.agg(first=("first", "min"), last=("last", "min"), is_active=("is_active", "max"))
    return sites.reset_index()
