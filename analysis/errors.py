"""Errors of the analysis: one line that says what, where and the remedy."""

from __future__ import annotations


class BookError(Exception):
    """The book cannot be built as asked; the command line prints the message and ends with exit code 2."""
