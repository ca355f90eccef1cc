"""The tables of the contract out of dated rows: relative days, sequence, study ids."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from adapters.contract import TABLES, conform
from adapters.tables.days import order_in_day, relative_days
from adapters.tables.study_ids import StudyIds, fingerprints, rank_patients, row_texts

DAYS_PER_YEAR = 365.25
_ID_COLUMNS = ("patient_id", "procedure_id", "medication_id", "observation_id", "lesion_id")
_LETTERS = {
    "procedures": ("procedure_id", "P"),
    "medications": ("medication_id", "M"),
    "observations": ("observation_id", "O"),
}


@dataclass
class Dated:
    """Rows before study ids, each frame with the columns patient, first, last, at beside those of the contract."""

    people: pd.DataFrame  # index patient; sex, birth_*, death_*, contact, source
    conditions: pd.DataFrame
    procedures: pd.DataFrame
    medications: pd.DataFrame
    observations: pd.DataFrame  # with lesion
    lesions: pd.DataFrame  # patient, lesion, organ, is_node
    zero: pd.Series  # ordinal of day 0 by patient


def tidy(dated: Dated, ids: StudyIds, records: dict[str, list[str]], lesion_records: dict[str, list[str]]) -> tuple[
    dict[str, pd.DataFrame], dict[str, str]
]:  # fmt: skip
    """The clinical tables of the contract, and the study id of each person."""
    frames = _with_days(dated)
    frames["observations"]["lesion_text"] = _lesion_texts(frames)
    texts = {name: row_texts(frame, _content(name, frame)) for name, frame in frames.items()}
    owners = {name: frame["patient"] for name, frame in frames.items()}
    ranked = rank_patients(list(dated.people.index), [(name, owners[name], texts[name]) for name in frames])
    names = ids.name_patients(ranked, records)
    lesions = frames["lesions"]
    by_rank = lesions.assign(study=lesions["patient"].map(names)).sort_values(["study", "rank"], kind="stable")
    pairs = list(zip(by_rank["lesion"], by_rank["study"], strict=True))
    lesion_names = ids.name_lesions(pairs, lesion_records)
    tables = {}
    for name, frame in frames.items():
        frame = frame.assign(patient_id=frame["patient"].map(names).astype(object))
        if "lesion" in frame:
            frame = frame.assign(lesion_id=frame["lesion"].map(lesion_names))
        if name in _LETTERS:
            frame = _numbered(frame, texts[name], *_LETTERS[name])
        tables[name] = conform(name, frame[TABLES[name].names])
    return tables, names


def _with_days(dated: Dated) -> dict[str, pd.DataFrame]:
    zero = dated.zero
    frames = {"patients": _patients(dated)}
    for name in ("conditions", "procedures", "medications", "observations"):
        rows = getattr(dated, name)
        days = relative_days(rows, zero)
        frames[name] = rows.assign(**{f"start_{c}" if name == "medications" else c: days[c] for c in days})
    for name in ("procedures", "observations"):
        frames[name]["order"] = order_in_day(frames[name])
    medications = frames["medications"]
    end = medications["end"].astype(float) - medications["patient"].map(zero).astype(float)
    frames["medications"] = medications.assign(end_day=end.astype("Int64"))
    lesions = dated.lesions
    frames["lesions"] = lesions.assign(rank=_lesion_ranks(lesions, frames["observations"]))
    return frames


def _patients(dated: Dated) -> pd.DataFrame:
    people = dated.people.reset_index(names="patient")
    death = relative_days(people, dated.zero, "death_first", "death_last").add_prefix("death_")
    zero = people["patient"].map(dated.zero).astype(float)
    exact = people["birth_first"] == people["birth_last"]
    age = (zero - people["birth_first"]).where(exact) / DAYS_PER_YEAR
    contact = (people["contact"] - zero).astype("Int64")
    return pd.concat([people, death], axis=1).assign(
        age_years=age, last_contact_day=contact, last_contact_source=people["source"], has_day_zero=zero.notna()
    )


def _content(name: str, frame: pd.DataFrame) -> list[str]:
    """The columns of the contract that hold no id, and for measurements the text of their lesion."""
    own = [column for column in TABLES[name].names if column not in _ID_COLUMNS]
    return [*own, "lesion_text"] if "lesion_text" in frame else own


def _lesion_ranks(lesions: pd.DataFrame, observations: pd.DataFrame) -> pd.Series:
    """Rank of each lesion within its patient by the hash of its organ and its measurements."""
    columns = [c for c in TABLES["observations"].names if c not in _ID_COLUMNS]
    measured = observations[observations["lesion"].notna()]
    prints = fingerprints(measured["lesion"], row_texts(measured, columns))
    own = lesions["organ"].astype(str) + lesions["lesion"].map(prints).fillna("").astype(str)
    digest = fingerprints(pd.Series(range(len(lesions)), index=lesions.index), own)
    digest.index = lesions.index
    return digest.groupby(lesions["patient"]).rank(method="first").astype(int)


def _lesion_texts(frames: dict[str, pd.DataFrame]) -> pd.Series:
    """Rank of the lesion of each measurement, so that rows of different lesions do not read alike."""
    ranks = frames["lesions"].set_index("lesion")["rank"]
    return frames["observations"]["lesion"].map(ranks).astype("Int64")


def _numbered(frame: pd.DataFrame, texts: pd.Series, column: str, letter: str) -> pd.DataFrame:
    """Study ids of rows: numbers within the patient, by time, then by content."""
    keys = frame[["patient_id", "first", "at"]].assign(text=texts)
    ordered = keys.sort_values(["patient_id", "first", "at", "text"], kind="stable", na_position="first").index
    number = pd.Series(1, index=ordered).groupby(frame.loc[ordered, "patient_id"]).cumsum()
    return frame.assign(**{column: frame["patient_id"] + f"-{letter}" + number.reindex(frame.index).astype(str)})
