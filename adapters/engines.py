"""What runs the views of a pull: this process, or Apache Spark for what one machine cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from adapters.errors import InputError

Build = Callable[..., Any]  # as adapters.tables.build_tables


def build_with(engine: str) -> Build:
    """The function that turns resources into tables. Raises InputError if the engine is not installed."""
    if engine == "local":
        from adapters.tables import build_tables

        return build_tables
    if find_spec("pyspark") is None or find_spec("adapters.spark") is None:
        raise InputError("Apache Spark is not installed", "--engine spark", "install the extra [spark]")
    build: Build = import_module("adapters.spark").build_tables
    return build
