"""The views: standard, compiled without help, tables united by equal columns, and nothing in them that names a person."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import InputError
from adapters.sql_on_fhir import compile_view
from adapters.tables.extract.views import VIEWS, extract, load_views
from tests.support.tables_support import cycle, observation, patient, psa

FILES = sorted(VIEWS.glob("*.json"))
# elements that hold names, addresses, free text or pictures: no view may read one
FORBIDDEN = re.compile(
    r"\b(name|telecom|address|contact|photo|text|note|display|narrative|birthPlace|attachment|serialNumber|description)\b"
)
# The text of a concept may stand for its code. It is compared with code lists and never reaches a table; the narrative
# (Resource.text) and notes are read nowhere.
TEXT_OF_A_CONCEPT = re.compile(
    r"(?:code|bodySite|usedCode|method|dosage\.site|(?:medication|ingredient\.item|value)\.ofType\(CodeableConcept\))"
    r"(?:\.text|\.where\(coding\.code\.empty\(\) and text\.exists\(\)\))"
)
CERTAINTY_EXTENSION = "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit"  # no code system
CLINICAL_SYSTEMS = ("loinc.org", "snomed.info", "icd-10", "bfarm/ops", "/atc", "dicom")


def _paths(view: Any) -> list[str]:
    """All expressions of a view; the text of a concept without a code counts with the concept that it is taken from."""
    if isinstance(view, dict):
        if TEXT_OF_A_CONCEPT.fullmatch(view.get("forEach", "")):
            columns = [column for column in view["column"] if column["path"] != "text"]
            return [view["forEach"], *_paths(columns)]
        own = [view[key] for key in ("path", "forEach", "forEachOrNull") if key in view]
        return own + [path for value in view.values() for path in _paths(value)]
    return [path for item in view for path in _paths(item)] if isinstance(view, list) else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
class TestView:
    def test_is_named_by_table_and_resource_type(self, path: Path) -> None:
        view = json.loads(path.read_text(encoding="utf-8"))
        table, kind, _ = path.name.split(".")
        assert view["resource"] == kind
        assert view["name"] == f"{table}_{kind.lower()}"
        assert view["description"]

    def test_compiles_and_declares_every_type(self, path: Path) -> None:
        view = json.loads(path.read_text(encoding="utf-8"))
        assert compile_view(view).columns
        assert '"type"' in json.dumps(view["select"])

    def test_reads_nothing_that_names_a_person(self, path: Path) -> None:
        for expression in _paths(json.loads(path.read_text(encoding="utf-8"))):
            read = re.sub(r"'[^']*'", "", expression)
            assert TEXT_OF_A_CONCEPT.fullmatch(read) or not FORBIDDEN.search(read), expression

    def test_extracts_only_and_knows_no_clinical_code(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8").replace(CERTAINTY_EXTENSION, "")
        assert not any(system in text for system in CLINICAL_SYSTEMS)


def test_views_of_one_table_have_equal_columns() -> None:
    columns: dict[str, set[tuple[str, ...]]] = {}
    for view in load_views():
        columns.setdefault(view.table, set()).add(view.compiled.names)
    assert all(len(found) == 1 for found in columns.values())
    assert {view.compiled.resource_type for view in load_views() if view.table == "procedures"} == {
        "Procedure",
        "MedicationAdministration",
    }


def test_rows_of_several_views_are_united_with_their_type() -> None:
    found = extract([patient(), cycle(), psa()], load_views())
    assert found.keys == ["Patient/p", "MedicationAdministration/c", "Observation/o"]
    assert found.frames["procedures"]["resource_type"].tolist() == ["MedicationAdministration"]
    assert sorted(found.frames["codings"]["resource_type"]) == ["MedicationAdministration", "Observation"]


def test_the_first_invalid_field_that_a_view_reads_is_kept_with_path_and_reason_but_no_value() -> None:
    broken = psa(status="final") | {"valueQuantity": {"value": "secret", "code": "ng/mL"}}
    fault = extract([broken], load_views()).faults["Observation/o"]
    assert (fault.reason, fault.path) == ("invalid-value", "Observation.value.ofType(Quantity).value")


def test_an_invalid_field_that_no_view_reads_is_no_fault() -> None:
    assert extract([observation(issued="yesterday", note=5)], load_views()).faults == {}


def test_overlay_replaces_a_view_of_the_same_name_and_adds_others(tmp_path: Path) -> None:
    view = json.loads((VIEWS / "procedures.Procedure.json").read_text(encoding="utf-8"))
    columns = view["select"][0]["column"]
    for column in columns:
        if column["name"] == "activity_value":
            column["path"] = "extension('https://hospital.example/gbq').value.ofType(decimal)"
    (tmp_path / "procedures.Procedure.json").write_text(json.dumps(view), encoding="utf-8")
    own = load_views(tmp_path)
    assert len(own) == len(load_views())
    extension = {"url": "https://hospital.example/gbq", "valueDecimal": 7.4}
    act = {"resourceType": "Procedure", "id": "x", "status": "completed", "extension": [extension]}
    assert extract([act], own).frames["procedures"]["activity_value"].tolist() == [7.4]


def test_an_overlay_view_with_other_columns_is_an_error(tmp_path: Path) -> None:
    column = {"name": "resource_key", "path": "getResourceKey()", "type": "string"}
    view = {"resource": "Encounter", "status": "active", "select": [{"column": [column]}]}
    (tmp_path / "procedures.Encounter.json").write_text(json.dumps(view), encoding="utf-8")
    with pytest.raises(InputError, match="views of table procedures differ in columns"):
        load_views(tmp_path)


def test_an_overlay_view_that_is_not_json_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "procedures.Procedure.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"procedures\.Procedure\.json: the view is not JSON"):
        load_views(tmp_path)
