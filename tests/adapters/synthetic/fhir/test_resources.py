"""Every resource of the demo is valid FHIR R4, marked as test data, and points to something that exists."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.support.fhir_facts import Facts, read_bundle, read_ndjson

Demo = dict[tuple[str, str], Path]
FORMS = [(dialect, form) for dialect in ("mcode", "mii") for form in ("bundle", "ndjson")]
HOSTS = {
    "example.org", "hl7.org", "terminology.hl7.org", "loinc.org", "snomed.info", "unitsofmeasure.org", "fhir.de",
    "www.medizininformatik-initiative.de", "dicom.nema.org", "ncicb.nci.nih.gov", "www.nlm.nih.gov",
}  # fmt: skip


def read(demo: Demo, dialect: str, form: str) -> list[dict]:
    folder = demo[dialect, form]
    return read_bundle(folder / "demo.json") if form == "bundle" else read_ndjson(folder)


def walk(node: object) -> Iterator[tuple[str, object]]:
    """Every element of a resource with its name."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield name, value
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_every_resource_is_what_the_r4_models_accept_and_write(demo, cohort_folder, dialect):
    for resource in read(demo, dialect, "ndjson")[
        :: 1 if cohort_folder.name == "standin" else 7
    ]:  # all passed as written
        model = get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert json.loads(model.model_dump_json(), parse_float=Decimal) == resource


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_the_bundle_is_valid_as_a_whole(demo, dialect):
    bundle = json.loads((demo[dialect, "bundle"] / "demo.json").read_text("utf-8"))
    assert bundle["type"] == {"mcode": "transaction", "mii": "collection"}[dialect]
    assert [one["code"] for one in bundle["meta"]["security"]] == ["HTEST"]
    get_fhir_model_class("Bundle").model_validate({**bundle, "entry": bundle["entry"][::40]})


def test_a_transaction_holds_each_id_once_and_asks_to_put_it(demo):
    entries = json.loads((demo["mcode", "bundle"] / "demo.json").read_text("utf-8"))["entry"]
    urls = Counter(entry["fullUrl"] for entry in entries)
    assert set(urls.values()) == {1}
    assert all(url.startswith("urn:uuid:") for url in urls)
    for entry in entries:
        one = entry["resource"]
        assert entry["request"] == {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}


@pytest.mark.parametrize(("dialect", "form"), FORMS)
def test_every_resource_is_tagged_as_test_data_of_this_cohort(demo, dialect, form):
    for resource in read(demo, dialect, form):
        meta = resource["meta"]
        assert [(one["system"], one["code"]) for one in meta["security"]] == [
            ("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST")
        ]
        assert [(one["system"], one["code"]) for one in meta["tag"]] == [
            ("https://example.org/fhir/radionuclide-study/CodeSystem/cohort", "reconstruction")
        ]
        assert {"profile", "versionId", "lastUpdated"} <= set(meta)


@pytest.mark.parametrize(("dialect", "form"), FORMS)
def test_ids_are_legal(demo, dialect, form):
    assert all(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", one["id"]) for one in read(demo, dialect, form))


@pytest.mark.parametrize(("dialect", "form"), FORMS)
def test_no_reference_dangles(demo, dialect, form):
    resources = read(demo, dialect, form)
    known = {f"{one['resourceType']}/{one['id']}" for one in resources}
    known |= {f"urn:uuid:{one['id']}" for one in resources} if (dialect, form) == ("mcode", "bundle") else set()
    identifiers = {one["identifier"][0]["value"] for one in resources if one["resourceType"] == "Patient"}
    for resource in resources:
        inside = {f"#{one['id']}" for one in resource.get("contained", [])}
        for name, value in walk(resource):
            if name == "reference":
                path = str(value).removeprefix("https://example.org/fhir/").split("/_history/")[0]
                assert path in known | inside, path
        logical = resource.get("subject", {}).get("identifier")
        assert logical is None or logical["value"] in identifiers


@pytest.mark.parametrize(("dialect", "form"), FORMS)
def test_the_number_of_resources_is_known(demo, cohort_folder, dialect, form, golden):
    counted = Counter(one["resourceType"] for one in read(demo, dialect, form))
    counts, pinned = dict(sorted(counted.items())), Path(__file__).parent / "fhir_counts.json"
    assert counts == golden.entry(pinned, [cohort_folder.name, f"{dialect} {form}"], counts)


def forms_of_reference(resources: list[dict]) -> set[str]:
    """Which ways of referring occur."""
    found = set()
    for resource in resources:
        found |= {"logical"} if "identifier" in resource.get("subject", {}) else set()
        for name, value in walk(resource):
            if name == "reference":
                text = str(value)
                found.add(
                    "urn" if text.startswith("urn:") else "contained" if text.startswith("#")
                    else "absolute" if text.startswith("https:") else "versioned" if "/_history/" in text else "relative"
                )  # fmt: skip
    return found


def test_references_come_in_all_forms(demo):
    assert forms_of_reference(read(demo, "mcode", "bundle")) >= {"urn", "relative", "contained"}
    assert forms_of_reference(read(demo, "mii", "bundle")) == {
        "relative", "absolute", "versioned", "logical", "contained",
    }  # fmt: skip


@pytest.mark.parametrize(("dialect", "form"), FORMS)
def test_no_network_name_but_example_org_and_code_systems(demo, dialect, form):
    text = "\n".join(file.read_text("utf-8") for file in demo[dialect, form].iterdir())
    assert set(re.findall(r"https?://([^/\"\s]+)", text)) <= HOSTS
    assert not re.search(r"@[a-z]+\.[a-z]+", text)


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_nothing_happens_before_birth_or_after_death(demo, dialect):
    facts = Facts(read(demo, dialect, "ndjson"))
    birth = {who: born for who, _, born in facts.patients()}
    death = {who: when for who, state, when in facts.vital() if state == "dead"}
    for one in facts.resources:
        if one["resourceType"] in ("Patient", "Medication"):
            continue
        who = facts.who(one)
        for name, value in walk(one):
            if name in ("lastUpdated", "recordedDate") or not re.match(r"\d{4}-\d\d", str(value)):
                continue
            if name.endswith("DateTime") or name in ("start", "end"):
                assert birth[who] < str(value)
                assert who not in death or str(value)[:10] <= death[who]


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_old_history_is_remembered_by_month_only_at_times(demo, dialect):
    conditions = [one for one in read(demo, dialect, "ndjson") if one["resourceType"] == "Condition"]
    assert {len(one["onsetDateTime"]) for one in conditions} == {len("2015-03"), len("2015-03-01")}


def test_instants_have_a_zone_and_some_blood_is_drawn_after_midnight(demo):
    for dialect, zone in (("mcode", r"\+0[12]:00"), ("mii", "Z")):
        instants = [
            one["effectiveDateTime"]
            for one in read(demo, dialect, "ndjson")
            if one["resourceType"] == "Observation" and "T" in one["effectiveDateTime"]
        ]
        assert instants
        assert all(re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:00{zone}", text) for text in instants)
    assert any("T22:20" in text or "T23:20" in text for text in instants)  # the day before in UTC


@pytest.mark.parametrize(
    ("code", "expected"),
    [("bilirubin", {"mg/dL", "umol/L"}), ("haemoglobin", {"g/dL", "mmol/L"}), ("diameter", {"mm", "cm"})],
)
def test_units_differ_between_and_within_dialects(demo, code, expected):
    wanted = {
        "bilirubin": {"1975-2", "14631-6"},
        "haemoglobin": {"718-7", "59260-0"},
        "diameter": {"21889-1", "439984002"},
    }[code]
    found = set()
    for dialect in ("mcode", "mii"):
        for one in read(demo, dialect, "ndjson"):
            if one["resourceType"] == "Observation" and {c["code"] for c in one["code"]["coding"]} & wanted:
                quantity = one.get("valueQuantity") or one["component"][0]["valueQuantity"]
                found.add(quantity["code"])
    assert found == expected
