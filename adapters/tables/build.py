"""FHIR resources -> tidy tables: views, code lists, units, merges, lesions, last contact, study ids, contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import pandas as pd

from adapters.contract import FINDINGS, conform
from adapters.fhir.coded_elements import types_of_list
from adapters.fhir.codelists import FOLLOW_UP, load_code_lists
from adapters.ledger import FindingKind, Ledger, LeftOutReason
from adapters.reading.raw_resource import RawResource
from adapters.settings import Settings
from adapters.tables.clinical import conditions, lesions, medications, patients, procedures, therapies
from adapters.tables.clinical.cohort import leave_out_others, members
from adapters.tables.clinical.last_contact import clinical_events, last_contacts
from adapters.tables.context import Context
from adapters.tables.days import day_zero, note_dates
from adapters.tables.extract.acts import LISTS as ACT_LISTS
from adapters.tables.extract.joins import BY_IDENTIFIER
from adapters.tables.extract.numbered import Numbered, numbered
from adapters.tables.extract.views import Extract, extract, load_views, rows_where, texts_that
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
_LISTED_ROLES = ("code", "site", "answer", "category", "method", "modality", "tracer", "reason")
_NAMED = {"conditions": "condition", "procedures": "procedure", "medications": "drug", "observations": "measure"}


def build_tables(
    resources: Iterable[Mapping[str, Any] | RawResource],
    *,
    settings: Settings,
    ledger: Ledger,
    ids: StudyIds | None = None,
    excluded: Mapping[str, LeftOutReason] | None = None,
) -> dict[str, pd.DataFrame]:
    """All tables of the contract.

    Parameters
    ----------
    resources : one version of each resource, with id, references resolved to `Type/id` where possible
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
    extracted: Extract,
    *,
    settings: Settings,
    ledger: Ledger,
    ids: StudyIds | None = None,
    excluded: Mapping[str, LeftOutReason] | None = None,
) -> dict[str, pd.DataFrame]:
    """As `build_tables`, from what the views gave, wherever they ran."""
    with pd.option_context("mode.copy_on_write", True):  # a frame made from another copies only what changes
        return _tables(numbered(extracted), settings, ledger, ids or StudyIds(), excluded or {})


def _tables(
    extracted: Numbered, settings: Settings, ledger: Ledger, ids: StudyIds, excluded: Mapping[str, LeftOutReason]
) -> dict[str, pd.DataFrame]:
    lists, units = load_code_lists(settings.overlay("codelists")), load_units(settings.overlay("units"))
    context = Context(extracted, settings, lists, units, excluded)
    frames = {name: context.with_patient(name) for name in _CLINICAL}
    cohort = members(context, frames["procedures"])
    leave_out_others(context, frames.values(), cohort)
    frames = {name: rows_where(frame, frame["patient"].isin(cohort)) for name, frame in frames.items()}
    dated, lesion_records = _dated(context, frames, cohort)
    tables, names = tidy(dated, ids, context.people.records, lesion_records)
    for name, frame in tables.items():
        if frame.empty:
            context.dispositions.note(FindingKind.EMPTY_TABLE, table=name, severity="info")
    _report_dispositions(context, names, ledger)
    return {**tables, "findings": findings_table(ledger)}


def _dated(context: Context, frames: dict[str, pd.DataFrame], cohort: set[str]) -> tuple[Dated, dict[str, list[str]]]:
    """All rows with their dates, and the source keys of each lesion."""
    people = patients.persons(context, cohort)
    known = procedures.listed(context, frames["procedures"])
    acts = therapies.merged(context, procedures.acts(context, known))
    procedures.note_duplicates(context, acts)
    observed = conditions.observed_conditions(context, frames["observations"])
    measured = observations.measurements(context, frames["observations"], observed["resource_key"])
    diagnosed = conditions.reported(context, frames["conditions"], frames["observations"], observed)
    structures = lesions.known_lesions(context, frames["lesions"])
    measured["lesion"] = lesions.lesion_of(context, measured, structures)
    measured["tracer"] = observations.tracers(context, measured)
    measured["site"] = measured["resource_key"].map(lesions.single_site(context, measured, "observations"))
    measured = add_limits(context, measured, people)
    observations.note_duplicates(context, measured)
    lesions.note_unidentified(context, measured)
    lines = medications.drug_lines(context, frames["medications"], known)
    return _joined(context, people, {
        "conditions": conditions.united(context, diagnosed), "procedures": acts, "medications": lines,
        "observations": measured,
    }, structures)  # fmt: skip


def _joined(
    context: Context, people: pd.DataFrame, frames: dict[str, pd.DataFrame], structures: pd.DataFrame
) -> tuple[Dated, dict[str, list[str]]]:
    """Death, last contact and day 0 from the rows of all tables; their resources count as used."""
    for name, column in _NAMED.items():
        note_dates(context, frames[name], name, column)
    for name in ("procedures", "medications"):
        context.dispositions.use(chain.from_iterable(frames[name]["source_resources"]))
    measured = frames["observations"]
    context.dispositions.use(measured["resource_key"])
    events = clinical_events([
        *((name, frames[name], "first") for name in ("conditions", "procedures", "medications")),
        ("medications", frames["medications"], "end"),
        ("observations", measured[~measured["measure"].isin(("vital_status", FOLLOW_UP))], "first"),
    ])  # fmt: skip
    people = patients.add_deaths(context, people, measured)
    people = people.join(last_contacts(context, people, measured, events))
    zero = day_zero(context, frames["procedures"], list(people.index))
    people = patients.check_births(context, people, zero)
    measured = rows_where(measured, measured["measure"] != FOLLOW_UP)
    measured_lesions = lesions.measured(context, structures, measured)
    records: dict[str, list[str]] = defaultdict(list)
    for key, lesion in zip(structures["resource_key"], structures["lesion"], strict=True):
        records[lesion].append(context.extract.keys[key])
    frames = {**frames, "observations": measured}
    return Dated(people=people, lesions=measured_lesions, zero=zero, **frames), dict(records)


def _report_dispositions(context: Context, names: Mapping[str, str], ledger: Ledger) -> None:
    """One disposition for each resource; Medications are used where something used refers to them."""
    extracted, dispositions = context.extract, context.dispositions
    links = context.medication_links
    referring = links[dispositions.is_used(links["resource_key"]) & ~dispositions.is_out(links["resource_key"])]
    dispositions.need(referring["medication"])
    medications = [number for number, key in enumerate(extracted.keys) if key.startswith("Medication/")]
    dispositions.leave_out(
        (number for number in medications if not dispositions.needed[number]), LeftOutReason.NOT_REFERRED_TO
    )
    for key in referring["medication"].unique():
        if key in extracted.faults:
            dispositions.quarantine(key, extracted.faults[key])
    _note_unresolved(context)
    _note_respelled(context)
    _explain_listed(context)
    dispositions.report(extracted, names, ledger)


def _explain_listed(context: Context) -> None:
    """A listed code that leads to no row leaves a finding, whatever the reason; nothing disappears as not listed."""
    dispositions = context.dispositions
    for name in ("conditions", "observations", "procedures", "medications"):
        means = context.acts_named(name) if name in ACT_LISTS else context.coded.means(name, "code")
        kinds = means["resource_key"].map(context.extract.kind)
        is_whole = (means["part"] < 0) | (name == "observations")  # no component is a diagnosis
        means = means[kinds.isin(types_of_list(name)) & (kinds != "Medication") & is_whole]
        means = means.drop_duplicates("resource_key")
        keys = means["resource_key"]
        lost = means[~dispositions.is_used(keys) & ~dispositions.is_out(keys) & ~keys.isin(dispositions.unused)]
        dispositions.explain(lost["resource_key"], LeftOutReason.INCOMPLETE)
        kinds = lost["resource_key"].map(context.extract.kind)
        for (kind, measure), number in lost.groupby([kinds, "means"]).size().items():
            where = {"resource_type": str(kind), "measure": str(measure).partition("=")[0], "table": name}
            dispositions.note(FindingKind.CODE_WITHOUT_ROW, count=int(number), **where)


def _note_respelled(context: Context) -> None:
    """Codings of used resources whose spelling or address had to be mended."""
    keys = context.coded.respelled(*_LISTED_ROLES)
    used = keys[context.dispositions.has_rows(keys)]
    for kind, number in used.map(context.extract.kind).value_counts().items():
        where = {"resource_type": str(kind), "path": "coding", "severity": "info"}
        context.dispositions.note(FindingKind.CODE_RESPELLED, count=int(number), **where)


def _note_unresolved(context: Context) -> None:
    """References by identifier of resources in use that lead to nothing read, or to several things at once."""
    links = context.links[texts_that(context.links["target_key"], lambda text: BY_IDENTIFIER in text)]
    links = links[context.dispositions.has_rows(links["resource_key"])]
    for key, role, target in zip(links["resource_key"], links["role"], links["target_key"], strict=True):
        kind = target.partition("?")[0]
        if kind in JOINED:
            matches = len(context.identified(kind).find(target))
            finding = FindingKind.SEVERAL_MATCHES if matches > 1 else FindingKind.UNRESOLVED_REFERENCE
            where = {"resource_type": context.extract.kind(key), "path": role}
            context.dispositions.note(finding, count=int(matches != 1), **where)


def findings_table(ledger: Ledger) -> pd.DataFrame:
    """The findings of the ledger as a table of the contract."""
    rows = [
        {name: getattr(finding, name) for name in FINDINGS.names if name != "count"} | {"count": count}
        for finding, count in ledger.findings.items()
    ]
    return conform("findings", pd.DataFrame(rows, columns=FINDINGS.names))
