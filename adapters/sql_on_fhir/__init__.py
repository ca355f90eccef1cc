"""Run SQL on FHIR ViewDefinitions: tables out of resources, by FHIRPath compiled to Python.

    view = compile_view(definition)
    for row in view.rows(resources): ...

SQL on FHIR 2.0 and 3.0-ballot views; FHIRPath's functions but the few listed in `functions.FALLBACK_ONLY`,
which fhirpathpy evaluates.

To read it, follow a view on its way:

1. What the view says: `syntax`, `parser` (FHIRPath), `definition` (the view, checked), `elements` (what FHIR
   declares), `errors`.
2. The complete form, which asks nothing of the data's shape: `typed`, `closures`, `operators`, `functions` and
   `functions_*`, on `values`, `temporal`, `references`, `primitives`; `columns`, `tolerant` (rows); `fallback`.
3. The fast form, Python source that trusts the shape FHIR declares: `shapes` (what is decoded), `source`, `fast`,
   `fast_functions`, `fast_view`, `fast_values`, `fast_runtime`. Whatever it does not trust goes to the complete form.
4. Both in one: `compiled`; checks of what a view reads: `reads`, `checks`.
5. Files: `blocks`, `lines`, `worker`, `pool`, `stream`; rows out: `texts`, `arrow`, `parquet`, `output`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.sql_on_fhir.compiled import CompiledView, Finding, ViewColumn
from adapters.sql_on_fhir.language.errors import ViewError

__all__ = ["CompiledView", "Finding", "ViewColumn", "ViewError", "compile_view"]


def compile_view(
    view: Mapping[str, Any], *, own_bases: Iterable[str] | None = None, fallback: bool = True
) -> CompiledView:
    """Check and compile a ViewDefinition.

    Parameters
    ----------
    view : the ViewDefinition as dict
    own_bases : server base URLs whose absolute references count as own; None lets every absolute reference
        count, an empty list none
    fallback : whether expressions that are not compiled may be evaluated by fhirpathpy

    Raises
    ------
    ViewError : names the view, the element, the expression and the position of the fault
    """
    bases = None if own_bases is None else tuple(base.rstrip("/") for base in own_bases)
    return CompiledView(view, bases, fallback)
