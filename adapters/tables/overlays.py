"""All overlays of the settings, read before any resource is: a fault in them costs no long pull."""

from __future__ import annotations

from adapters.fhir.codelists import load_code_lists
from adapters.settings import Settings
from adapters.tables.extract.views import load_views
from adapters.tables.values.units import load_units


def check_overlays(settings: Settings) -> None:
    """Read every overlay that the settings name. Raises InputError or ViewError naming file and remedy."""
    for name, load in (("codelists", load_code_lists), ("units", load_units), ("views", load_views)):
        folder = settings.overlay(name)
        if folder is not None:
            load(folder)
