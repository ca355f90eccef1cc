"""Organs: what the body site of a resource means."""

from __future__ import annotations

import pandas as pd

from adapters.ledger import FindingKind
from adapters.tables.context import Context

SEVERAL = "other"


def sites_of(context: Context, rows: pd.DataFrame, table: str, *roles: str) -> pd.DataFrame:
    """resource_key and site for each organ of the resources in `rows`; unlisted body sites are a finding."""
    sites = context.coded.means("sites", *(roles or ("site",)))
    sites = sites[sites["resource_key"].isin(rows["resource_key"])]
    stated = context.coded.has("site")
    unlisted = rows[
        rows["resource_key"].isin(stated["resource_key"]) & ~rows["resource_key"].isin(sites["resource_key"])
    ].drop_duplicates("resource_key")
    context.dispositions.note_rows(unlisted, FindingKind.SITE_NOT_LISTED, table=table, path="bodySite")
    return sites[["resource_key", "means"]].rename(columns={"means": "site"}).drop_duplicates()


def single_site(context: Context, rows: pd.DataFrame, table: str, *roles: str) -> pd.Series:
    """The organ of each resource by key: the one it names, "other" where it names several organs at once."""
    sites = sites_of(context, rows, table, *roles)
    several = sites.duplicated("resource_key", keep=False)
    sites.loc[several, "site"] = SEVERAL
    return sites.drop_duplicates("resource_key").set_index("resource_key")["site"]
