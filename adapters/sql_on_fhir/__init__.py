"""Run SQL on FHIR ViewDefinitions: tables out of FHIR resources, by FHIRPath compiled to Python.

    view = compile_view(definition)
    for row in view.rows(resources): ...

It runs views of SQL on FHIR 2.0 and 3.0-ballot, with the functions of FHIRPath but UNSUPPORTED_FUNCTIONS.
README.md beside this file says how to use it, and in which order to read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.sql_on_fhir.compiled import CompiledView, Finding, ViewColumn
from adapters.sql_on_fhir.complete.functions import UNSUPPORTED_FUNCTIONS
from adapters.sql_on_fhir.language.errors import ViewError

__all__ = ["UNSUPPORTED_FUNCTIONS", "CompiledView", "Finding", "ViewColumn", "ViewError", "compile_view"]


def compile_view(view: Mapping[str, Any], *, own_bases: Iterable[str] | None = None) -> CompiledView:
    """Check and compile a ViewDefinition.

    Parameters
    ----------
    view : the ViewDefinition as dict
    own_bases : server base URLs whose absolute references count as own; None lets every absolute reference
        count, an empty list none

    Raises
    ------
    ViewError : for a view that is wrong or unsupported; names the view, the element, the expression and the position
    """
    bases = None if own_bases is None else tuple(base.rstrip("/") for base in own_bases)
    return CompiledView(view, bases)
