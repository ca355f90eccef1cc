"""Published against computed: what agrees, what may not, and that the print never reaches a computed value."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.paper import published as reproduction
from analysis.paper.discrepancies import NEITHER, REMARK, ROUNDS, SLIP, TRUNCATES, compute, discrepancies_frame, verdict
from analysis.paper.published import (
    Printed,
    beside_print,
    compare,
    comparison_frame,
    judge,
    load_printed,
    may_disagree,
    percent_audit,
    tally,
)
from analysis.results import Result, missing
from tests.support.paths import REPOSITORY

FIELDS = ("where", "arm", "measure", "statistic", "unit", "text", "lower", "upper", "interval", "n", "percent", "note")


def printed(value: str = "", operator: str = "=", **cells: str) -> Printed:
    return Printed(**{**dict.fromkeys(FIELDS, ""), "id": "x", "value": value, "operator": operator, **cells})


def result(value: object, **cells: object) -> Result:
    return Result("x", value, **cells)


class TestVerdict:
    @pytest.mark.parametrize(
        ("text", "value", "expected"),
        [
            ("5.7", 5.684, ROUNDS),
            ("5.7", 5.65, ROUNDS),
            ("5.7", 5.6499, NEITHER),
            ("5.7", 5.75, TRUNCATES),
            ("5.7", 5.7999, TRUNCATES),
            ("5.7", 5.8, NEITHER),
            ("6.4", 100 * 2 / 31, TRUNCATES),
            ("5.0", 100 * 2 / 36, NEITHER),
            ("-35", -35.5, TRUNCATES),
            ("-35", -34.5, ROUNDS),
            ("56", 500 / 9, ROUNDS),
            ("0.0003", 0.000318, ROUNDS),
            ("0", 0.0, ROUNDS),
            ("6970", 6970.0, ROUNDS),
            ("0.3", 0.1 + 0.2, ROUNDS),
        ],
    )
    def test_rounds_truncates_or_neither(self, text: str, value: float, expected: str) -> None:
        assert verdict(text, value) == expected

    @given(st.decimals(-9999, 9999, places=2))
    def test_a_value_always_agrees_with_its_own_digits(self, number) -> None:
        assert verdict(str(number), float(number)) == ROUNDS


class TestJudge:
    def test_value_interval_and_percentage_must_all_agree(self) -> None:
        row = printed("5.7", lower="2.9", upper="8.5", percent="50.0")
        good = result(5.684, lower=2.896, upper=8.471, percent=50.0)
        assert judge(row, good) == (True, "rounds")
        for part, wrong in (("value", 5.8), ("lower", 2.7), ("upper", 8.7), ("percent", 51.0)):
            agrees, how = judge(row, replace(good, **{part: wrong}))
            assert not agrees
            assert reproduction.ORIGINAL[part] in how
        assert judge(row, replace(good, lower=None))[0] is False

    def test_truncation_agrees_and_the_note_says_where(self) -> None:
        row = printed("2", lower="2.0", upper="3.6")
        assert judge(row, result(2.0, lower=2.086, upper=3.656)) == (True, "truncates: lower limit, upper limit")

    def test_a_printed_inequality_of_a_p_value_is_an_inequality(self) -> None:
        row = printed("0.05", "<", where="results")
        assert judge(row, result(0.018))[0]
        assert not judge(row, result(0.05))[0]
        assert not judge(replace(row, value="987"), result(0.018))[0]

    def test_the_limit_of_a_rule_must_be_the_same_number(self) -> None:
        row = printed("2000", "<", where="methods")
        assert judge(row, result(2000))[0]
        assert not judge(row, result(1999))[0]

    def test_yes_and_no(self) -> None:
        row = printed(operator="is", text="no")
        assert judge(row, result(False))[0]
        assert not judge(row, result(True))[0]

    def test_a_range_without_a_value(self) -> None:
        row = printed(lower="7", upper="8", unit="weeks")
        assert judge(row, result("7 to 8", lower=7, upper=8, unit="weeks"))[0]
        assert not judge(row, result("7 to 9", lower=7, upper=9, unit="weeks"))[0]

    def test_units_that_differ_by_a_factor_do_not_agree(self) -> None:
        row = printed(lower="6", upper="7.5", unit="MBq as printed")
        assert not judge(row, result("6 to 7.5", lower=6.0, upper=7.5, unit="GBq"))[0]

    def test_what_is_not_computed_does_not_agree_and_says_why(self) -> None:
        assert judge(printed("1"), None) == (False, "not computed")
        assert judge(printed("1"), missing("x", "no_lesions")) == (False, "no liver lesion was measured")


class TestPublished:
    def test_all_printed_values_are_read_with_unique_ids(self) -> None:
        rows = load_printed()
        assert len(rows) == len({row.id for row in rows}) == 153

    def test_every_printed_value_agrees_with_itself(self) -> None:
        for row in load_printed():
            assert judge(row, _itself(row))[0], row.id

    def test_nonsense_in_print_turns_every_verdict(self) -> None:
        for row in load_printed():
            assert not judge(_nonsense(row), _itself(row))[0], row.id

    def test_words_as_printed(self) -> None:
        by_id = {row.id: row for row in load_printed()}
        assert by_id["os.lu"].words == "5.7 (2.9 to 8.5)"
        assert by_id["t1.ecog01.lu"].words == "21 (67.8%)"
        assert by_id["suv.p"].words == "< 0.005"
        assert by_id["os.significant"].words == "no"
        assert by_id["tx.cycle_repeat"].words == "7 to 8"

    def test_percentages_of_table_1_mix_rounding_and_truncation(self) -> None:
        audit = percent_audit()
        by_verdict = audit.groupby("verdict")["id"].apply(set)
        assert by_verdict[NEITHER] == {"t1.ecog01.lu", "t1.ecog3.all", "t1.abi_enza.lu"}
        assert by_verdict[TRUNCATES] == {
            "t1.ecog3.lu", "t1.node.all", "t1.other.all", "t1.docetaxel.all", "t1.abiraterone.lu",
            "t1.enzalutamide.all", "t1.ra223.lu",
        }  # fmt: skip

    def test_only_this_module_knows_the_file(self) -> None:
        folder = REPOSITORY / "analysis"
        readers = [path.name for path in folder.rglob("*.py") if "published_results" in path.read_text("utf-8")]
        assert readers == ["published.py"]


def _itself(row: Printed) -> Result:
    """A result that says exactly what is printed."""
    numbers = {part: float(getattr(row, part)) for part in ("lower", "upper", "percent") if getattr(row, part)}
    unit = row.unit.split(" ")[0] if row.unit.startswith("MBq") else row.unit
    if row.text:
        return Result(row.id, row.text == "yes")
    if row.operator == "<" and row.where not in reproduction.LIMITS_OF_RULES:
        return Result(row.id, float(row.value) / 2)
    return Result(row.id, float(row.value) if row.value else "a range", unit=unit, **numbers)


def _nonsense(row: Printed) -> Printed:
    numbers = {part: "987654.321" for part in ("value", "lower", "upper", "percent") if getattr(row, part)}
    return replace(row, **numbers, text="nonsense" if row.text else "")


class TestMayDisagree:
    def rows(self) -> list[dict[str, str]]:
        with reproduction.MAY_DISAGREE.open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_at_most_six_and_all_are_printed_ids(self) -> None:
        assert len(may_disagree()) <= 6
        assert set(may_disagree()) <= {row.id for row in load_printed()}

    def test_the_arithmetic_of_each_contradicts_its_print(self) -> None:
        for row in self.rows():
            assert verdict(row["printed"], compute(row["formula"])) == NEITHER, row["id"]

    def test_two_printed_medians_of_the_cycles_are_one_number_rounded_once_more(self) -> None:
        by_id = {row.id: row for row in load_printed()}
        for result_id, text in (("t1.cycles.all", "2.5"), ("tx.cycles", "3")):
            assert by_id[result_id].value == text
            assert verdict(text, 2.5) == ROUNDS


class TestCompare:
    def test_reason_comes_from_the_list_where_the_id_is_on_it(self) -> None:
        found = {
            item.printed.id: item
            for item in compare([Result("t1.ecog3.all", 2, percent=100 / 18), Result("n.all", 35)], agrees=True)
        }
        assert found["t1.ecog3.all"].how == may_disagree()["t1.ecog3.all"]
        assert found["n.all"].how == "neither rounds nor truncates to the print: value"

    def test_another_cohort_gets_no_verdict(self) -> None:
        found = compare([Result("n.all", 12)], agrees=False)
        assert {item.agrees for item in found} == {None}
        rows = beside_print([Result("n.all", 12)], [{"id": "n.all", "value": 12}], agrees=False)
        assert rows == [{"id": "n.all", "value": 12, "printed": 36}]

    def test_fields_of_results_json(self) -> None:
        found = [Result("os.lu", 5.684, 2.896, 8.471), Result("t1.ecog3.lu_sirt", 0, percent=0.0), Result("suv.p", 0.1)]
        rows = beside_print(found, [{"id": item.id} for item in [*found, Result("own", 1)]], agrees=True)
        assert rows[0] == {"id": "os.lu", "printed": 5.7, "printed_lower": 2.9, "printed_upper": 8.5, "agrees": True}
        assert rows[1] == {"id": "t1.ecog3.lu_sirt", "printed": 0, "printed_percent": 0, "agrees": True}
        assert rows[2] == {
            "id": "suv.p", "printed": 0.005, "printed_operator": "<", "agrees": False, "reason": "< 0.005 does not hold",
        }  # fmt: skip
        assert rows[3] == {"id": "own"}

    def test_frame_and_tally(self) -> None:
        found = compare([Result("n.all", 36), Result("n.lu", 30)], agrees=True)
        assert len(comparison_frame(found)) == 153
        assert tally(found) == {
            "printed": 153, "agree": 1, "truncated": 0, "inequalities": 0, "disagree": 152, "settings": 0,
            "settings_agree": 0,
        }  # fmt: skip

    def test_tally_tells_settings_from_results_of_patients(self) -> None:
        found = [Result("n.all", 36, basis="printed"), Result("img.scint_delay", 48, unit="h", basis="design"),
                 Result("phys.y.range", 12.0, unit="mm", basis="physics")]  # fmt: skip
        counted = tally(compare(found, agrees=True))
        assert (counted["agree"], counted["settings"], counted["settings_agree"]) == (2, 2, 1)
        assert tally(compare(found, agrees=False))["settings_agree"] == 0


class TestSlips:
    def test_formulas_are_numbers_only(self) -> None:
        assert compute("(5 * 2.2 - 1.3 - 2.5) / 3") == pytest.approx(2.4)
        assert compute("-1 + 3") == 2
        with pytest.raises(ValueError, match="not a formula of numbers"):
            compute("__import__('os')")

    @pytest.mark.parametrize(
        ("key", "computed"),
        [
            ("ecog3_all", 5.5556),
            ("abi_enza_lu", 70.9677),
            ("ecog01_lu", 67.7419),
            ("cycles_text", 2.9444),
            ("cycles_centre_lu", 2.8),
            ("cycles_mean_lu", 2.871),
            ("cycles_centre_lu_sirt", 3.35),
            ("cycles_mean_lu_sirt", 3.4),
            ("age_centre_lu", 70.3),
            ("age_pooled", 70.5014),
            ("target_unit", 1033.33),
            ("sirt_mean", 2.4),
            ("sirt_interval", 14.0),
            ("os_half_width_lu", 2.8),
            ("os_half_width_lu_sirt", 3.5),
            ("responses", 55.5556),
            ("dose_cumulative", 82.6667),
        ],
    )
    def test_arithmetic_of_the_slips(self, key: str, computed: float) -> None:
        frame = discrepancies_frame().set_index("key")
        assert frame.loc[key, "computed"] == pytest.approx(computed, rel=1e-4)

    def test_truncated_percentages_truncate_and_do_not_round(self) -> None:
        frame = discrepancies_frame()
        for row in frame[frame["key"].str.startswith("truncated")].itertuples():
            assert verdict(row.printed.rstrip("%"), row.computed) == TRUNCATES
        mixed = frame[frame["key"] == "rounded_ebrt_all"].iloc[0]
        assert verdict(mixed["printed"].rstrip("%"), mixed["computed"]) == ROUNDS

    def test_slips_come_first_and_do_not_hold_while_remarks_do(self) -> None:
        frame = discrepancies_frame()
        assert frame["level"].tolist() == sorted(frame["level"], key=[SLIP, REMARK].index)
        assert set(frame["level"]) == {SLIP, REMARK}
        whole = frame[frame["kind"].eq("arithmetic") & frame["printed"].str.fullmatch(r"[\d.]+%")]
        holds = [verdict(row.printed.rstrip("%"), row.computed) == ROUNDS for row in whole.itertuples()]
        assert holds == whole["level"].eq(REMARK).tolist()

    def test_every_arithmetic_slip_has_a_formula_and_keys_are_unique(self) -> None:
        frame = discrepancies_frame()
        assert frame["key"].is_unique
        needs = frame["kind"].isin(["arithmetic", "unit", "statistic"])
        assert (frame["formula"].ne("") == needs).all()
