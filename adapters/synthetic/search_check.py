"""Does a cohort give the printed results? Computed straight from the cohort files, apart from the analysis.

The rules are those of the search: Table 1 as median with the t interval of the mean (PSA, ALP, LDH: with range), one
interval and one activity per patient, laboratory change from the last value on or before day 0 to the last value after
the last therapy, lesion response from the scan before to the scan after a therapy.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from adapters.synthetic.search_check_lesions import ALPHA, lesion_values
from adapters.synthetic.search_statistics import (
    Floats,
    attainable_exact_p,
    count_ties,
    logrank_p,
    median,
    median_and_range,
    median_and_t_interval,
    u_statistic,
)
from adapters.synthetic.targets import targets
from analysis.kaplan_meier import spss_median

Frames = Mapping[str, pd.DataFrame]
Values = dict[str, tuple[float, ...]]
ARMS = {"lu": ("lu",), "lu_sirt": ("lu_sirt",), "all": ("lu", "lu_sirt")}
DAYS_PER_MONTH = 30.4375
SITES = {"bone": "bone", "node": "lymph_node", "lung": "lung", "other": "other"}
DRUGS = ("docetaxel", "cabazitaxel", "abiraterone", "enzalutamide", "adt")


def disagreements(frames: Frames) -> list[str]:
    """Ids of the targets that the cohort does not meet, in the order of targets.csv; a target not computed counts."""
    found = printed_values(frames)
    return [id for id, target in targets().items() if id not in found or not _meets(id, target.operator, found[id])]


def _meets(id: str, operator: str, values: tuple[float, ...]) -> bool:
    target = targets()[id]
    if operator == "is":
        return bool(values[0]) is (target.value == "yes")
    if operator == "<":
        return values[0] < target.number
    return target.miss(*values) == 0


def printed_values(frames: Frames) -> Values:
    """Value, and lower and upper where the paper prints them, of each target id; yes/no as 1.0/0.0."""
    people = frames["patients"].set_index("key")
    study = people[people["role"].isin(ARMS["all"])]
    found = _counts(frames, people)
    for arm, roles in ARMS.items():
        keys = study.index[study["role"].isin(roles)]
        found |= _table_one(frames, study, keys, arm)
    found |= _survival(study) | _laboratory(frames, study) | lesion_values(frames)
    mean = frames["sirt"]["activity_gbq"].dropna().to_numpy()
    found["tx.sirt_activity"] = (float(mean.mean()), float(mean.min()), float(mean.max()))
    for name in ("interval", "activity"):
        found[f"tx.{name}"] = found[f"t1.{name}.all"]
    return found | {"tx.cycles": found["t1.cycles.all"][:1]}


def _counts(frames: Frames, people: pd.DataFrame) -> Values:
    given = set(frames["cycles"]["key"])
    treated = set(frames["sirt"].dropna(subset=["day"])["key"])
    liver = _keys_with(frames["conditions"], "site", "liver")
    arms = {key: "lu_sirt" if key in treated else "lu" for key in given & liver}
    worked_up = set(frames["sirt"]["key"]) - treated
    numbers = {
        "n.all": len(arms),
        "n.lu": sum(arm == "lu" for arm in arms.values()),
        "n.lu_sirt": sum(arm == "lu_sirt" for arm in arms.values()),
        "n.sirt_rejected": len(worked_up),
    }
    if set(arms) != set(people.index[people["role"].isin(ARMS["all"])]):
        raise ValueError("roles and therapies of the cohort contradict each other")
    return {id: (float(n),) for id, n in numbers.items()}


def _keys_with(rows: pd.DataFrame, column: str, value: str) -> set[str]:
    return set(rows.loc[rows[column].eq(value), "key"])


def _table_one(frames: Frames, study: pd.DataFrame, keys: pd.Index, arm: str) -> Values:
    days = frames["cycles"][frames["cycles"]["key"].isin(keys)].groupby("key")["day"].agg(["min", "max", "size"])
    several = days[days["size"] > 1]
    weeks = (several["max"] - several["min"]) / 7 / (several["size"] - 1)
    gbq = frames["cycles"][frames["cycles"]["key"].isin(keys)].groupby("key")["activity_gbq"].mean()
    spread = {
        "age": -study.loc[keys, "birth_day"] / 365.25,
        "cycles": days["size"],
        "interval": weeks,
        "activity": gbq,
    }
    found = {f"t1.{name}.{arm}": median_and_t_interval(_floats(column)) for name, column in spread.items()}
    found |= {f"t1.{m}.{arm}": median_and_range(_floats(_baseline(frames, m)[keys])) for m in ("psa", "alp", "ldh")}
    found[f"t1.gleason.{arm}"] = (median(_floats(study.loc[keys, "gleason"])),)
    ecog = study.loc[keys, "ecog"]
    counted = {"ecog01": ecog.le(1).sum(), "ecog2": ecog.eq(2).sum(), "ecog3": ecog.eq(3).sum()}
    counted |= {"cycles_total": days["size"].sum()} | _histories(frames, set(keys))
    return found | {f"t1.{name}.{arm}": (float(n),) for name, n in counted.items()}


def _histories(frames: Frames, keys: set[str]) -> dict[str, int]:
    sites = {short: _keys_with(frames["conditions"], "site", site) for short, site in SITES.items()}
    drugs = {drug: _keys_with(frames["medications"], "drug", drug) for drug in DRUGS}
    drugs["abi_enza"] = drugs["abiraterone"] & drugs["enzalutamide"]
    acts = {"ra223": "ra223", "ebrt_bone": "ebrt"}
    done = {short: _keys_with(frames["procedures"], "procedure", act) for short, act in acts.items()}
    return {name: len(having & keys) for name, having in (sites | drugs | done).items()}


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=float)


def _baseline(frames: Frames, measure: str) -> pd.Series:
    """Last value on or before day 0 by key."""
    rows = frames["labs"][frames["labs"]["measure"].eq(measure) & frames["labs"]["day"].le(0)]
    return rows.sort_values("day").groupby("key")["value"].last()


def _last(frames: Frames, measure: str) -> pd.Series:
    """Last value after the last cycle or SIRT by key."""
    therapy = pd.concat([frames["cycles"][["key", "day"]], frames["sirt"][["key", "day"]].dropna()])
    rows = frames["labs"][frames["labs"]["measure"].eq(measure)]
    after = rows[rows["day"] > rows["key"].map(therapy.groupby("key")["day"].max())]
    return after.sort_values("day").groupby("key")["value"].last()


def _survival(study: pd.DataFrame) -> Values:
    days, events = _floats(study["last_contact_day"]), study["death_day"].notna().to_numpy()
    group = study["role"].eq("lu_sirt").to_numpy()
    p = logrank_p(days, events, group)
    found: Values = {"os.logrank": (p,), "os.significant": (float(p < ALPHA),)}
    for arm, members in (("lu", ~group), ("lu_sirt", group)):
        estimate = spss_median(days[members], events[members])
        limits = (estimate.value, estimate.lower, estimate.upper)
        found |= {f"os.{arm}": tuple(float("nan") if x is None else x / DAYS_PER_MONTH for x in limits)}
    return found


def _laboratory(frames: Frames, study: pd.DataFrame) -> Values:
    is_sirt = study["role"].eq("lu_sirt").to_numpy()
    p_values = attainable_exact_p(int(is_sirt.sum()), int((~is_sirt).sum()))
    found: Values = {}
    for measure in ("alt", "ast", "ggt", "bilirubin"):
        before, after = (_floats(rows(frames, measure)[study.index]) for rows in (_baseline, _last))
        change = 100 * (after - before) / before
        p = p_values[int(u_statistic(change[is_sirt], change[~is_sirt]))]
        if measure == "bilirubin":
            found["tox.bilirubin"] = (float(p < ALPHA),)
            continue
        found[f"tox.{measure}.lu"] = (median(change[~is_sirt]),)
        found[f"tox.{measure}.lu_sirt"] = (median(change[is_sirt]),)
        found[f"tox.{measure}.p"] = (p if not count_ties(change) else float("nan"),)
    return found
