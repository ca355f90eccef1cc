"""The manifest of a pull as tables for the data page: source, what became of each resource, findings, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.settings import Study

Manifest = Mapping[str, Any]

WORDS = {"used": "used", "left_out": "left out", "quarantined": "set aside"}


def source_frame(manifest: Manifest, study: Study) -> pd.DataFrame:
    """Source and rules of the pull: columns item and value (text). A rule that `study` has changed since then is marked."""
    settled, time, consent = manifest["dispositions"], manifest["day_zero"], manifest["consent"]
    rules = [
        ("Cohort rule: any of", manifest["cohort_rule"], _now(study, "cohort", "any_of")),
        ("Day 0: first completed", time["procedure"], _now(study, "time", "day_zero")),
        ("Time zone", time["zone"], _now(study, "time", "zone")),
        ("Data cutoff", time["data_cutoff"], study.get("time", {}).get("data_cutoff")),
        ("Consent required", consent["required"], _now(study, "consent", "required")),
    ]
    rows = [
        ("Source", _source(**manifest["source"])),
        ("Pulled on", manifest["pulled_on"]),
        ("Checked against the server's counts", _checked(manifest)),
        ("Hash of tables and rules", manifest["hash"]),
        ("Synthetic", _words(manifest["synthetic"])),
        *((item, _as_pulled(_words(pulled), now)) for item, pulled, now in rules),
        ("Resources read", f"{settled['read']:,}"),
        *((f"Resources {word}", f"{settled[key]:,}") for key, word in WORDS.items()),
    ]
    return pd.DataFrame(rows, columns=["item", "value"])


def _source(kind: str, label: str) -> str:
    """Kind and label; the label alone where it names the kind."""
    return label if kind.lower() in label.lower() else f"{kind}: {label}"


def _checked(manifest: Manifest) -> str:
    """Only servers are asked how much there is."""
    reading = manifest["reading"]
    return _words(reading["verified"]) if "verified" in reading else "not a server"


_UNSAID = object()


def _now(study: Study, section: str, key: str) -> Any:
    return study.get(section, {}).get(key, _UNSAID)


def _as_pulled(pulled: str, now: Any) -> str:
    """The rule of the pull; tables on disk do not follow a setting that was changed after it."""
    if now is _UNSAID or _words(now) == pulled:
        return pulled
    return f"{pulled} (the settings now say {_words(now)}: the next pull will follow)"


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none set"
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def disposition_frame(manifest: Manifest) -> pd.DataFrame:
    """Number of resources by type, disposition and reason: columns type, disposition, reason, count."""
    rows = pd.DataFrame(
        manifest["dispositions"]["by_reason"], columns=["type", "file", "disposition", "reason", "count"]
    )
    grouped = rows.groupby(["type", "disposition", "reason"], as_index=False)["count"].sum()
    return grouped.assign(disposition=grouped["disposition"].map(WORDS))


def rows_fed_frame(manifest: Manifest) -> pd.DataFrame:
    """Number of resources by type and number of rows they gave: columns type, rows, count."""
    return pd.DataFrame(manifest["dispositions"]["rows_fed"], columns=["type", "rows", "count"])


def findings_frame(findings: pd.DataFrame) -> pd.DataFrame:
    """The findings summed over patients: finding, severity, table, measure, patients, count; most frequent first.

    `patients` is missing where the findings name none.
    """
    keys = ["finding", "severity", "table", "measure"]
    plain = findings.astype(dict.fromkeys(keys, "object")).fillna({"table": "", "measure": ""})
    grouped = plain.groupby(keys, as_index=False).agg(patients=("patient_id", "nunique"), count=("count", "sum"))
    grouped["patients"] = grouped["patients"].astype("Int64").where(grouped["patients"].gt(0))
    return grouped.sort_values(["count", "finding"], ascending=[False, True], ignore_index=True)


def versions_frame(manifest: Manifest) -> pd.DataFrame:
    """Packages that shaped the tables: package, version."""
    return pd.DataFrame(sorted(manifest["versions"].items()), columns=["package", "version"])


def rules_frame(manifest: Manifest) -> pd.DataFrame:
    """Views, code lists and units in force with the hash of each file: file, hash."""
    return pd.DataFrame(sorted(manifest["hashes"].items()), columns=["file", "hash"])
