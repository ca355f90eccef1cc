"""The analysis settings of `study.toml`: limits, windows, horizons, families of tests, fixed before results.

Each section is a frozen Struct; a percentage, a day, a weight says its unit in its name. A key without a default must be
written down, because it is a decision of the study; defaults are left for what is technical. The adapters' sections of the
same file are read by `adapters.contract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters.contract import SettingsError, nearest, read_study_file, typed, unknown

__all__ = ["REPOSITORY", "SettingsError", "Study", "load_study"]

REPOSITORY = Path(__file__).resolve().parent.parent

Share = Annotated[float, Meta(gt=0, lt=1)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Increase = Annotated[float, Meta(ge=0)]  # in percent; a value may more than double
Amount = Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)]
Days = Annotated[int, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
Design = Literal["log_rank", "signed_rank", "mann_whitney", "mann_whitney_halves"]
GROUPS_OF: Mapping[str, int] = MappingProxyType(
    {"log_rank": 2, "signed_rank": 1, "mann_whitney": 2, "mann_whitney_halves": 1}
)


class Section(msgspec.Struct, frozen=True):
    """A part of the settings that cannot be changed after it was read."""


class Analysis(Section, frozen=True, kw_only=True):
    """Rules of every test and interval."""

    days_per_month: Annotated[float, Meta(gt=0)] = 30.4375
    alpha: Share
    confidence_level: Share = 0.95
    events_per_term: Count


class AnalysisSet(Section, frozen=True):
    """Who is analysed."""

    castration_resistance_required: bool
    liver_metastases_required: bool
    baseline_grace_days: Days


class TableOne(Section, frozen=True):
    """What one value of the table of characteristics belongs to."""

    interval_unit: Literal["patient", "pair"] = "patient"
    activity_unit: Literal["patient", "administration"] = "patient"


class Balance(Section, frozen=True):
    """Random allocations that the imbalance between the arms is compared with."""

    permutations: Count = 2000
    seed: Annotated[int, Meta(ge=0)] = 20200501


class LuPsmaLimits(Section, frozen=True):
    """Beyond these values 177Lu-PSMA was not given."""

    leukocytes_min_per_ul: Amount
    platelets_min_per_ul: Amount
    haemoglobin_min_g_dl: Amount
    creatinine_max_mg_dl: Amount
    transaminases_max_uln: Amount
    transaminases_rule: Literal["either", "both"]


class SirtLimits(Section, frozen=True):
    """Beyond these values, or with these findings, SIRT was not given."""

    bilirubin_max_mg_dl: Amount
    lung_shunt_max_pct: Percent
    ascites_excludes: bool
    gi_flow_excludes: bool
    extrahepatic_controlled_required: bool
    hepatic_progressive_required: bool


class Eligibility(Section, frozen=True):
    """Exclusion limits by therapy."""

    lu_psma: LuPsmaLimits
    sirt: SirtLimits


class Subgroup(Section, frozen=True):
    """Who belongs to the imaging subgroup."""

    liver_metastases_required: bool
    pet_before_and_after_required: bool


class Therapy(Section, frozen=True):
    """The planned therapy: lowest and highest activity of a cycle, shortest and longest interval of two cycles."""

    target_activity_gbq: tuple[Amount, Amount]
    cycle_repeat_weeks: tuple[Amount, Amount]

    def __post_init__(self) -> None:
        _require_order(self, "target_activity_gbq", "cycle_repeat_weeks")


class Imaging(Section, frozen=True):
    """The planned imaging: activity by body weight, uptake times, times between procedures."""

    ga68_psma_11_mbq_per_kg: Amount
    ga68_psma_11_uptake_min: Amount
    f18_psma_1007_mbq_per_kg: Amount
    f18_psma_1007_uptake_min: Amount
    scintigraphy_hours: Amount
    maa_lead_weeks: Amount
    maa_uptake_all_lesions: bool


class Response(Section, frozen=True):
    """When a lesion responds or progresses, and which images are one scan."""

    progression_increase_pct: Increase
    progression_new_lesion: bool
    partial_response_decrease_pct: Percent
    complete_response_no_lesions: bool
    target_lesions_max: Count
    scan_window_days: Days


class Survival(Section, frozen=True):
    """Landmarks and the horizon of restricted means."""

    landmarks_days: tuple[Days, ...]
    rmst_horizon: Literal["smaller_last_time"] = "smaller_last_time"

    def __post_init__(self) -> None:
        if not self.landmarks_days or list(self.landmarks_days) != sorted(set(self.landmarks_days)):
            raise ValueError("landmarks_days must name at least one day, each once and in order")


class Toxicity(Section, frozen=True, kw_only=True):
    """Windows of laboratory values, and how they are graded."""

    ctcae_version: Literal[5, 6]
    baseline: Literal["last_on_or_before_day_zero"] = "last_on_or_before_day_zero"
    baseline_days: Days
    followup: Literal["last_after_therapy"] = "last_after_therapy"
    followup_days: Days
    worst_from_day: int = 1
    missing_baseline: Literal["not_gradable", "normal"] = "not_gradable"
    significant_digits: Annotated[int, Meta(ge=1, le=15)] = 8
    hys_law_transaminase_uln: Amount
    hys_law_bilirubin_uln: Amount


class Psa(Section, frozen=True):
    """When PSA responds or progresses."""

    response_decline_pct: Percent
    progression_increase_pct: Increase
    progression_increase_ng_ml: Annotated[float, Meta(ge=0)]
    confirmation_days: Days
    landmark_day: Days
    landmark_window_days: Days


class HypothesisTest(Section, frozen=True):
    """One test of the study; `sizes` are the ids of results whose n are the sizes of its groups."""

    question: str
    design: Design
    sizes: tuple[str, ...]
    unit: str

    def __post_init__(self) -> None:
        needed = GROUPS_OF[self.design]
        if len(self.sizes) != needed:
            raise ValueError(f"sizes names {len(self.sizes)} results; the design {self.design} needs {needed}")


class Family(Section, frozen=True):
    """Tests that are corrected together, and why."""

    reason: str
    tests: tuple[str, ...]


class Multiplicity(Section, frozen=True):
    """All tests by the id of their result, and the families that correct them."""

    tests: Mapping[str, HypothesisTest]
    families: Mapping[str, Family]

    def __post_init__(self) -> None:
        for name, family in self.families.items():
            for test in family.tests:
                if test not in self.tests:
                    near = nearest(test, self.tests) or "none"
                    raise ValueError(
                        f'families."{name}".tests names {test}, which is not a test; the nearest is {near}'
                    )
        for field in self.__struct_fields__:
            msgspec.structs.force_setattr(self, field, MappingProxyType(dict(getattr(self, field))))


class Study(Section, frozen=True, kw_only=True):
    """All analysis settings: `study.response.target_lesions_max`."""

    analysis: Analysis
    analysis_set: AnalysisSet
    table_one: TableOne = TableOne()
    balance: Balance = Balance()
    eligibility: Eligibility
    subgroup: Subgroup
    therapy: Therapy
    imaging: Imaging
    response: Response
    survival: Survival
    toxicity: Toxicity
    psa: Psa
    multiplicity: Multiplicity

    def with_(self, **sections: Mapping[str, Any]) -> Study:
        """The same study with other settings: `study.with_(psa={"landmark_day": 80})`; this one stays as it is.

        A section inside a section is given as a dict too. Raises SettingsError as `load_study`.
        """
        kinds = _sections()
        for name in sections:
            if name not in kinds:
                raise unknown(f"[{name}] is not a section", name, kinds, "settings")
        changed = {name: _merged(_plain(getattr(self, name)), sections.get(name, {})) for name in kinds}
        values: dict[str, Any] = {name: typed(changed[name], kind, name, "settings") for name, kind in kinds.items()}
        return Study(**values)


def load_study(path: str | Path | None = None) -> Study:
    """Settings from `path`, else the file named in `STUDY_SETTINGS`, else the repository's `study.toml`.

    Raises SettingsError naming file, section and key.
    """
    file = read_study_file(path)
    sections: dict[str, Any] = {name: file.section(name, kind) for name, kind in _sections().items()}
    return Study(**sections)


def _sections() -> dict[str, type[Section]]:
    return {field.name: field.type for field in msgspec.structs.fields(Study)}


def _plain(value: Any) -> Any:
    """Sections as dicts, as they were before they were typed."""
    if isinstance(value, Section):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _merged(old: Any, new: Any) -> Any:
    """`new`; where both are tables, `old` with the keys of `new`."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


def _require_order(section: Section, *pairs: str) -> None:
    for name in pairs:
        low, high = getattr(section, name)
        if low > high:
            raise ValueError(f"{name} must give the lower number first")
