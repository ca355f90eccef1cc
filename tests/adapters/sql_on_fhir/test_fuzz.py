"""A short run of the fuzzer with its committed seed and corpus."""

from __future__ import annotations

import importlib.util
import logging
import sys
from types import ModuleType

import pytest

from tests.support.paths import REPOSITORY


@pytest.fixture(scope="module")
def fuzzer() -> ModuleType:
    path = REPOSITORY / "tests" / "fuzz" / "fuzz_views.py"
    spec = importlib.util.spec_from_file_location("fuzz_views", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_views"] = module
    spec.loader.exec_module(module)
    return module


def test_damaged_views_and_resources_give_only_the_runners_errors(
    fuzzer: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "adapters.sql_on_fhir.compiled")
    outcome = fuzzer.fuzz(1500)
    assert outcome.failures == []
    assert set(outcome.ends) == {"rows", "no rows", "finding", "ViewError"}


def test_the_corpus_itself_is_undamaged(fuzzer: ModuleType) -> None:
    pairs = fuzzer.corpus()
    assert len(pairs) >= 19
    for view, resource in pairs:
        assert fuzzer.compile_view(view).tuples(resource, lambda *finding: None) is not None


def test_the_same_seed_gives_the_same_inputs(fuzzer: ModuleType) -> None:
    assert fuzzer.fuzz(300, seed=5).ends == fuzzer.fuzz(300, seed=5).ends
