"""What is not compiled is evaluated by fhirpathpy; slow, counted, and never silent."""

from __future__ import annotations

from typing import Any

from adapters.sql_on_fhir.complete import references
from adapters.sql_on_fhir.complete.typed import Environment, Scope, Settings, Typed
from adapters.sql_on_fhir.language.errors import ExpressionError


def compile_fallback(text: str, scope: Scope, settings: Settings) -> Typed:
    """The expression as a function that asks fhirpathpy."""
    import fhirpathpy
    from fhirpathpy.models import models

    with _Translated("not a FHIRPath expression the fallback knows"):
        evaluate = fhirpathpy.compile(text, models["r4"], {"userInvocationTable": _own_functions(settings)})
    constants = {name: value for name, (value, _) in settings.constants.items()}

    def run(focus: list[Any], env: Environment) -> list[Any]:
        variables = constants | {"resource": env.resource, "rootResource": env.resource, "rowIndex": env.row_index}
        with _Translated("the fallback cannot evaluate this expression on this resource"):
            return list(evaluate(_copied(focus), variables))

    return Typed(run, None)


class _Translated:
    """fhirpathpy raises bare `Exception`; whatever comes out of it becomes an ExpressionError."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, Exception):
            raise ExpressionError(self.reason) from fault


def _own_functions(settings: Settings) -> dict[str, Any]:
    return {
        "getResourceKey": {
            "fn": lambda items: [
                references.resource_key(item.data if hasattr(item, "data") else item) for item in items
            ]
        },
        "getReferenceKey": {
            "fn": lambda items: [
                references.reference_key(item.data if hasattr(item, "data") else item) for item in items
            ]
        },
    }


def _copied(value: Any) -> Any:
    """fhirpathpy writes type marks into what it is given; it gets a copy."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
