"""Does a cohort give the printed results? Computed straight from the cohort files, apart from the analysis.

The rules are those of the search: Table 1 as median with the t interval of the mean (PSA, ALP, LDH: with range), one
interval and one activity per patient, laboratory change from the last value on or before day 0 to the last value after
the last therapy, lesion response from the scan before to the scan after a therapy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pandas as pd

from adapters.synthetic.search.check_lesions import ALPHA, lesion_values
from adapters.synthetic.search.statistics import (
    attainable_exact_p,
    count_ties,
    logrank_p,
    median,
    median_and_range,
    median_and_t_interval,
    u_statistic,
)
from adapters.synthetic.search.targets import targets
from analysis.statistics.kaplan_meier import spss_median

Frames = Mapping[str, pd.DataFrame]
Values = dict[str, tuple[float, ...]]
Cycles = dict[str, list[tuple[int, float]]]  # days and activities by key
Ends = dict[str, dict[str, float]]  # values by measure and key
ARMS = {"lu": ("lu",), "lu_sirt": ("lu_sirt",), "all": ("lu", "lu_sirt")}
DAYS_PER_MONTH = 30.4375
SITES = {"bone": "bone", "node": "lymph_node", "lung": "lung", "other": "other"}
ACTS = {"ra223": "ra223", "ebrt_bone": "ebrt"}
FROM_TABLE_1 = ("psa", "alp", "ldh")
CHANGES = ("alt", "ast", "ggt", "bilirubin")
MEASURES = (*FROM_TABLE_1, *CHANGES)
DRUGS = ("docetaxel", "cabazitaxel", "abiraterone", "enzalutamide", "adt")


def disagreements(frames: Frames) -> list[str]:
    """Ids of the targets that the cohort does not meet, in the order of targets.csv; a target not computed counts."""
    values = printed_values(frames)
    return [
        target_id
        for target_id, target in targets().items()
        if target_id not in values or not _meets(target_id, target.operator, values[target_id])
    ]


def _meets(target_id: str, operator: str, values: tuple[float, ...]) -> bool:
    target = targets()[target_id]
    if operator == "is":
        return bool(values[0]) is (target.value == "yes")
    if operator == "<":
        return values[0] < target.number
    return target.miss(*values) == 0


def printed_values(frames: Frames) -> Values:
    """Value, and lower and upper where the paper prints them, of each target id; yes/no as 1.0/0.0."""
    people = frames["patients"].set_index("key")
    study = people[people["role"].isin(ARMS["all"])]
    cycles = _cycles(frames)
    sirt = frames["sirt"].dropna(subset=["day"])
    last_therapy = {key: max(day for day, _ in own) for key, own in cycles.items()}
    for key, day in zip(sirt["key"], sirt["day"], strict=True):
        last_therapy[key] = max(last_therapy[key], int(day))
    before, after = _ends(frames["labs"], last_therapy)
    values = _counts(frames, study, set(cycles), set(sirt["key"]))
    histories = _histories(frames)
    for arm, roles in ARMS.items():
        keys = study.index[study["role"].isin(roles)].tolist()
        values |= _spreads(arm, keys, study, cycles, before)
        values |= _table_counts(arm, keys, study, cycles, histories)
    values |= _survival(study) | _laboratory(study, before, after) | lesion_values(frames)
    given = sirt["activity_gbq"].to_numpy(dtype=float)
    values["tx.sirt_activity"] = (float(given.mean()), float(given.min()), float(given.max()))
    repeated = {f"tx.{name}": values[f"t1.{name}.all"] for name in ("interval", "activity")}
    return values | repeated | {"tx.cycles": values["t1.cycles.all"][:1]}


def _cycles(frames: Frames) -> Cycles:
    cycles: Cycles = defaultdict(list)
    table = frames["cycles"]
    for key, day, gbq in zip(table["key"], table["day"], table["activity_gbq"], strict=True):
        cycles[key].append((int(day), float(gbq)))
    return cycles


def _ends(labs: pd.DataFrame, last_therapy: Mapping[str, int]) -> tuple[Ends, Ends]:
    """By measure and key: last value on or before day 0, and last value after the last therapy."""
    before: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    after: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    rows = labs[labs["measure"].isin(MEASURES)]
    for key, measure, day, value in zip(rows["key"], rows["measure"], rows["day"], rows["value"], strict=True):
        place = before if day <= 0 else after
        counts = day <= 0 or day > last_therapy.get(key, day)
        if counts and (key not in place[measure] or day > place[measure][key][0]):
            place[measure][key] = (int(day), float(value))
    first, last = ({m: {k: v for k, (_, v) in own.items()} for m, own in side.items()} for side in (before, after))
    return first, last


def _counts(frames: Frames, study: pd.DataFrame, given: set[str], treated: set[str]) -> Values:
    conditions = frames["conditions"]
    liver = set(conditions.loc[conditions["site"].eq("liver"), "key"])
    arms = {key: "lu_sirt" if key in treated else "lu" for key in given & liver}
    if arms != study["role"].to_dict():
        raise ValueError("roles and therapies of the cohort contradict each other")
    values: Values = {f"n.{arm}": (float(sum(arms[key] in roles for key in arms)),) for arm, roles in ARMS.items()}
    return values | {"n.sirt_rejected": (float(len(set(frames["sirt"]["key"]) - treated)),)}


def _spreads(arm: str, keys: list[str], study: pd.DataFrame, cycles: Cycles, before: Ends) -> Values:
    days = [[day for day, _ in cycles[key]] for key in keys]
    columns = {
        "age": study.loc[keys, "birth_day"].to_numpy(dtype=float) / -365.25,
        "cycles": [len(own) for own in days],
        "interval": [(max(own) - min(own)) / 7 / (len(own) - 1) for own in days if len(own) > 1],
        "activity": [np.mean([gbq for _, gbq in cycles[key]]) for key in keys],
    }
    values = {f"t1.{n}.{arm}": median_and_t_interval(np.asarray(c, dtype=float)) for n, c in columns.items()}
    for measure in FROM_TABLE_1:
        values[f"t1.{measure}.{arm}"] = median_and_range(np.array([before[measure][key] for key in keys]))
    return {**values, f"t1.gleason.{arm}": (median(study.loc[keys, "gleason"].to_numpy(dtype=float)),)}


def _table_counts(
    arm: str, keys: list[str], study: pd.DataFrame, cycles: Cycles, histories: Mapping[str, set[str]]
) -> Values:
    ecog = study.loc[keys, "ecog"].to_numpy(dtype=int)
    numbers = {"ecog01": (ecog <= 1).sum(), "ecog2": (ecog == 2).sum(), "ecog3": (ecog == 3).sum()}
    numbers["cycles_total"] = sum(len(cycles[key]) for key in keys)
    numbers |= {name: len(having & set(keys)) for name, having in histories.items()}
    return {f"t1.{name}.{arm}": (float(n),) for name, n in numbers.items()}


def _histories(frames: Frames) -> dict[str, set[str]]:
    """Keys of those with each site of metastases, earlier drug and earlier radiation."""
    having: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, column in (("conditions", "site"), ("medications", "drug"), ("procedures", "procedure")):
        for key, value in zip(frames[name]["key"], frames[name][column], strict=True):
            having[name, value].add(key)
    patients = {short: having["conditions", site] for short, site in SITES.items()}
    patients |= {drug: having["medications", drug] for drug in DRUGS}
    patients |= {short: having["procedures", act] for short, act in ACTS.items()}
    return patients | {"abi_enza": patients["abiraterone"] & patients["enzalutamide"]}


def _survival(study: pd.DataFrame) -> Values:
    days, events = study["last_contact_day"].to_numpy(dtype=float), study["death_day"].notna().to_numpy()
    group = study["role"].eq("lu_sirt").to_numpy()
    p = logrank_p(days, events, group)
    values: Values = {"os.logrank": (p,), "os.significant": (float(p < ALPHA),)}
    for arm, members in (("lu", ~group), ("lu_sirt", group)):
        estimate = spss_median(days[members], events[members])
        limits = (estimate.value, estimate.lower, estimate.upper)
        values |= {f"os.{arm}": tuple(float("nan") if x is None else x / DAYS_PER_MONTH for x in limits)}
    return values


def _laboratory(study: pd.DataFrame, before: Ends, after: Ends) -> Values:
    is_sirt = study["role"].eq("lu_sirt").to_numpy()
    p_values = attainable_exact_p(int(is_sirt.sum()), int((~is_sirt).sum()))
    values: Values = {}
    for measure in CHANGES:
        first, last = (np.array([side[measure][key] for key in study.index]) for side in (before, after))
        change = 100 * (last - first) / first
        p = p_values[int(u_statistic(change[is_sirt], change[~is_sirt]))]
        if measure == "bilirubin":
            values["tox.bilirubin"] = (float(p < ALPHA),)
            continue
        values[f"tox.{measure}.lu"] = (median(change[~is_sirt]),)
        values[f"tox.{measure}.lu_sirt"] = (median(change[is_sirt]),)
        values[f"tox.{measure}.p"] = (p if not count_ties(change) else float("nan"),)
    return values
