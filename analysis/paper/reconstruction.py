"""What a result rests on: the published paper on the reconstructed cohort, the data on any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from analysis.opened_book import is_reconstruction
from analysis.paper.ranges import with_range
from analysis.results import Result

FROM_THE_PRINT = ("printed", "bounded", "free")


def settle(result: Result, manifest: Mapping[str, Any]) -> Result:
    """What the result rests on in this cohort: only the reconstruction can rest on the print, and has its range."""
    if is_reconstruction(manifest):
        return with_range(result)
    return replace(result, basis="data") if result.basis in FROM_THE_PRINT else result
