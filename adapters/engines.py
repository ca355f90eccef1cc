"""What runs the views of a pull: this process, or Apache Spark for what one machine cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from adapters.errors import InputError

Build = Callable[..., Any]  # as adapters.tables.build_tables


def build_with(engine: str) -> Build:
    """The function that turns resources into tables. Raises InputError where this version has no such engine."""
    if engine == "local":
        from adapters.tables import build_tables

        return build_tables
    if find_spec("pyspark") is None or find_spec("adapters.spark") is None:
        remedy = "leave the option out; what is too large for one pull can be pulled in parts with --patients"
        raise InputError("there is no engine for Apache Spark in this version", "--engine spark", remedy)
    build: Build = import_module("adapters.spark").build_tables
    return build
