"""Damaged views on damaged resources: only the runner's own error types come out, and all its forms agree.

    python tests/fuzz/fuzz_views.py --inputs 200000 --seed 20200601

One input is one view on one resource. The corpus holds undamaged pairs and all pairs that ever failed; a failure
prints the pair as one line of JSON, ready for the corpus.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent))
import mutations

from adapters.errors import AdapterError
from adapters.sql_on_fhir import CompiledView, compile_view
from adapters.sql_on_fhir.files.arrow import record_batch
from adapters.sql_on_fhir.files.lines import LineReader
from adapters.sql_on_fhir.files.texts import csv_text, ndjson

CORPUS = Path(__file__).parent / "corpus"
SEED = 20200601
RESOURCES_A_VIEW = 20
ENCODER = msgspec.json.Encoder(decimal_format="number")
Pair = tuple[Any, Any]


@dataclass
class Outcome:
    """How the inputs ended."""

    ends: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, Pair]] = field(default_factory=list)


def corpus() -> list[Pair]:
    """All pairs of view and resource, files in order of their names, one pair a line."""
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    lines = [line for path in sorted(CORPUS.glob("*.ndjson")) for line in path.read_bytes().splitlines()]
    return [(pair["view"], pair["resource"]) for pair in map(decode, lines)]


def fuzz(inputs: int, seed: int = SEED, first: int = 0) -> Outcome:
    """Run `inputs` damaged pairs; the same seed gives the same inputs."""
    chance = random.Random(seed)
    seeds = corpus()
    outcome = Outcome()
    done = first
    while done < inputs:
        view, resource = chance.choice(seeds)
        if chance.random() < 0.9:
            view = mutations.mutated(view, chance, chance.randint(1, 3))
        if isinstance(view, dict) and chance.random() < 0.5:
            view = with_expression(view, chance)
        compiled = compile_or_none(view, outcome)
        for _ in range(RESOURCES_A_VIEW if compiled is not None else 1):
            damaged = mutations.mutated(resource, chance, chance.randint(0, 3))
            if compiled is not None:
                run(compiled, (view, damaged), chance, outcome)
            done += 1
    return outcome


def with_expression(view: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The view with one more column of random pieces."""
    column = {"name": "fuzzed", "path": mutations.expression(chance), "collection": chance.random() < 0.5}
    select = view.get("select")
    return {**view, "select": [*(select if isinstance(select, list) else []), {"column": [column]}]}


def compile_or_none(view: Any, outcome: Outcome) -> CompiledView | None:
    try:
        return compile_view(view)
    except AdapterError as error:
        outcome.ends[type(error).__name__] += 1
        check_message(error, outcome, (view, None))
    except BaseException as error:  # whatever else comes out is the finding this program looks for
        if isinstance(error, KeyboardInterrupt):
            raise
        outcome.failures.append((repr(error), (view, None)))
    return None


def check_message(error: AdapterError, outcome: Outcome, pair: Pair) -> None:
    if "\n" in str(error) or len(str(error)) > 1000:
        outcome.failures.append(("a message of more than one short line", pair))


def run(compiled: CompiledView, pair: Pair, chance: random.Random, outcome: Outcome) -> None:
    """One resource through every form of the view."""
    findings: Counter[tuple[str, ...]] = Counter()

    def note(*finding: str) -> None:
        findings[finding] += 1

    try:
        rows = compiled.tuples(pair[1], note)
        slow = compiled.complete_rows(pair[1], note)
        compiled.check(pair[1])
        if repr(slow) != repr(rows):
            outcome.failures.append(("the forms differ", pair))
        lines(compiled, pair, rows, chance, outcome)
        outputs(compiled, rows)
        list(compiled.rows([pair[1]]))
        outcome.ends["finding" if findings else "rows" if rows else "no rows"] += 1
    except AdapterError as error:
        outcome.ends[type(error).__name__] += 1
        check_message(error, outcome, pair)
    except BaseException as error:  # as above
        if isinstance(error, KeyboardInterrupt):
            raise
        outcome.failures.append((repr(error), pair))


def lines(compiled: CompiledView, pair: Pair, rows: list[Any], chance: random.Random, outcome: Outcome) -> None:
    """The resource as NDJSON, then damaged as bytes: rows or a counted line, never an exception."""
    try:
        data = ENCODER.encode(pair[1])
    except (UnicodeEncodeError, msgspec.EncodeError, ValueError):
        return
    reader = LineReader([compiled])
    reader.block(data)
    if repr(reader.rows[0]) != repr(rows) and not reader.tally.unreadable:
        outcome.failures.append(("lines give other rows", pair))
    broken = LineReader([compiled, compiled])
    broken.block(data + b"\n" + mutations.raw(data, chance) + b"\n")


def outputs(compiled: CompiledView, rows: list[Any]) -> None:
    record_batch(compiled, rows, lambda column, path, reason: None).validate(full=True)
    csv_text(rows)
    ndjson(compiled, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    logging.getLogger("adapters").setLevel(logging.ERROR)
    start = time.monotonic()
    outcome = fuzz(options.inputs, options.seed)
    for reason, (view, resource) in outcome.failures[:20]:
        sys.stdout.write(f"{reason}\n{json.dumps({'view': view, 'resource': resource}, default=str)}\n")
    ends = ", ".join(f"{name} {count}" for name, count in outcome.ends.most_common())
    seconds = time.monotonic() - start
    sys.stdout.write(
        f"{options.inputs} inputs, seed {options.seed}, {seconds:.0f} s: {len(outcome.failures)} failures; {ends}\n"
    )
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
