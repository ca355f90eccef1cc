"""A reading of the demo files written apart from the adapters and the builder: what each dialect says, in plain facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

Resource = dict
STANDIN = Path(__file__).parent / "standin"  # six invented patients that have every kind of row
BERLIN = ZoneInfo("Europe/Berlin")

LAB = {
    "2857-1": "psa", "83112-3": "psa", "6768-6": "alp", "2324-2": "ggt", "2532-0": "ldh", "14804-9": "ldh",
    "1742-6": "alt", "1743-4": "alt", "1920-8": "ast", "30239-8": "ast", "1975-2": "bilirubin", "14631-6": "bilirubin",
    "2160-0": "creatinine", "14682-9": "creatinine", "718-7": "haemoglobin", "59260-0": "haemoglobin",
    "6690-2": "leukocytes", "26464-8": "leukocytes", "751-8": "neutrophils", "26499-4": "neutrophils",
    "731-0": "lymphocytes", "26474-7": "lymphocytes", "777-3": "platelets", "26515-7": "platelets",
    "1751-7": "albumin", "6301-6": "inr", "15060-7": "nse", "9811-1": "chromogranin_a", "2986-8": "testosterone",
}  # fmt: skip
DIVISOR = {
    "umol/L bilirubin": "17.104", "umol/L creatinine": "88.40", "mmol/L haemoglobin": "0.62056",
    "/uL neutrophils": "1000", "/uL lymphocytes": "1000", "g/dL albumin": "0.1", "cm": "0.1", "MBq": "1000",
}  # fmt: skip
CYCLE = {"1263794005", "8-530.d0"}
SIRT = {"764677008", "764678003", "8-530.a5"}
TRACER = {"C118961": "ga68_psma_11", "126758": "f18_psma_1007"}
ORGAN = {"10200004": "liver", "272673000": "bone", "39607008": "lung", "59441001": "lymph_node", "41216001": "prostate"}
METASTASIS = {
    "94381002": "liver", "94222008": "bone", "94391008": "lung", "94392001": "lymph_node", "128462008": "other",
    "HEP": "liver", "OSS": "bone", "PUL": "lung", "LYM": "lymph_node", "OTH": "other",
}  # fmt: skip
DRUG = {
    "386918005": "docetaxel", "L01CD02": "docetaxel", "446706007": "cabazitaxel", "L01CD04": "cabazitaxel",
    "699678007": "abiraterone", "L02BX03": "abiraterone", "703125003": "enzalutamide", "L02BB04": "enzalutamide",
    "397198002": "adt", "L02AE02": "adt",
}  # fmt: skip
STATUS = {
    "271299001": "progressive", "P": "progressive", "359746009": "stable", "K": "stable", "268910001": "improved",
    "B": "improved", "112042": "partial_response", "T": "partial_response", "112041": "complete_response",
    "V": "complete_response", "mixed-response": "mixed", "D": "mixed",
}  # fmt: skip
ECOG = {"425389002": 0, "422512005": 1, "422894000": 2, "423053003": 3, "423237006": 4}
GLEASON = {"84556003": 6, "57403001": 7, "33013007": 8, "58925000": 9, "24514009": 10}


@cache
def read_ndjson(folder: Path) -> list[Resource]:
    """All resources of a folder, numbers exact; read once, not to be changed."""
    lines = (line for file in sorted(folder.glob("*.ndjson")) for line in file.read_text("utf-8").splitlines())
    return [json.loads(line, parse_float=Decimal) for line in lines]


@cache
def read_bundle(file: Path) -> list[Resource]:
    """All resources of a Bundle."""
    return [entry["resource"] for entry in json.loads(file.read_text("utf-8"), parse_float=Decimal)["entry"]]


def codes(concept: dict | None) -> set[str]:
    return {coding["code"] for coding in (concept or {}).get("coding", [])}


def means(table: dict, concept: dict | None):
    found = {table[code] for code in codes(concept) if code in table}
    return found.pop() if len(found) == 1 else None


def moment(text: str) -> str:
    """A date as it stands; an instant as date and clock in Berlin."""
    if "T" not in text:
        return text
    return datetime.fromisoformat(text).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M")


def amount(quantity: dict | None, measure: str = "") -> Decimal | None:
    """The number in the cohort's unit, nine digits."""
    if quantity is None:
        return None
    unit = quantity.get("code", quantity["unit"])
    divisor = DIVISOR.get(f"{unit} {measure}", DIVISOR.get(unit, "1"))
    value = Decimal(str(quantity["value"])) / Decimal(divisor)
    return Decimal(f"{value:.9g}").normalize()


class Facts:
    """The facts of one demo: tuples that start with the patient's own identifier."""

    def __init__(self, resources: list[Resource]) -> None:
        latest: dict[tuple[str, str], Resource] = {}
        for one in resources:
            key = one["resourceType"], one["id"]
            if key not in latest or latest[key]["meta"]["versionId"] <= one["meta"]["versionId"]:
                latest[key] = one
        self.by_id = {identity: one for (_, identity), one in latest.items()}
        self.resources = [one for one in latest.values() if self._counts(one)]

    @staticmethod
    def _counts(one: Resource) -> bool:
        withdrawn = "entered-in-error" in codes(one.get("verificationStatus"))
        return not withdrawn and one.get("status") not in ("entered-in-error", "not-done", "preliminary")

    def of(self, kind: str) -> list[Resource]:
        return [one for one in self.resources if one["resourceType"] == kind]

    def target(self, reference: dict) -> Resource:
        path = reference["reference"].removeprefix("urn:uuid:").split("/_history/")[0]
        return self.by_id[path.split("/")[-1]]

    def who(self, one: Resource) -> str:
        """The identifier of the patient; the present one of a merged patient."""
        reference = one.get("subject") or one["patient"]
        if "identifier" in reference:
            return reference["identifier"]["value"]
        return self.target(reference)["identifier"][0]["value"].removesuffix("-old")

    def patients(self) -> set[tuple]:
        return {
            (one["identifier"][0]["value"], one["gender"], one["birthDate"])
            for one in self.of("Patient")
            if one["active"]
        }

    def vital(self) -> set[tuple]:
        table = {"438949009": "alive", "L": "alive", "419099009": "dead", "T": "dead"}
        return {
            (self.who(one), means(table, one["valueCodeableConcept"]), one["effectiveDateTime"])
            for one in self.of("Observation")
            if "67162-8" in codes(one["code"])
        }

    def labs(self) -> list[tuple]:
        return sorted(self._labs(), key=str)

    def _labs(self) -> Iterator[tuple]:
        for one in self.of("Observation"):
            measure = means(LAB, one["code"])
            if measure:
                value = amount(one.get("valueQuantity"), measure)
                text = one.get("valueString") or one.get("valueQuantity", {}).get("comparator")
                yield self.who(one), moment(one["effectiveDateTime"]), measure, value, text, *self._limits(one, measure)

    @staticmethod
    def _limits(one: Resource, measure: str) -> tuple:
        for range_ in one.get("referenceRange", []):
            sexes = [codes(sex) for sex in range_.get("appliesTo", [])]
            if not sexes or {"248153007"} in sexes:
                return amount(range_.get("low"), measure), amount(range_.get("high"), measure)
        return None, None

    def therapies(self) -> set[tuple]:
        """(patient, therapy, moment, activity); a therapy with two resources is one fact."""
        found: dict[tuple, Decimal] = {}
        for one in [*self.of("Procedure"), *self.of("MedicationAdministration")]:
            known = codes(one.get("code")) | self._agent(one)
            kind = "lu_psma" if known & CYCLE or "V10XX05" in known else "sirt" if known & SIRT else None
            if kind:
                key = self.who(one), kind, moment(self._when(one))
                found[key] = found.get(key) or self._activity(one)
        return {(*key, value) for key, value in found.items()}

    def _agent(self, one: Resource) -> set[str]:
        if "medicationReference" in one:
            inside = {f"#{part['id']}": part for part in one.get("contained", [])}
            reference = one["medicationReference"]["reference"]
            return codes((inside.get(reference) or self.target(one["medicationReference"]))["code"])
        return codes(one.get("medicationCodeableConcept"))

    @staticmethod
    def _when(one: Resource) -> str:
        for name in ("performedDateTime", "effectiveDateTime"):
            if name in one:
                return one[name]
        return (one.get("performedPeriod") or one["effectivePeriod"])["start"]

    @staticmethod
    def _activity(one: Resource) -> Decimal | None:
        doses = [part["valueQuantity"] for part in one.get("extension", []) if part["url"].endswith("-gesamtdosis")]
        return amount(one.get("dosage", {}).get("dose") or (doses[0] if doses else None))

    def drugs(self) -> set[tuple]:
        return {
            (self.who(one), next(DRUG[code] for code in self._agent(one) if code in DRUG), one["status"],
             one["effectivePeriod"].get("start"), one["effectivePeriod"].get("end"))
            for one in self.of("MedicationStatement")
        }  # fmt: skip

    def metastases(self) -> set[tuple]:
        conditions = {
            (self.who(one), site, one["onsetDateTime"])
            for one in self.of("Condition")
            if (site := means(METASTASIS, one["code"]))
        }
        observed = {
            (self.who(one), means(METASTASIS, one["valueCodeableConcept"]), one["effectiveDateTime"])
            for one in self.of("Observation")
            if "385421009" in codes(one["code"])
        }
        return conditions | observed

    def diagnoses(self) -> set[tuple]:
        table = {"C61": "prostate_cancer", "427492003": "castration_resistance", "389026000": "ascites"}
        return {
            (self.who(one), found, one["onsetDateTime"])
            for one in self.of("Condition")
            if (found := means(table, one["code"]))
        }

    def lesions(self) -> list[tuple]:
        """(patient, organ, measure, date, value, tracer) of every measured lesion."""
        return sorted(self._lesions(), key=str)

    def _lesions(self) -> Iterator[tuple]:
        for one in self.of("Observation"):
            if codes(one["code"]) & {"21889-1", "439984002"}:
                component = one.get("component", [one])[0]
                value, tracer, measure = component["valueQuantity"], None, "diameter"
            elif "126401" in codes(one["code"]):
                value, tracer, measure = one["valueQuantity"], self._tracer(one), "suv_max"
            else:
                continue
            organ = means(ORGAN, self._lesion(one)["location"])
            yield self.who(one), organ, measure, one["effectiveDateTime"], amount(value), tracer

    def _lesion(self, one: Resource) -> Resource:
        pointers = [part["valueReference"] for part in one["bodySite"].get("extension", [])]
        return self.target((one.get("focus") or pointers)[0])

    def _tracer(self, one: Resource) -> str | None:
        if "component" in one:
            return means(TRACER, one["component"][0]["valueCodeableConcept"])
        return means(TRACER, self.target(one["partOf"][0])["usedCode"][0])

    def status(self) -> set[tuple]:
        return set(self._status())

    def _status(self) -> Iterator[tuple]:
        for one in self.of("Observation"):
            known, when = codes(one["code"]), one.get("effectiveDateTime")
            if known & {"89247-1", "423690003"}:
                grade = one.get("valueInteger")
                coded = one.get("component", [{}])[0].get("valueCodeableConcept")
                yield self.who(one), "ecog", when, means(ECOG, coded) if grade is None else grade
            elif "35266-6" in known:
                coded = means(GLEASON, one.get("valueCodeableConcept"))
                yield self.who(one), "gleason", when, one.get("valueInteger", coded)
            elif known & {"97509-4", "396432002"}:
                site = means(ORGAN, one["bodySite"]) or "other"
                yield self.who(one), site, when, means(STATUS, one["valueCodeableConcept"])
            elif known & {"29463-7", "8302-2", "lung-shunt-fraction", "liver-volume", "tumour-volume"}:
                yield self.who(one), *known, when, amount(one["valueQuantity"])
            elif "gi-flow" in known:
                yield self.who(one), "gi_flow", when, *codes(one["valueCodeableConcept"])

    def imaging(self) -> set[tuple]:
        table = {
            "450436003": "psma_pet", "77477000": "ct", "113091000": "mri", "33195004": "ebrt", "77343006": "angiography",
            "lu-scintigraphy": "lu_scintigraphy", "maa-scintigraphy": "maa_workup", "3-70c.1": "maa_workup",
            "24853006": "ra223", "V10XX03": "ra223",
        }  # fmt: skip
        return {
            (self.who(one), kind, moment(self._when(one)), means(TRACER, one.get("usedCode", [None])[0]))
            for one in [*self.of("Procedure"), *self.of("MedicationAdministration")]
            for kind in {table[code] for code in codes(one.get("code")) | self._agent(one) if code in table}
        }


TOPICS = (
    "patients", "vital", "labs", "therapies", "drugs", "metastases", "diagnoses", "lesions", "status", "imaging",
)  # fmt: skip
