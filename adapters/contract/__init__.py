"""What the tables promise: columns, dtypes, units, closed lists; the settings they are pulled with; how they are stored.

The only part of the adapters that the analysis imports.
"""

from adapters.contract.pull_settings import require_settings_of_pull
from adapters.contract.study_file import read_study_file
from adapters.contract.tables import (
    FINDINGS,
    TABLES,
    Column,
    ContractError,
    Table,
    conform,
    data_dictionary,
    empty_tables,
    load_manifest,
    load_tables,
    scan,
    tables_folder,
    write_table,
)
from adapters.contract.typed_settings import SettingsError, nearest, typed, unknown
from adapters.contract.vocabulary import (
    ABSENT_REASONS,
    ANSWERS,
    COMPARATORS,
    CONDITIONS,
    DRUGS,
    MEASURES,
    PROCEDURES,
    SEXES,
    SITES,
    STATUSES,
    SUSPECTED,
    TRACERS,
)

__all__ = [
    "ABSENT_REASONS",
    "ANSWERS",
    "COMPARATORS",
    "CONDITIONS",
    "DRUGS",
    "FINDINGS",
    "MEASURES",
    "PROCEDURES",
    "SEXES",
    "SITES",
    "STATUSES",
    "SUSPECTED",
    "TABLES",
    "TRACERS",
    "Column",
    "ContractError",
    "SettingsError",
    "Table",
    "conform",
    "data_dictionary",
    "empty_tables",
    "load_manifest",
    "load_tables",
    "nearest",
    "read_study_file",
    "require_settings_of_pull",
    "scan",
    "tables_folder",
    "typed",
    "unknown",
    "write_table",
]
