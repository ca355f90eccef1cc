"""The tidy tables that every source must deliver: column, dtype, unit, grain, missing rule; and how to read them.

Column texts make the data dictionary of the book. Days count from day 0 (first completed 177Lu-PSMA cycle);
ids are study ids; no table holds names, dates, source ids or free texts. The analysis imports this module only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from adapters.contract import parquet as stored
from adapters.contract.parquet import tables_folder
from adapters.contract.schema import Column, Table, conform_table
from adapters.contract.vocabulary import (
    ABSENT_REASONS,
    ANSWERS,
    COMPARATORS,
    CONDITIONS,
    CONTACT_SOURCES,
    DRUGS,
    MEASURES,
    PROCEDURES,
    SEXES,
    SITES,
    STATUSES,
    TRACERS,
)
from adapters.errors import ContractError
from adapters.ledger import SEVERITIES, FindingKind

if TYPE_CHECKING:
    import pyarrow.dataset as ds

__all__ = [
    "MEASURES",
    "TABLES",
    "Column",
    "ContractError",
    "Table",
    "conform",
    "data_dictionary",
    "empty_tables",
    "load_manifest",
    "load_tables",
    "scan",
    "tables_folder",
    "write_table",
]


_NO_BOUND = "no date, or a patient without day 0"
_NO_DAY_ZERO = f"{_NO_BOUND}, or a date not exact to the day"


def _patient() -> Column:
    return Column("patient_id", "id", "Study id of the patient, S01 onwards")


def _days(of: str, prefix: str = "") -> tuple[Column, ...]:
    return (
        Column(f"{prefix}day", "day", f"Day of {of}, only where exact to the day", "d", _NO_DAY_ZERO),
        Column(f"{prefix}day_min", "day", f"Earliest day of {of} that its date allows", "d", _NO_BOUND),
        Column(f"{prefix}day_max", "day", f"Latest day of {of} that its date allows", "d", _NO_BOUND),
    )


_SEQUENCE = "Sequence within patient and day by the original time, from 1; equal times share a number"
_ORDER = Column("order", "int", _SEQUENCE, missing="no date exact to the day", minimum=1)
_STATUS = Column("status", "cat", "State of the act as recorded", categories=STATUSES)

_PATIENTS = Table(
    "patients",
    "one row per patient",
    "Who is in the study, until when each patient was followed and whether death was observed.",
    (
        _patient(),
        Column("sex", "cat", "Administrative sex", categories=SEXES),
        Column("age_years", "float", "Exact days from birth to day 0 divided by 365.25", "a",
               "birth date not exact to the day, or no day 0", (), 0.0),
        Column("death_observed", "bool", "True where the patient is recorded as dead at or before the data cutoff"),
        *_days("death, as the patient record has it, else as the first vital status of dead", "death_"),
        Column("last_contact_day", "day", "Last day the patient is known to have been under observation", "d",
               "no dated record, or no day 0"),
        Column("last_contact_source", "cat", "What the last contact rests on", categories=CONTACT_SOURCES),
        Column("has_day_zero", "bool", "True where a day 0 exists, hence days"),
    ),
    ("patient_id",),
)  # fmt: skip

_CONDITIONS = Table(
    "conditions",
    "one row per patient, condition and site",
    "Diagnoses and metastatic sites, at their earliest recorded date.",
    (
        _patient(),
        Column("condition", "cat", "Which condition; suspected_ where no record confirms it", categories=CONDITIONS),
        Column("site", "cat", "Organ concerned; none where the condition has no site", categories=SITES),
        *_days("onset, else of recording"),
        Column("is_active", "bool", "False only where every record calls it inactive, resolved or in remission"),
    ),
    ("patient_id", "condition", "site"),
)

_PROCEDURES = Table(
    "procedures",
    "one row per act on the patient",
    "Therapies (177Lu-PSMA cycles, SIRT, 223Ra, external beam), work-up and imaging.",
    (
        _patient(),
        Column("procedure_id", "id", "Study id of the procedure, S01-P1 onwards within the patient"),
        Column("procedure", "cat", "Which procedure", categories=PROCEDURES),
        *_days("the beginning of the procedure"),
        _ORDER,
        Column(
            "activity_gbq", "float", "Administered activity", "GBq", "not recorded or no radioactive agent", (), 0.0
        ),
        Column("site", "cat", "Organ treated or imaged; none where not recorded", categories=SITES),
        Column("tracer", "cat", "PET tracer; none where there is none", categories=TRACERS),
        _STATUS,
    ),
    ("patient_id", "procedure_id"),
)

_MEDICATIONS = Table(
    "medications",
    "one row per drug line",
    "Systemic therapies before, during and after the study therapy.",
    (
        _patient(),
        Column("medication_id", "id", "Study id of the drug line, S01-M1 onwards within the patient"),
        Column("drug", "cat", "Which drug", categories=DRUGS),
        *_days("the first dose", "start_"),
        Column("end_day", "day", "Day of the last dose, only where exact to the day", "d", _NO_DAY_ZERO),
        _STATUS,
    ),
    ("patient_id", "medication_id"),
)

_OBSERVATIONS = Table(
    "observations",
    "one row per measurement",
    "Laboratory values, scores, lesion sizes and uptake, work-up results and coded findings.",
    (
        _patient(),
        Column("observation_id", "id", "Study id of the measurement, S01-O1 onwards within the patient"),
        Column("measure", "cat", "What was measured", categories=tuple(MEASURES)),
        Column("value", "float", "Measured number in `unit`", "see unit", "no number: see category, absent_reason"),
        Column("category", "cat", "Answer of a coded measure", "", "a measure with a number, or no answer", ANSWERS),
        Column("comparator", "cat", "True value lies on this side of `value`", "", "value is exact", COMPARATORS),
        Column("unit", "text", "Unit of value and limits: the one unit of the measure", "", "measure without numbers"),
        Column("lower_limit", "float", "Lower limit of normal that fits sex and age", "see unit", "not given"),
        Column("upper_limit", "float", "Upper limit of normal that fits sex and age", "see unit", "not given"),
        Column("lesion_id", "id", "Lesion measured", "", "not a measurement of a known lesion"),
        Column("tracer", "cat", "PET tracer of the scan", "", "no PET tracer recorded", TRACERS),
        Column("site", "cat", "Organ concerned", "", "not recorded", SITES),
        *_days("the measurement, of a period its beginning"),
        _ORDER,
        Column("absent_reason", "cat", "Why there is no value", "", "there is a value, or no reason was given",
               ABSENT_REASONS),
    ),
    ("patient_id", "observation_id"),
)  # fmt: skip

_LESIONS = Table(
    "lesions",
    "one row per lesion",
    "Lesions that were measured, each with its organ.",
    (
        _patient(),
        Column("lesion_id", "id", "Study id of the lesion, S01-L1 onwards within the patient"),
        Column("organ", "cat", "Organ of the lesion", categories=SITES),
        Column("is_node", "bool", "True for a lymph node"),
    ),
    ("patient_id", "lesion_id"),
)

FINDINGS = Table(
    "findings",
    "one row per kind of data-quality finding and place",
    "What the adapters noticed in the source and what they did about it; counts, never values.",
    (
        Column("finding", "cat", "Kind of finding", categories=tuple(kind.value for kind in FindingKind)),
        Column("severity", "cat", "How much it matters", categories=SEVERITIES),
        Column("table", "text", "Table concerned", "", "no single table"),
        Column("resource_type", "text", "FHIR resource type concerned", "", "no single type"),
        Column("path", "text", "FHIRPath of the element concerned", "", "no single element"),
        Column("measure", "text", "Measure, procedure or drug concerned", "", "no single one"),
        Column("patient_id", "id", "Study id of the patient concerned", "", "not about one patient"),
        Column("count", "int", "How often", minimum=1),
    ),
    ("finding", "table", "resource_type", "path", "measure", "patient_id"),
    unique=False,
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (_PATIENTS, _CONDITIONS, _PROCEDURES, _MEDICATIONS, _OBSERVATIONS, _LESIONS, FINDINGS)
}


def empty_tables() -> dict[str, pd.DataFrame]:
    """Every table of the contract without rows, with its dtypes."""
    return {name: table.empty() for name, table in TABLES.items()}


def conform(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` as the contract promises table `name`: columns in order, dtypes, ordered categories, sorted by keys.

    Raises ContractError naming table, column and rule (never a value) for unknown tables, missing or extra columns,
    values outside a closed list, missing cells where none may be missing, repeated keys, numbers below the minimum.
    """
    return conform_table(_table(name), frame)


def _table(name: str) -> Table:
    if name not in TABLES:
        raise ContractError(f"no table {name!r} in the contract; it has {', '.join(TABLES)}")
    return TABLES[name]


def load_tables(
    path: str | Path | None = None,
    names: Sequence[str] | None = None,
    columns: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
) -> Mapping[str, pd.DataFrame]:
    """Table name -> DataFrame with the contract's dtypes, each read from disk when first asked for.

    `path`: folder of a pull, else STUDY_TABLES, else the repository's data/tables/current. `names` limits the tables,
    `columns` the columns: one list for all tables (those a table lacks are skipped) or one list per table.
    Raises FileNotFoundError without tables, ContractError for unknown names.
    """
    wanted = {name: _table(name) for name in (TABLES if names is None else names)}
    for name in columns if isinstance(columns, Mapping) else ():
        _table(name)
    return stored.LazyTables(tables_folder(path), wanted, columns)


def scan(name: str, path: str | Path | None = None) -> ds.Dataset:
    """Table `name` as a pyarrow dataset, for more rows than fit into memory. Raises as `load_tables`."""
    return stored.dataset(_table(name), tables_folder(path))


def load_manifest(path: str | Path | None = None) -> dict[str, Any]:
    """What the pull wrote about itself (source, dispositions, queries, hashes). Raises FileNotFoundError."""
    return stored.read_manifest(tables_folder(path))


def write_table(name: str, frame: pd.DataFrame, folder: str | Path) -> Path:
    """Write `frame`, brought to the contract, to FOLDER/<name>.parquet; returns that path. Raises as `conform`."""
    return stored.write(_table(name), conform(name, frame), Path(folder))


def data_dictionary() -> pd.DataFrame:
    """One row per promised column: table, column, type, unit, values, description, missing."""
    return pd.DataFrame([row for table in TABLES.values() for row in table.dictionary()])
