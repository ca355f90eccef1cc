"""FHIR resources -> tidy tables: views, code lists, units, merges, lesions, last contact, study ids, contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import pandas as pd

from adapters.contract import FINDINGS, conform
from adapters.fhir.codelists import FOLLOW_UP, load_code_lists
from adapters.ledger import FindingKind, Ledger, LeftOutReason
from adapters.reading.undecoded import Undecoded
from adapters.settings import Settings
from adapters.tables.clinical import conditions, lesions, medications, patients, procedures, therapies
from adapters.tables.clinical.cohort import leave_out_others, members
from adapters.tables.clinical.last_contact import clinical_events, last_contacts
from adapters.tables.context import Context
from adapters.tables.days import day_zero, note_dates
from adapters.tables.extract.joins import BY_IDENTIFIER
from adapters.tables.extract.numbered import Numbered, numbered
from adapters.tables.extract.views import Extract, extract, kept, load_views, texts_that
from adapters.tables.measurements import observations
from adapters.tables.measurements.reference_ranges import add_limits
from adapters.tables.study_ids import StudyIds
from adapters.tables.tidy import Dated, tidy
from adapters.tables.values.units import load_units

__all__ = ["build_tables", "findings_table", "tables_of_extract"]

_CLINICAL = ("conditions", "procedures", "medications", "observations", "lesions")
JOINED = frozenset(
    {"BodyStructure", "Medication", "Procedure", "MedicationAdministration"}
)  # types joined by identifier
_NAMED = {"conditions": "condition", "procedures": "procedure", "medications": "drug", "observations": "measure"}


def build_tables(
    resources: Iterable[Mapping[str, Any] | Undecoded],
    *,
    settings: Settings,
    ledger: Ledger,
    ids: StudyIds | None = None,
    excluded: Mapping[str, LeftOutReason] | None = None,
) -> dict[str, pd.DataFrame]:
    """All tables of the contract.

    Parameters
    ----------
    resources : one version of each resource, with id, references settled as `Type/id` where they can be
    settings : cohort rule, time, reading, overlays
    ledger : takes one disposition for each resource, and the findings
    ids : study ids of earlier pulls, filled with the new ones; none means new ids for all
    excluded : Patient keys ("Patient/id") to leave out, with the reason; a person whom several linked Patient resources
        describe is left out only if all of them are excluded

    Raises InputError for wrong overlay files, ContractError where a table would break the contract.
    """
    views = load_views(settings.overlay("views"))
    return tables_of_extract(extract(resources, views), settings=settings, ledger=ledger, ids=ids, excluded=excluded)


def tables_of_extract(
    found: Extract,
    *,
    settings: Settings,
    ledger: Ledger,
    ids: StudyIds | None = None,
    excluded: Mapping[str, LeftOutReason] | None = None,
) -> dict[str, pd.DataFrame]:
    """As `build_tables`, from what the views gave, wherever they ran."""
    with pd.option_context("mode.copy_on_write", True):  # a frame made from another copies only what changes
        return _tables(numbered(found), settings, ledger, ids or StudyIds(), excluded or {})


def _tables(
    found: Numbered, settings: Settings, ledger: Ledger, ids: StudyIds, excluded: Mapping[str, LeftOutReason]
) -> dict[str, pd.DataFrame]:
    lists, units = load_code_lists(settings.overlay("codelists")), load_units(settings.overlay("units"))
    context = Context(found, settings, lists, units, excluded)
    frames = {name: context.owned(name) for name in _CLINICAL}
    cohort = members(context, frames["procedures"])
    leave_out_others(context, frames.values(), cohort)
    frames = {name: kept(frame, frame["patient"].isin(cohort)) for name, frame in frames.items()}
    dated, lesion_records = _dated(context, frames, cohort)
    tables, names = tidy(dated, ids, context.people.records, lesion_records)
    for name, frame in tables.items():
        if frame.empty:
            context.fates.note(FindingKind.EMPTY_TABLE, table=name, severity="info")
    _settle(context, names, ledger)
    return {**tables, "findings": findings_table(ledger)}


def _dated(context: Context, frames: dict[str, pd.DataFrame], cohort: set[str]) -> tuple[Dated, dict[str, list[str]]]:
    """All rows with their dates, and the source keys of each lesion."""
    found = patients.persons(context, cohort)
    known = procedures.listed(context, frames["procedures"])
    acts = therapies.merged(context, procedures.acts(context, known))
    procedures.note_duplicates(context, acts)
    observed = conditions.observed_conditions(context, frames["observations"])
    measured = observations.measurements(context, frames["observations"], observed["resource_key"])
    diagnosed = conditions.told(context, frames["conditions"], frames["observations"], observed)
    structures = lesions.known_lesions(context, frames["lesions"])
    measured["lesion"] = lesions.lesion_of(context, measured, structures)
    measured["tracer"] = observations.tracers(context, measured)
    measured["site"] = measured["resource_key"].map(lesions.single_site(context, measured, "observations"))
    measured = add_limits(context, measured, found)
    observations.note_duplicates(context, measured)
    lines = medications.drug_lines(context, frames["medications"], known)
    return _joined(context, found, {
        "conditions": conditions.united(context, diagnosed), "procedures": acts, "medications": lines,
        "observations": measured,
    }, structures)  # fmt: skip


def _joined(
    context: Context, found: pd.DataFrame, frames: dict[str, pd.DataFrame], structures: pd.DataFrame
) -> tuple[Dated, dict[str, list[str]]]:
    """Death, last contact and day 0 from the rows of all tables; what fed them is used."""
    for name, column in _NAMED.items():
        note_dates(context, frames[name], name, column)
    for name in ("procedures", "medications"):
        context.fates.use(chain.from_iterable(frames[name]["told_by"]))
    measured = frames["observations"]
    context.fates.use(measured["resource_key"])
    events = clinical_events([
        *((name, frames[name], "first") for name in ("conditions", "procedures", "medications")),
        ("medications", frames["medications"], "end"),
        ("observations", measured[~measured["measure"].isin(("vital_status", FOLLOW_UP))], "first"),
    ])  # fmt: skip
    found = patients.add_deaths(context, found, measured)
    found = found.join(last_contacts(context, found, measured, events))
    zero = day_zero(context, frames["procedures"], list(found.index))
    found = patients.check_births(context, found, zero)
    measured = kept(measured, measured["measure"] != FOLLOW_UP)
    found_lesions = lesions.measured(context, structures, measured)
    records: dict[str, list[str]] = defaultdict(list)
    for key, lesion in zip(structures["resource_key"], structures["lesion"], strict=True):
        records[lesion].append(context.extract.keys[key])
    frames = {**frames, "observations": measured}
    return Dated(people=found, lesions=found_lesions, zero=zero, **frames), dict(records)


def _settle(context: Context, names: Mapping[str, str], ledger: Ledger) -> None:
    """One disposition for each resource; Medications are used where something used refers to them."""
    found, fates = context.extract, context.fates
    links = context.medication_links
    referring = links[fates.is_used(links["resource_key"]) & ~fates.is_out(links["resource_key"])]
    fates.need(referring["medication"])
    medications = [number for number, key in enumerate(found.keys) if key.startswith("Medication/")]
    fates.leave_out((number for number in medications if not fates.needed[number]), LeftOutReason.NOT_REFERRED_TO)
    for key in referring["medication"].unique():
        if key in found.faults:
            fates.quarantine(key, found.faults[key])
    _note_unresolved(context)
    fates.tell(found, names, ledger)


def _note_unresolved(context: Context) -> None:
    """References by identifier of resources in use that lead to nothing read, or to several things at once."""
    links = context.links[texts_that(context.links["target_key"], lambda text: BY_IDENTIFIER in text)]
    links = links[context.fates.has_rows(links["resource_key"])]
    for key, role, target in zip(links["resource_key"], links["role"], links["target_key"], strict=True):
        kind = target.partition("?")[0]
        if kind in JOINED:
            found = len(context.identified(kind).find(target))
            finding = FindingKind.SEVERAL_MATCHES if found > 1 else FindingKind.UNRESOLVED_REFERENCE
            where = {"resource_type": context.extract.kind(key), "path": role}
            context.fates.note(finding, count=int(found != 1), **where)


def findings_table(ledger: Ledger) -> pd.DataFrame:
    """The findings of the ledger as a table of the contract."""
    rows = [
        {name: getattr(finding, name) for name in FINDINGS.names if name != "count"} | {"count": count}
        for finding, count in ledger.findings.items()
    ]
    return conform("findings", pd.DataFrame(rows, columns=FINDINGS.names))
