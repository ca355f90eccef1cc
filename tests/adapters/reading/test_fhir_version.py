"""Another FHIR version than R4 is refused, by the elements that exist only there."""

from __future__ import annotations

import importlib

import pytest

from adapters.errors import InputError
from adapters.fhir import r4 as versions

DRAFTS_OF_R5 = ("4.2.0", "4.4.0", "4.5.0", "4.6.0")


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        ({"resourceType": "Procedure", "occurrenceDateTime": "2019"}, "Procedure.occurrenceDateTime.*R5"),
        ({"resourceType": "MedicationAdministration", "occurenceDateTime": "2019"}, "occurenceDateTime.*R5"),
        ({"resourceType": "MedicationAdministration", "medication": {}}, "MedicationAdministration.medication .*R5"),
        ({"resourceType": "Observation", "comment": "x"}, "Observation.comment.*STU3"),
        ({"resourceType": "Condition", "clinicalStatus": "active"}, "Condition.clinicalStatus.*STU3"),
        ({"resourceType": "BodySite"}, "BodySite.*STU3"),
        ({"resourceType": "ImagingSelection"}, "ImagingSelection.*R5"),
        ({"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}, "fhirVersion"),
        ({"resourceType": "CapabilityStatement", "fhirVersion": 4}, "fhirVersion"),
        *(({"resourceType": "CapabilityStatement", "fhirVersion": draft}, "fhirVersion") for draft in DRAFTS_OF_R5),
        ({"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/4.2/StructureDefinition/Patient"]}}, "4.2"),
        ({"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Patient"]}}, "5"),
        ({"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|3.0.2"]}}, "3"),
        ({"resourceType": "Foo"}, "not a FHIR R4 resource type"),
    ],
)  # fmt: skip
def test_another_fhir_version_is_an_error_that_names_file_and_element(resource, named):
    with pytest.raises(InputError, match=f"b.json: .*{named}") as caught:
        versions.check_version(resource, "b.json")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Procedure", "performedDateTime": "2019"},
        {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"},
        {"resourceType": "CapabilityStatement", "fhirVersion": "4.3.0"},
        {"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|4.0.1"]}},
        {"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/p|7.0.0"]}},
        {"resourceType": "Patient", "meta": {"profile": "no list"}},
        {"resourceType": "Patient", "meta": []},
    ],
)
def test_r4_and_profiles_of_other_publishers_pass(resource):
    versions.check_version(resource, "b.json")


@pytest.mark.parametrize("kind", sorted(versions._ELEMENTS_ELSEWHERE))
def test_elements_of_other_versions_are_those_of_the_published_models(kind):
    """The models of fhir.resources are the oracle of the committed list."""

    def elements(package: str) -> set[str]:
        try:
            model = getattr(importlib.import_module(f"fhir.resources{package}.{kind.lower()}"), kind)
        except ImportError:
            return set()
        return {field.alias or name for name, field in model.model_fields.items()}

    elsewhere = (elements("") | elements(".STU3")) - elements(".R4B")
    listed_here = set(versions._ELEMENTS_ELSEWHERE[kind])
    spelling = {name for name in listed_here - elsewhere if name.startswith("occurrence")}
    assert listed_here - spelling == elsewhere
    assert not listed_here & elements(".R4B")
