"""The errors a user can meet, each with the exit code of the command line.

Every message is one line: what is wrong, where (file, line, entry or query), and what to do about it.
"""

from __future__ import annotations

from adapters.plain_text import visible


class AdapterError(Exception):
    """Base of all errors that this package raises on purpose; the parts are joined into one line."""

    exit_code = 1

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        located = f"{where}: {what}" if where else what
        super().__init__(visible(f"{located}; {remedy}" if remedy else located))


class ContractError(ValueError):
    """A table does not keep what the contract promises; the message names table, column and rule, never a value."""


class InputError(AdapterError):
    """The input or the call is wrong (exit code 2)."""

    exit_code = 2


class IncompleteError(AdapterError):
    """A source did not give everything (exit code 3)."""

    exit_code = 3
