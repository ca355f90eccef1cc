"""Lesions: BodyStructures that measurements point to, by focus or by the body site extension."""

from __future__ import annotations

import pandas as pd

from adapters.contract import MEASURES
from adapters.ledger import FindingKind, LeftOutReason
from adapters.tables.clinical.sites import single_site
from adapters.tables.context import Context
from adapters.tables.extract.joins import one_of_each
from adapters.tables.extract.views import no_rows, stacked, texts_that

TABLE = "lesions"
_OF_LESIONS = ("lesion_", "suv_")  # measures of single lesions begin so
KIND = "BodyStructure"


def known_lesions(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """One row per lesion of the cohort: patient, lesion (its key), organ, is_node; records of one identifier are one."""
    if frame.empty:
        return no_rows("patient", "lesion", "organ", numbers=("resource_key",), flags=("is_node",))
    sound = context.valid(frame, pd.Series(True, index=frame.index))
    sites = single_site(context, sound, TABLE)
    owner = dict(zip(sound["resource_key"], sound["patient"], strict=True))
    same = one_of_each(context.extract.frames.get("identifiers"), KIND, owner)
    rows = sound.assign(lesion=context.extract.texts(map(same.__getitem__, sound["resource_key"])))
    rows = rows.assign(organ=sound["resource_key"].map(sites).fillna("none"))
    rows["is_node"] = rows["organ"] == "lymph_node"
    return rows[["resource_key", "patient", "lesion", "organ", "is_node"]]


def lesion_of(context: Context, observations: pd.DataFrame, lesions: pd.DataFrame) -> pd.Series:
    """The lesion of each row of `observations`, missing where it points to none of its own patient's lesions."""
    if lesions.empty:
        return pd.Series(None, index=observations.index, dtype=object)
    links = context.links
    links = links[(links["role"] == "lesion") & links["target_key"].notna()]
    links = links[texts_that(links["target_key"], lambda text: text.startswith(KIND))]
    target = links.assign(structure=context.resolved(links["target_key"], KIND)).dropna(subset=["structure"])
    target = target.merge(lesions, left_on="structure", right_on="resource_key", suffixes=("", "_of"))
    target = target[["resource_key", "patient", "lesion"]].drop_duplicates()
    target = target[~target.duplicated("resource_key", keep=False)].set_index("resource_key")
    lesion = observations["resource_key"].map(target["lesion"])
    owner = observations["resource_key"].map(target["patient"])
    return lesion.where(owner == observations["patient"], None).astype(object)


def note_unidentified(context: Context, observations: pd.DataFrame) -> None:
    """Sizes and uptakes that point to no lesion: two of them cannot be told from two measurements of one lesion."""
    measures = [name for name in MEASURES if name.startswith(_OF_LESIONS)]
    rows = observations[observations["measure"].isin(measures) & observations["lesion"].isna()]
    where = {"table": "observations", "resource_type": "Observation", "path": "focus"}
    context.dispositions.note_rows(rows, FindingKind.LESION_NOT_IDENTIFIED, "measure", **where)


def measured(context: Context, lesions: pd.DataFrame, observations: pd.DataFrame) -> pd.DataFrame:
    """The lesions that rows of `observations` belong to, one row each; the others are left out."""
    pointed = lesions["lesion"].isin(observations["lesion"].dropna())
    context.dispositions.leave_out(lesions.loc[~pointed, "resource_key"], LeftOutReason.NOT_REFERRED_TO)
    context.dispositions.use(lesions.loc[pointed, "resource_key"])
    used = lesions[pointed].sort_values(["organ"], kind="stable")
    named = used[used["organ"] != "none"].drop_duplicates("lesion")
    unnamed = used[~used["lesion"].isin(named["lesion"])].drop_duplicates("lesion")
    context.dispositions.note_rows(unnamed, FindingKind.LESION_WITHOUT_SITE, table=TABLE)
    return stacked(named, unnamed)
