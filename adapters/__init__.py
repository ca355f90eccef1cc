"""FHIR -> tidy tables. What others need of it: `load_tables`, `scan`, `load_manifest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapters.contract import load_manifest, load_tables, scan

__all__ = ["load_manifest", "load_tables", "scan"]


def __getattr__(name: str) -> Any:
    """Import the contract, and pandas with it, only when asked for: worker processes and `view` need neither."""
    if name in __all__:
        from adapters import contract

        return getattr(contract, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
