"""Rule 11: study ids hang on nothing but the patients' own rows; the link file alone knows source ids."""

from __future__ import annotations

import stat
from pathlib import Path

import pandas as pd
import pytest

from adapters.errors import InputError
from adapters.tables.study_ids import (
    REPOSITORY,
    StudyIds,
    fingerprints,
    rank_patients,
    read_link,
    row_texts,
    write_link,
)


def texts(**columns: list[object]) -> pd.Series:
    return row_texts(pd.DataFrame(columns), list(columns))


def test_row_texts_read_missing_cells_of_every_dtype_alike() -> None:
    frame = pd.DataFrame({
        "a": pd.array([1, None], dtype="Int64"), "b": [0.5, float("nan")], "c": pd.Categorical(["x", None]),
        "d": pd.array([True, None], dtype="boolean"), "e": ["t", None],
    })  # fmt: skip
    first, second = row_texts(frame, list(frame.columns))
    assert first == "1\x1f0.5\x1fx\x1fTrue\x1ft"
    assert second == "\x1f\x1f\x1f\x1f"


def test_fingerprints_do_not_depend_on_the_order_of_rows() -> None:
    owners, rows = pd.Series(["p", "q", "p"]), pd.Series(["1", "2", "3"])
    turned = fingerprints(owners[::-1], rows[::-1])
    pd.testing.assert_series_equal(fingerprints(owners, rows), turned)
    assert fingerprints(owners, rows)["p"] != fingerprints(owners, pd.Series(["1", "2", "4"]))["p"]


def test_ranks_follow_content_not_keys() -> None:
    def ranked(*keys: str) -> list[int]:
        owners = pd.Series(list(keys))
        order = rank_patients(list(keys), [("t", owners, texts(a=[1, 2, 3]))])
        return [keys.index(key) for key in order]

    assert ranked("p", "q", "r") == ranked("z", "a", "m")


def test_a_patient_without_rows_has_a_rank_too() -> None:
    assert sorted(rank_patients(["p", "q"], [("t", pd.Series(["p"]), texts(a=[1]))])) == ["p", "q"]


@pytest.mark.parametrize(("number", "first"), [(9, "S01"), (99, "S01"), (100, "S001")])
def test_study_ids_have_one_width(number: int, first: str) -> None:
    keys = [f"Patient/{n}" for n in range(number)]
    names = StudyIds().name_patients(keys, {key: [key] for key in keys})
    assert min(names.values()) == first
    assert len({len(name) for name in names.values()}) == 1


def test_known_patients_keep_their_ids_and_new_ones_take_the_next() -> None:
    ids = StudyIds({"Patient/b": "S01", "Patient/a": "S02", "Patient/gone": "S03"})
    names = ids.name_patients(
        ["Patient/new", "Patient/a", "Patient/b"], {k: [k] for k in ("Patient/new", "Patient/a", "Patient/b")}
    )
    assert names == {"Patient/a": "S02", "Patient/b": "S01", "Patient/new": "S04"}


def test_a_merged_patient_is_known_by_either_record() -> None:
    ids = StudyIds({"Patient/old": "S07"})
    assert ids.name_patients(["Patient/new"], {"Patient/new": ["Patient/new", "Patient/old"]}) == {"Patient/new": "S07"}
    assert ids.patients == {"Patient/old": "S07", "Patient/new": "S07"}


def test_lesions_keep_their_ids_within_their_patient() -> None:
    ids = StudyIds(lesions={"BodyStructure/b": "S01-L1", "BodyStructure/x": "S02-L5"})
    keys = ["BodyStructure/a", "BodyStructure/b", "BodyStructure/x"]
    pairs = [("BodyStructure/a", "S01"), ("BodyStructure/b", "S01"), ("BodyStructure/x", "S01")]
    names = ids.name_lesions(pairs, {key: [key] for key in keys})
    assert names == {"BodyStructure/b": "S01-L1", "BodyStructure/a": "S01-L2", "BodyStructure/x": "S01-L3"}


def test_link_file_is_for_its_owner_alone_and_comes_back(tmp_path: Path) -> None:
    path, ids = tmp_path / "link.json", StudyIds({"Patient/a": "S01"}, {"BodyStructure/b": "S01-L1"})
    path.write_text("{}", encoding="utf-8")
    path.chmod(0o644)
    write_link(path, ids)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_link(path) == ids
    assert list(tmp_path.iterdir()) == [path]


def test_no_link_file_yet_knows_nobody(tmp_path: Path) -> None:
    assert read_link(tmp_path / "link.json") == StudyIds()


@pytest.mark.parametrize("inside", [REPOSITORY / "link.json", REPOSITORY / "data" / "link.json"])
def test_link_file_inside_the_repository_is_refused(inside: Path) -> None:
    with pytest.raises(InputError, match="inside the repository"):
        write_link(inside, StudyIds())
    with pytest.raises(InputError, match="inside the repository"):
        read_link(inside)
    assert not inside.exists()


def test_a_link_into_the_repository_is_refused_as_well(tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(REPOSITORY)
    with pytest.raises(InputError, match="inside the repository"):
        write_link(tmp_path / "way" / "link.json", StudyIds())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"patients": 1, "lesions": {}}'])
def test_a_broken_link_file_is_an_error_without_its_content(tmp_path: Path, text: str) -> None:
    (tmp_path / "link.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="--link: the link file cannot be read"):
        read_link(tmp_path / "link.json")
