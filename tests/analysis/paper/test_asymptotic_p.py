"""Whether an asymptotic test could have given the P that the paper prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.paper.asymptotic_p import asymptotic_p_sentence
from analysis.paper.published import load_printed


@pytest.mark.parametrize(
    ("printed", "fits"),
    [
        ("0.0003", "gives it only if cut off"),  # 0.00039
        ("0.0004", "rounds to it"),
        ("0.0002", "does not give it"),
    ],
)
def test_whether_an_asymptotic_test_could_give_the_printed_p(printed: str, fits: str) -> None:
    rows = [replace(row, value=printed) if row.id == "tox.ggt.p" else row for row in load_printed()]
    assert asymptotic_p_sentence("ggt", rows) == (
        f"The smallest asymptotic P with 5 and 31 patients is 0.00039 without ties, which {fits}."
    )


def test_a_measure_without_printed_p_gets_no_sentence() -> None:
    assert asymptotic_p_sentence("bilirubin") == ""
