"""The contract: what every table promises, and that stored tables come back as promised."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from adapters import load_manifest, load_tables, scan
from adapters.contract import (
    MEASURES,
    TABLES,
    ContractError,
    conform,
    data_dictionary,
    empty_tables,
    tables_folder,
    write_table,
)


def lesions(*ids: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": [text.partition("-")[0] for text in ids],
            "lesion_id": list(ids),
            "organ": ["liver"] * len(ids),
            "is_node": [False] * len(ids),
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, frame in empty_tables().items():
        write_table(name, frame, tmp_path)
    write_table("lesions", lesions("S01-L1", "S02-L1"), tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"complete": True}), encoding="utf-8")
    return tmp_path


def test_contract_promises_the_seven_tables() -> None:
    assert list(TABLES) == [
        "patients",
        "conditions",
        "procedures",
        "medications",
        "observations",
        "lesions",
        "findings",
    ]


def test_every_column_has_a_description_and_every_number_a_unit_or_none_needed() -> None:
    for table in TABLES.values():
        for column in table.columns:
            assert column.description
            assert column.kind != "cat" or column.categories
            assert column.kind != "day" or column.unit == "d"


def test_every_measure_is_a_category_of_the_measure_column() -> None:
    assert TABLES["observations"].column("measure").categories == tuple(MEASURES)


def test_empty_tables_keep_the_contract() -> None:
    for name, frame in empty_tables().items():
        pd.testing.assert_frame_equal(conform(name, frame), frame)


def test_conform_sorts_by_keys_with_numbers_as_numbers() -> None:
    frame = conform("lesions", lesions("S02-L1", "S01-L10", "S01-L2"))
    assert list(frame["lesion_id"]) == ["S01-L2", "S01-L10", "S02-L1"]


def test_conform_makes_ordered_categories_of_the_whole_closed_list() -> None:
    organ = conform("lesions", lesions("S01-L1"))["organ"]
    assert organ.cat.ordered
    assert tuple(organ.cat.categories) == TABLES["lesions"].column("organ").categories


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(organ="spleen"), "lesions, column organ: value outside the closed list"),
        (lambda f: f.assign(is_node="perhaps"), "lesions, column is_node: not of type bool"),
        (lambda f: f.assign(organ=None), "lesions: organ: not_nullable"),
        (lambda f: f.drop(columns="organ"), r"missing columns \['organ'\]"),
        (lambda f: f.assign(birth_date="x"), r"columns without a promise \['birth_date'\]"),
        (lambda f: pd.concat([f, f]), "lesions: .*multiple_fields_uniqueness|lesions: .*unique"),
    ],
)
def test_conform_names_table_column_and_rule_but_no_value(change, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ContractError, match=message) as caught:
        conform("lesions", change(lesions("S01-L1")))
    assert "spleen" not in str(caught.value)
    assert "perhaps" not in str(caught.value)
    assert "S01" not in str(caught.value)


def test_conform_refuses_a_table_that_is_not_promised() -> None:
    with pytest.raises(ContractError, match="no table 'doctors'"):
        conform("doctors", pd.DataFrame())


def test_conform_refuses_fractions_of_a_day() -> None:
    frame = empty_tables()["medications"].drop(columns="end_day")
    row = ["S01", "S01-M1", "docetaxel", -10, -10, -10, "completed"]
    frame = pd.DataFrame([row], columns=list(frame.columns)).assign(end_day=0.5)
    with pytest.raises(ContractError, match="end_day: not of type day"):
        conform("medications", frame)


def test_written_tables_come_back_equal(folder: Path) -> None:
    tables = load_tables(folder)
    assert list(tables) == list(TABLES)
    pd.testing.assert_frame_equal(tables["lesions"], conform("lesions", lesions("S01-L1", "S02-L1")))
    for name, frame in empty_tables().items():
        if name != "lesions":
            pd.testing.assert_frame_equal(tables[name], frame)


def test_a_written_frame_holds_nothing_of_rows_filtered_away_before(tmp_path: Path) -> None:
    frame = conform("lesions", lesions("S01-L1", "S02-L1"))
    path = write_table("lesions", frame[frame["patient_id"] == "S01"], tmp_path)
    assert b"S02" not in path.read_bytes()
    assert pq.read_table(path).to_pandas()["organ"].cat.ordered


def test_tables_are_read_only_when_asked_for(folder: Path) -> None:
    (folder / "patients.parquet").write_bytes(b"broken")
    tables = load_tables(folder)
    assert len(tables["lesions"]) == 2


def test_a_changed_copy_does_not_change_the_tables(folder: Path) -> None:
    tables = load_tables(folder)
    mine = tables["lesions"]
    mine["lesion_id"] = "changed"
    assert list(tables["lesions"]["lesion_id"]) == ["S01-L1", "S02-L1"]


def test_names_and_columns_limit_what_is_read(folder: Path) -> None:
    assert list(load_tables(folder, names=["lesions"])) == ["lesions"]
    assert list(load_tables(folder, columns=["lesion_id", "sex"])["lesions"].columns) == ["lesion_id"]
    per_table = load_tables(folder, columns={"lesions": ["organ"]})
    assert list(per_table["lesions"].columns) == ["organ"]
    assert list(per_table["patients"].columns) == TABLES["patients"].names


@pytest.mark.parametrize(
    "call",
    [
        lambda folder: load_tables(folder, names=["doctors"]),
        lambda folder: load_tables(folder, columns={"doctors": ["x"]}),
        lambda folder: load_tables(folder, columns={"lesions": ["x"]})["lesions"],
        lambda folder: scan("doctors", folder),
    ],
)
def test_unknown_tables_and_columns_are_errors(folder: Path, call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ContractError):
        call(folder)


def test_scan_gives_an_arrow_dataset(folder: Path) -> None:
    data = scan("lesions", folder)
    assert data.count_rows() == 2
    assert data.schema.names == TABLES["lesions"].names


def test_path_argument_beats_the_environment_which_beats_the_repository(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_TABLES", str(folder))
    monkeypatch.chdir("/")
    assert tables_folder() == folder.resolve()
    assert load_manifest() == {"complete": True}
    with pytest.raises(FileNotFoundError, match="run `make book`"):
        load_tables(folder / "nowhere")


def test_without_argument_or_environment_the_repository_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDY_TABLES", raising=False)
    monkeypatch.setattr("adapters.contract.parquet.REPOSITORY", tmp_path)
    current = tmp_path / "data" / "tables" / "current"
    current.mkdir(parents=True)
    (current / "manifest.json").write_text("{}", encoding="utf-8")
    assert tables_folder() == current.resolve()


def test_a_manifest_without_its_table_is_an_error(folder: Path) -> None:
    (folder / "lesions.parquet").unlink()
    with pytest.raises(ContractError, match=r"no file lesions\.parquet"):
        load_tables(folder)["lesions"]


def test_data_dictionary_describes_every_column() -> None:
    dictionary = data_dictionary()
    assert len(dictionary) == sum(len(table.columns) for table in TABLES.values())
    assert (dictionary["description"] != "").all()


def test_tables_opened_before_a_pull_switches_stay_those_of_one_pull(folder: Path, tmp_path: Path) -> None:
    (out := tmp_path / "out").mkdir()
    (out / "current").symlink_to(folder)
    for name in ("manifest.json", "lesions.parquet"):
        (out / name).symlink_to(Path("current") / name)
    tables = load_tables(out)
    (out / "current").unlink()
    (out / "current").symlink_to(tmp_path)
    assert len(tables["lesions"]) == 2
    assert tables_folder(folder) == folder.resolve()
