"""Code lists: what counts as what; exact before prefix, every address of a system, a hospital's rows on top."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from adapters.contract import DRUGS, MEASURES, PROCEDURES
from adapters.errors import InputError
from adapters.fhir.codelists import CODELISTS, HEADER, OPTIONAL, load_code_lists
from adapters.tables.extract.coded import Coded

LISTS = sorted(CODELISTS.glob("*.csv"))
SCT, ATC = "http://snomed.info/sct", "http://www.whocc.no/atc"
CM, GM = "http://hl7.org/fhir/sid/icd-10-cm", "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
OPS = "http://fhir.de/CodeSystem/bfarm/ops"
lists = load_code_lists()


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_list_has_the_header_no_repeated_code_and_a_source_for_every_row(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) in (HEADER, HEADER + OPTIONAL)
        rows = list(reader)
    assert len({(row["system"], row["code"], row.get("beside")) for row in rows}) == len(rows)
    assert all(row["display"] and (row["means"] or row.get("beside")) and row["source"] for row in rows)


def test_every_measure_procedure_and_drug_of_the_contract_has_a_code() -> None:
    def meant(name: str) -> set[str]:
        known = lists.lists[name]
        return {means.partition("=")[0] for means in (*known.exact.values(), *known.prefixes.values())}

    by_method = {"suv_max", "suv_mean"}
    assert meant("observations") >= set(MEASURES) - by_method
    assert meant("procedures") == set(PROCEDURES)
    assert meant("medications") == set(DRUGS)


@pytest.mark.parametrize(
    ("name", "system", "code", "expected"),
    [
        ("procedures", OPS, "8-530.a5", "sirt"),
        ("procedures", OPS, "8-530.a8", "sirt"),
        ("procedures", OPS, "8-530.d0", "lu_psma"),
        ("procedures", OPS, "8-530.d2", "lu_psma"),
        ("procedures", OPS, "8-530.6", None),
        ("procedures", OPS, "8-53", None),
        ("procedures", "http://fhir.de/CodeSystem/dimdi/ops", "8-530.a5", "sirt"),
        ("procedures", SCT, "1217123003", None),
        ("sites", CM, "C78.7", "liver"),
        ("sites", GM, "C78.7", "liver"),
        ("sites", CM, "C78.00", "lung"),
        ("sites", CM, "C79.51", "bone"),
        ("sites", CM, "C79.3", "other"),
        ("sites", CM, "C77.9", "lymph_node"),
        ("medications", "http://fhir.de/CodeSystem/bfarm/atc", "L02AE02", "adt"),
        ("medications", ATC, "L01CD02", "docetaxel"),
        ("medications", ATC, "L01CD01", None),
        ("observations", "urn:oid:2.16.840.1.113883.6.1", "2857-1", "psa"),
        ("observations", SCT, "2857-1", None),
    ],
)
def test_meaning(name: str, system: str, code: str, expected: str | None) -> None:
    assert lists.means(name, system, code) == expected


def _overlay(folder: Path, name: str, *lines: str, header: str = ",".join(HEADER)) -> Path:
    (folder / f"{name}.csv").write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return folder


def test_overlay_adds_a_code_and_changes_another(tmp_path: Path) -> None:
    own = load_code_lists(
        _overlay(tmp_path, "observations", "https://lab.example,PSA,PSA,psa,our laboratory", f"{SCT},389026000,x,,none")
    )
    assert own.means("observations", "https://lab.example", "PSA") == "psa"
    assert own.means("observations", SCT, "389026000") is None
    assert own.means("observations", "http://loinc.org", "2857-1") == "psa"


def test_overlay_of_systems_names_another_address(tmp_path: Path) -> None:
    own = load_code_lists(_overlay(tmp_path, "systems", "https://lab.example/loinc,*,LOINC,http://loinc.org,own"))
    assert own.means("observations", "https://lab.example/loinc", "2857-1") == "psa"


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("observations", "prostate_antigen"),
        ("observations", "psa=high"),
        ("procedures", "surgery"),
        ("answers", "category=maybe"),
        ("answers", "grade=2"),
        ("sites", "spleen"),
    ],
)
def test_a_meaning_that_the_contract_does_not_know_is_an_error_with_its_line(
    tmp_path: Path, name: str, means: str
) -> None:
    with pytest.raises(InputError, match=rf"{name}\.csv:2: the column means"):
        load_code_lists(_overlay(tmp_path, name, f"{SCT},1,x,{means},own"))


def test_another_header_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sites\.csv: columns are not"):
        load_code_lists(_overlay(tmp_path, "sites", "a,b", header="code,means"))


def _coded(*rows: tuple[str, int, str, str | None, str | None]) -> Coded:
    frame = pd.DataFrame(rows, columns=["resource_key", "part", "role", "system", "code"])
    return Coded(frame, lists)


def test_all_codings_count_whatever_their_order() -> None:
    local, loinc = ("https://lab.example", "4711"), ("http://loinc.org", "2857-1")
    for first, second in ((local, loinc), (loinc, local)):
        found = _coded(("Observation/1", -1, "code", *first), ("Observation/1", -1, "code", *second))
        assert found.means("observations", "code")["means"].tolist() == ["psa"]


def test_codings_of_one_meaning_are_one_and_of_two_are_two() -> None:
    loinc = "http://loinc.org"
    same = _coded(("O/1", -1, "code", loinc, "2857-1"), ("O/1", -1, "code", loinc, "83112-3"))
    other = _coded(("O/1", -1, "code", loinc, "2857-1"), ("O/1", -1, "code", loinc, "1742-6"))
    assert len(same.means("observations", "code")) == 1
    assert len(other.means("observations", "code")) == 2


def test_a_coding_without_system_or_code_means_nothing() -> None:
    found = _coded(("O/1", -1, "code", None, "2857-1"), ("O/2", -1, "code", "http://loinc.org", None))
    assert found.means("observations", "code").empty
    assert len(found.has("code")) == 2
