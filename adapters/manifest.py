"""The manifest of a pull: source, dispositions, queries, hashes, versions, findings. No ids, no paths."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from adapters.ledger import Ledger
from adapters.settings import Settings

PACKAGES = ("executable-radionuclide-study", "pandas", "pyarrow", "pandera", "fhirpathpy", "msgspec", "numpy")
HERE = Path(__file__).resolve().parent
# What turns resources into rows, and the setting that names a hospital's additions to it.
RULES = {"views": "views/*.json", "codelists": "codelists/*.csv", "units": "tables/values/units.csv"}


def rule_files(settings: Settings) -> dict[str, Path]:
    """The files of views, code lists and units that a pull uses, by a name without the machine's path."""
    files: dict[str, Path] = {}
    for name, pattern in RULES.items():
        files |= {str(file.relative_to(HERE)): file for file in sorted(HERE.glob(pattern))}
        overlay = settings.overlay(name)
        if overlay is not None:
            additions = sorted(overlay.glob(f"*{Path(pattern).suffix}"))
            files |= {f"overlay/{name}/{number}": file for number, file in enumerate(additions, start=1)}
    return files


def short_hash(parts: Iterable[bytes]) -> str:
    """The first 16 hexadecimal digits of a SHA-256 over the parts."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:16]


def file_hashes(files: dict[str, Path]) -> dict[str, str]:
    """Name -> short hash of content."""
    return {name: short_hash([path.read_bytes()]) for name, path in sorted(files.items())}


def findings_by_kind(ledger: Ledger) -> dict[str, int]:
    """How often each kind of finding occurred."""
    counts: Counter[str] = Counter()
    for finding, number in ledger.findings.items():
        counts[finding.finding.value] += number
    return dict(sorted(counts.items()))


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape the tables."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def write_manifest(manifest: dict[str, Any], path: Path) -> None:
    """Write the manifest as JSON with sorted keys."""
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
