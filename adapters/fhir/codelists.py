"""Code lists: which codes mean which category, at which place of a resource and beside which other code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters import contract
from adapters.contract.typed_settings import nearest
from adapters.errors import InputError
from adapters.fhir.overlays import csv_rows, overlay_files
from adapters.fhir.spelling import Spelling, respelled

CODELISTS = Path(__file__).resolve().parents[1] / "codelists"
HEADER = ("system", "code", "display", "means", "source")
OPTIONAL = ("place", "beside")
PLACES = ("code", "category", "method", "modality", "used", "reason")
FOLLOW_UP = "follow_up"  # a measure of its own: only the last contact knows it, no table holds it
GLEASON_PATTERN = "gleason_pattern"  # primary or secondary: two of them make a score
STATISTIC = "*"  # in a measure: what the method of the Observation says, such as the maximum
_SUV = tuple(name for name in contract.MEASURES if name.startswith("suv_"))

_ALLOWED: dict[str, frozenset[str]] = {
    "conditions": frozenset(contract.CONDITIONS),
    "procedures": frozenset(contract.PROCEDURES),
    "medications": frozenset(contract.DRUGS),
    "sites": frozenset(contract.SITES),
    "tracers": frozenset(contract.TRACERS),
    "absent_reasons": frozenset(contract.ABSENT_REASONS),
    "statuses": frozenset(contract.STATUSES),
    "statistics": frozenset(name.removeprefix("suv_") for name in _SUV),
    "sexes": frozenset(contract.SEXES),
    "generic_procedures": frozenset({"therapy"}),
    "interpretations": frozenset({"below_scale", "above_scale", "unreliable"}),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A row that holds only at a place of the resource, or only beside another coding of it."""

    means: str
    place: str = ""  # role of the coding, "" for any
    beside: tuple[str, str] | None = None  # system and code of the other coding


@dataclass(frozen=True)
class CodeList:
    """One list: (system, code) -> meaning. An exact code comes before a prefix, a long prefix before a short one."""

    exact: dict[tuple[str, str], str] = field(default_factory=dict)
    prefixes: dict[tuple[str, str], str] = field(default_factory=dict)
    rules: dict[tuple[str, str], list[Rule]] = field(default_factory=dict)

    def add(self, system: str, code: str, rule: Rule) -> None:
        """Add a code, or a prefix where it ends in *; a later row of the same code wins."""
        if rule.place or rule.beside:
            self.rules.setdefault((system, code), []).append(rule)
        elif code.endswith("*"):
            self.prefixes[(system, code[:-1])] = rule.means
        else:
            self.exact[(system, code)] = rule.means

    def means(self, system: str, code: str) -> str | None:
        """What a code means; None where the list does not hold it, or holds it with an empty meaning."""
        meaning = self.exact.get((system, code))
        if meaning is None and self.prefixes:
            for length in range(len(code), 0, -1):
                meaning = self.prefixes.get((system, code[:length]))
                if meaning is not None and is_whole_level(code, length):
                    break
                meaning = None
        return meaning or None


def is_whole_level(code: str, length: int) -> bool:
    """True if the first `length` signs of a code are a level of its classification: C78.7 of C78.70, not C78 of C787."""
    rest = code[length:]
    return not rest or "." in code[:length] or rest.startswith(".") or "." in rest or not code[length - 1].isdigit()


@dataclass(frozen=True)
class CodeLists:
    """All lists by name, and the other addresses under which a code system is known."""

    lists: dict[str, CodeList]
    aliases: Mapping[str, str]

    def by_code(self, name: str) -> dict[str, str]:
        """Code -> meaning in the list `name`, whatever the system; the first system in the list wins."""
        code_list = self.lists.get(name, CodeList())
        return {code: means for (_, code), means in reversed(code_list.exact.items()) if means}

    def spelling(self, system: str, code: str) -> Spelling:
        """The coding as the code lists spell it."""
        return respelled(system, code, self.aliases) if system else Spelling("", " ".join(code.split()), False)

    def knows(self, name: str, system: str, code: str) -> bool:
        """True if the list maps the code, at some place or beside some other code at least."""
        spelling = self.spelling(system, code)
        rules = self.lists[name].rules if name in self.lists else {}
        return bool(self.means(name, system, code)) or (spelling.system, spelling.code) in rules

    def means(self, name: str, system: str, code: str) -> str | None:
        """What a code means in the list `name` at any place, under any address of its system, in any spelling."""
        code_list = self.lists.get(name)
        spelling = self.spelling(system, code)
        return code_list.means(spelling.system, spelling.code) if code_list else None


def load_code_lists(overlay: Path | None = None) -> CodeLists:
    """The lists of adapters/codelists, then the rows of files of the same name in `overlay`, which win.

    A row with an empty system is for a text without a code. The columns place and beside are optional.
    Raises InputError naming file and line for another header or a meaning that the contract does not know, and naming the
    file for one of another name or not in UTF-8.
    """
    lists: dict[str, CodeList] = {}
    aliases: dict[str, str] = {}
    own = sorted(CODELISTS.glob("*.csv"), key=_systems_first)
    for path in (*own, *(_of_overlay(overlay, own) if overlay else ())):
        for system, code, rule in _rows(path):
            if path.stem == "systems":
                aliases[system] = rule.means
            else:
                key = aliases.get(system, system)
                lists.setdefault(path.stem, CodeList()).add(key, code if system else " ".join(code.split()), rule)
    return CodeLists(lists, aliases)


def _systems_first(path: Path) -> tuple[bool, str]:
    return path.stem != "systems", path.stem


def _of_overlay(overlay: Path, own: list[Path]) -> list[Path]:
    """The lists of an overlay; each has the name of a list of our own."""
    names = [path.name for path in own]
    files = overlay_files(overlay, ".csv", lambda name: name if name in names else nearest(name, names))
    return sorted(files, key=_systems_first)


def _rows(path: Path) -> Iterator[tuple[str, str, Rule]]:
    for line, row in csv_rows(path, HEADER, OPTIONAL):
        system, code, means = (row[name].strip() for name in ("system", "code", "means"))
        where = f"{path.name}:{line}"
        if means and not _is_allowed(path.stem, means):
            raise InputError("the column means holds no category of the contract", where, "see the data dictionary")
        yield system, code, Rule(means, _place(row, where), _beside(row, where))


def _place(row: Mapping[str, str | None], where: str) -> str:
    place = str(row.get("place") or "").strip()
    if place and place not in PLACES:
        raise InputError(f"place is not one of {', '.join(PLACES)}", where, "correct it, or leave it empty")
    return place


def _beside(row: Mapping[str, str | None], where: str) -> tuple[str, str] | None:
    text = str(row.get("beside") or "").strip()
    if not text:
        return None
    system, mark, code = text.partition("|")
    if not mark or not code:
        raise InputError("beside is not SYSTEM|CODE", where, "write the other coding as SYSTEM|CODE")
    return system, code


def allowed_words(name: str) -> list[str]:
    """The words that may stand in the column means of a list, as patterns where there are many."""
    if name == "observations":
        return [*contract.MEASURES, FOLLOW_UP, f"suv_{STATISTIC}"]
    if name == "answers":
        return [f"category={answer}" for answer in contract.ANSWERS] + ["MEASURE=NUMBER"]
    return sorted(_ALLOWED.get(name, ()))


def _is_allowed(name: str, means: str) -> bool:
    if name == "observations":
        measure, _, answer = means.partition("=")
        if measure == GLEASON_PATTERN:
            return answer in ("primary", "secondary")
        known = measure in contract.MEASURES or measure in (FOLLOW_UP, f"suv_{STATISTIC}")
        return known and (not answer or answer in contract.ANSWERS)
    if name == "answers":
        measure, _, answer = means.partition("=")
        return answer in contract.ANSWERS if measure == "category" else measure in (*contract.MEASURES, GLEASON_PATTERN)
    return name not in _ALLOWED or means in _ALLOWED[name]
