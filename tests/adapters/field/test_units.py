"""Units as laboratories send them: equal ones are used, unknown ones are named, contradicting ones give no value."""

from __future__ import annotations

from adapters.ledger import FindingKind
from tests.support.field_cases import case, read_each, readings
from tests.support.tables_support import UCUM, observation, psa, quantity


def test_f09_equal_units_of_ucum_are_used():
    # UCUM: annotations do not change the meaning; 1 mm3 = 1 uL, mU/mL = U/L, umol/min/L = U/L, pg/uL = ng/mL.
    built = case("f09")
    assert readings(built, "platelets") == [(None, 200)] * 5
    assert readings(built, "alp") == [(None, 120)] * 4
    assert readings(built, "psa") == [(None, 5)] * 2
    assert readings(built, "ecog") == [(None, 1)]


def both(value: float, code: str, unit: str) -> dict[str, object]:
    """A Quantity whose printed unit differs from its code."""
    return {"value": value, "system": UCUM, "code": code, "unit": unit}


def test_units_that_contradict_each_other_give_no_value_and_unknown_ones_are_named(tmp_path):
    inputs = [
        [psa(5, "ng/mL")],
        [observation(valueQuantity=both(5, "ng/mL", "ng/ml"))],
        [observation(valueQuantity=both(5, "ng/mL", "pg/ml"))],
        [psa(5, "Einheiten/L")],
        [psa(5, "Herr Mustermann, siehe Brief")],
        [observation(valueQuantity=quantity(5, "{PSA}ng/mL"))],
    ]
    each = read_each(tmp_path, inputs)
    values = [each.rows("observations", number)["value"].tolist() for number in range(len(inputs))]
    assert [[None if v != v else v for v in value] for value in values] == [[5], [5], [None], [], [], [5]]
    assert "contradicting-unit" in each.findings(2)
    assert each.built.count(FindingKind.UNKNOWN_UNIT, path="value.unit 'Einheiten/L'", measure="psa") == 1
    assert each.built.count(FindingKind.UNKNOWN_UNIT, path="value.unit", measure="psa") == 1
