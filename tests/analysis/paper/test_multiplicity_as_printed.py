"""Holm on the P values that the paper prints, beside Holm on the computed ones."""

import pytest

from analysis.paper.published import holm_of_print, printed_tests, with_holm_of_print
from analysis.settings import Family, load_study

STUDY = load_study()
FAMILIES = STUDY.multiplicity.families
HOLM = holm_of_print(FAMILIES).set_index(["family", "id"])


def test_printed_p_values_keep_their_inequality_and_unprinted_ones_stay_without():
    found = printed_tests(["tox.ggt.p", "suv.p", "resp.sirt.best_worst_p", "os.lu"]).set_index("id")
    assert found.loc["tox.ggt.p", ["p", "operator"]].tolist() == [0.0003, "="]
    assert found.loc["suv.p", ["p", "operator", "words"]].tolist() == [0.005, "<", "< 0.005"]
    assert found["p"].isna()[["resp.sirt.best_worst_p", "os.lu"]].all()


@pytest.mark.parametrize(
    ("family", "result_id", "expected", "words"),
    [
        ("all", "tox.ggt.p", 8 * 0.0003, "0.002"),
        ("all", "suv.p", 7 * 0.005, "< 0.035"),
        ("all", "tox.alt.p", 6 * 0.006, "0.036"),
        ("all", "tox.ast.p", 6 * 0.006, "0.036"),  # 5 x .007 lies below the value before it
        ("all", "resp.lu.best_worst_p", 4 * 0.05, "< 0.200"),
        ("all", "os.logrank", 3 * 0.227, "0.681"),
        ("liver_toxicity", "tox.ast.p", 3 * 0.006, "0.018"),
        ("efficacy", "os.logrank", 2 * 0.227, "0.454"),
    ],
)
def test_holm_by_hand(family, result_id, expected, words):
    row = HOLM.loc[(family, result_id)]
    assert row["holm_p"] == pytest.approx(expected)
    assert row["words"] == words


def test_a_test_without_printed_p_counts_in_its_family_and_has_no_adjusted_value():
    assert HOLM.loc[("all", "tox.bilirubin.p"), "words"] == ""
    assert HOLM.loc["liver_toxicity"]["holm_p"].notna().sum() == 3


def test_a_value_taken_over_from_a_bound_is_a_bound():
    families = {"two": Family(tests=("tox.alt.p", "suv.p"), reason="2 x .005 = .010 lies above 1 x .006")}
    words = holm_of_print(families).set_index("id")["words"]
    assert words.to_dict() == {"suv.p": "< 0.010", "tox.alt.p": "< 0.010"}


def test_results_json_gets_the_adjusted_print_beside_the_computed_value_and_nothing_else():
    rows = with_holm_of_print([{"id": "mult.all.suv.p", "value": 0.001}, {"id": "os.lu"}], FAMILIES)
    assert rows[0]["value"] == 0.001
    assert (rows[0]["printed_holm"], rows[0]["printed_holm_operator"]) == (pytest.approx(0.035), "<")
    assert rows[1] == {"id": "os.lu"}
