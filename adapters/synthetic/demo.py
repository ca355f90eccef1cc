"""The demo: the synthetic cohort as FHIR files, byte-identical on every run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters.progress import Progress, silent
from adapters.synthetic.fhir.build import build_cohort, build_patient, checked_json, dialect_named
from adapters.synthetic.fhir.cohort import COHORT, Patient, load_cohort
from adapters.synthetic.fhir.irregular import with_liver_metastases
from adapters.synthetic.fhir.record import RECONSTRUCTION, RESAMPLED, Dialect, Resource
from adapters.synthetic.fhir.write import (
    Line,
    bundle_head,
    collection_entry,
    for_transaction,
    transaction_entry,
    write_bundle,
    write_ndjson,
)
from adapters.synthetic.resample import Template, resampled, template

BUNDLE_TYPES = {"mcode": "transaction", "mii": "collection"}
FORMATS = ("bundle", "ndjson")


def write_demo(
    out: Path,
    *,
    dialect: str = "mcode",
    form: str = "bundle",
    patients: int | None = None,
    cohort: Path = COHORT,
    progress: Progress = silent,
) -> list[Path]:
    """Write the synthetic cohort as FHIR R4 into the folder `out` and return the files written.

    `dialect` is mcode or mii; `form` bundle (one `demo.json`) or ndjson (one file a resource type). With `patients`, so
    many patients are drawn with replacement from those of the study, with new ids and shifted dates. An earlier demo in
    the folder is replaced, as a whole or not at all. Raises ValueError where an argument is none of these.
    """
    if form not in FORMATS:
        raise ValueError(f"no format {form!r}: choose {' or '.join(FORMATS)}")
    made = dialect_named(dialect)
    transaction = form == "bundle" and BUNDLE_TYPES[dialect] == "transaction"
    tag = RECONSTRUCTION if patients is None else RESAMPLED
    lines = _with_progress(_lines(load_cohort(cohort), made, tag, patients, transaction=transaction), progress)
    if form == "ndjson":
        return write_ndjson(out, lines)
    entry = transaction_entry if transaction else collection_entry
    return write_bundle(out, bundle_head(BUNDLE_TYPES[dialect], tag), map(entry, lines))


def _with_progress(lines: Iterator[Line], progress: Progress) -> Iterator[Line]:
    """The lines, with a call of `progress` before each."""
    for number, line in enumerate(lines, start=1):
        progress("writing", number)
        yield line


def _lines(
    cohort: list[Patient], dialect: Dialect, tag: str, patients: int | None, *, transaction: bool
) -> Iterator[Line]:
    if patients is None:
        for resources in build_cohort(cohort, dialect, tag):
            yield from _checked(resources, transaction=transaction)
        return
    yield from _checked(dialect.shared(tag), transaction=transaction)
    for copied in resampled(_templates(cohort, dialect, transaction=transaction), patients):
        yield from copied


def _templates(cohort: list[Patient], dialect: Dialect, *, transaction: bool) -> list[Template]:
    """One template for each patient of the study's analysis."""
    return [
        template(facts.name, _checked(build_patient(facts, dialect, RESAMPLED), transaction=transaction))
        for facts in cohort
        if facts.rows("cycles") and with_liver_metastases(facts)
    ]


def _checked(resources: list[Resource], *, transaction: bool) -> list[Line]:
    chosen = for_transaction(resources) if transaction else resources
    return [(resource["resourceType"], resource["id"], checked_json(resource)) for resource in chosen]
