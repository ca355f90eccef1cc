"""The error of a view: it names the view, the element, the expression and the position."""

from __future__ import annotations

from adapters.errors import InputError


class ViewError(InputError):
    """A ViewDefinition is wrong or unsupported, or the data break what it declares (several values where it declares one).

    Attributes
    ----------
    view : name of the view, or `(unnamed view)`
    element : where in the ViewDefinition, such as `select[0].column[2].path`
    expression : the FHIRPath text, empty when the fault is not in one
    position : offset of the fault in the expression, counted from 0; None when there is no expression
    """

    def __init__(
        self,
        reason: str,
        *,
        view: str = "",
        element: str = "",
        expression: str = "",
        position: int | None = None,
    ) -> None:
        self.reason = reason
        self.view = view or "(unnamed view)"
        self.element = element
        self.expression = expression
        self.position = position
        super().__init__(self._message())

    def _message(self) -> str:
        where = f"view {self.view}"
        if self.element:
            where += f", {self.element}"
        if self.expression:
            where += f", {shortened(self.expression)!r}"
        if self.position is not None:
            where += f" at {self.position}"
        return f"{where}: {self.reason}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.reason, self.view, self.element, self.expression, self.position))


def _rebuild(reason: str, view: str, element: str, expression: str, position: int | None) -> ViewError:
    return ViewError(reason, view=view, element=element, expression=expression, position=position)


class ExpressionError(Exception):
    """A fault in a FHIRPath expression; the code that knows the view turns it into a ViewError."""

    def __init__(self, reason: str, position: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


def shortened(text: str, limit: int = 120) -> str:
    """One printable line of at most `limit` characters."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= limit else line[: limit - 1] + "…"
