"""What an act on the patient is: its code decides, then its category, method or modality, then its agent or reason."""

from __future__ import annotations

import pandas as pd

from adapters.tables.extract.coded import Coded
from adapters.tables.extract.views import stacked

LISTS = ("procedures", "medications")
_KIND = ("category", "method", "modality")  # each classifies the act itself
_HINTS = ("tracer", "reason")  # an agent is also used in scans, and a therapy is also the reason for a catheter
_KEY = "resource_key"


def acts_named(coded: Coded, name: str) -> pd.DataFrame:
    """What acts are by the list `name`: resource_key, part, means.

    A listed code decides alone. Else the category, the method and the modality do. The agent and the reason do only
    where the code is that of a therapy of any kind (list generic_procedures), or where no code is given.
    """
    by_code = coded.means(name, "code")
    if not coded.any_in(*_KIND, *_HINTS):
        return by_code
    decided = _keys(coded, "code")
    by_kind = coded.means(name, *_KIND)
    by_kind = by_kind[~by_kind[_KEY].isin(decided)]
    decided |= _keys(coded, *_KIND)
    generic = coded.means("generic_procedures", "code", "category")[_KEY]
    hints = coded.means(name, *_HINTS)
    hints = hints[~hints[_KEY].isin(decided)]
    is_open = hints[_KEY].isin(generic) | ~hints[_KEY].isin(coded.with_code("code")[_KEY])
    return stacked(by_code, by_kind, hints[is_open]).drop_duplicates(ignore_index=True)


def _keys(coded: Coded, *roles: str) -> set[int]:
    """The resources that a list of acts knows by these roles."""
    return {key for name in LISTS for key in coded.means(name, *roles)[_KEY]}
