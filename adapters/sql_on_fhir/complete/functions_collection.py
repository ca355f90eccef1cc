"""Functions that filter, count, combine and test collections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from adapters.sql_on_fhir.complete import operators, values
from adapters.sql_on_fhir.complete.functions import Invocation, function, type_test
from adapters.sql_on_fhir.complete.typed import Environment, Function, Typed, single, single_integer, truth
from adapters.sql_on_fhir.language.errors import ExpressionError

MAX_REPEAT = 100_000
BOOLEAN = "System.Boolean"
INTEGER = "System.Integer"


def plain(call: Invocation, apply: Callable[[list[Any]], list[Any]], kind: str | None = "") -> Typed:
    """A function of the base collection alone; without `kind` the items keep their type."""
    run = call.base.run
    made: Function = lambda focus, env: apply(run(focus, env))  # noqa: E731 - one line says it
    return call.base.like(made) if kind == "" else Typed(made, kind)


def _each(call: Invocation, number: int = 0) -> Callable[[list[Any], Environment], list[list[Any]]]:
    """The argument's result for every item of the base, `$index` set meanwhile."""
    criterion = call.criterion(number).run

    def evaluate(items: list[Any], env: Environment) -> list[list[Any]]:
        outer = env.index
        results = []
        for env.index, item in enumerate(items):
            results.append(criterion([item], env))
        env.index = outer
        return results

    return evaluate


def _matching(call: Invocation) -> Function:
    """The items of the base for which the criterion is true."""
    evaluate, run, position = _each(call), call.base.run, call.node.position

    def select(focus: list[Any], env: Environment) -> list[Any]:
        items = run(focus, env)
        verdicts = evaluate(items, env)
        return [item for item, verdict in zip(items, verdicts, strict=True) if truth(verdict, position)]

    return select


@function("where", 1)
def _where(call: Invocation) -> Typed:
    return call.base.like(_matching(call))


@function("exists", 0, 1)
def _exists(call: Invocation) -> Typed:
    run = _matching(call) if call.node.arguments else call.base.run
    return Typed(lambda focus, env: [bool(run(focus, env))], BOOLEAN)


@function("empty")
def _empty(call: Invocation) -> Typed:
    return plain(call, lambda items: [not items], BOOLEAN)


@function("hasValue")
def _has_value(call: Invocation) -> Typed:
    return plain(call, lambda items: [len(items) == 1 and not isinstance(items[0], dict | list)], BOOLEAN)


@function("not")
def _not(call: Invocation) -> Typed:
    position = call.node.position

    def negate(items: list[Any]) -> list[Any]:
        value = truth(items, position)
        return [] if value is None else [not value]

    return plain(call, negate, BOOLEAN)


@function("all", 1)
def _all(call: Invocation) -> Typed:
    evaluate, run, position = _each(call), call.base.run, call.node.position

    def check(focus: list[Any], env: Environment) -> list[Any]:
        return [all(truth(verdict, position) is True for verdict in evaluate(run(focus, env), env))]

    return Typed(check, BOOLEAN)


def _register_quantifiers() -> None:
    tests: dict[str, Callable[[list[Any]], bool]] = {
        "allTrue": lambda items: all(item is True for item in items),
        "anyTrue": lambda items: any(item is True for item in items),
        "allFalse": lambda items: all(item is False for item in items),
        "anyFalse": lambda items: any(item is False for item in items),
        "isDistinct": lambda items: len(operators.distinct(items)) == len(items),
    }
    for name, test in tests.items():
        function(name)(partial(_quantifier, test=test))


def _quantifier(call: Invocation, test: Callable[[list[Any]], bool]) -> Typed:
    return plain(call, lambda items: [test(items)], BOOLEAN)


_register_quantifiers()


@function("select", 1)
def _select(call: Invocation) -> Typed:
    evaluate, run = _each(call), call.base.run
    projected = call.criterion()

    def project(focus: list[Any], env: Environment) -> list[Any]:
        return [item for part in evaluate(run(focus, env), env) for item in part]

    return Typed(project, projected.type, projected.targets)


@function("repeat", 1)
def _repeat(call: Invocation) -> Typed:
    inner, run, position = call.criterion(), call.base.run, call.node.position

    def walk(focus: list[Any], env: Environment) -> list[Any]:
        items: list[Any] = []
        waiting = list(run(focus, env))
        while waiting:
            reached = inner.run(waiting, env)
            waiting = [item for item in operators.distinct(reached) if not _within(item, items)]
            items.extend(waiting)
            if len(items) > MAX_REPEAT:
                raise ExpressionError(f"repeat() reached more than {MAX_REPEAT} items", position)
        return items

    return Typed(walk, inner.type, inner.targets)


def _within(item: Any, items: list[Any]) -> bool:
    return any(values.equal(item, other) for other in items)


@function("ofType", 1)
@function("as", 1)
@function("is", 1)
def _type_test(call: Invocation) -> Typed:
    return type_test(call.node.name, call.base, call.type_argument(), call.node.position)


def _register_subsets() -> None:
    subsets: dict[str, Callable[[list[Any]], list[Any]]] = {
        "first": lambda items: items[:1],
        "last": lambda items: items[-1:],
        "tail": lambda items: items[1:],
        "distinct": operators.distinct,
    }
    for name, subset in subsets.items():
        function(name)(partial(plain, apply=subset))


_register_subsets()


@function("count")
def _count(call: Invocation) -> Typed:
    return plain(call, lambda items: [len(items)], INTEGER)


@function("single")
def _single(call: Invocation) -> Typed:
    position = call.node.position

    def only(items: list[Any]) -> list[Any]:
        value = single(items, position)
        return [] if value is None else [value]

    return plain(call, only)


def _slice(call: Invocation, cut: Callable[[list[Any], int], list[Any]]) -> Typed:
    run, number, position = call.base.run, call.argument().run, call.node.position

    def slice_items(focus: list[Any], env: Environment) -> list[Any]:
        count = single_integer(number(focus, env), position)
        return [] if count is None else cut(run(focus, env), max(count, 0))

    return call.base.like(slice_items)


@function("skip", 1)
def _skip(call: Invocation) -> Typed:
    return _slice(call, lambda items, count: items[count:])


@function("take", 1)
def _take(call: Invocation) -> Typed:
    return _slice(call, lambda items, count: items[:count])


def _register_combinations() -> None:
    combinations: dict[str, Callable[[list[Any], list[Any]], list[Any]]] = {
        "union": lambda left, right: operators.distinct(left + right),
        "combine": lambda left, right: left + right,
        "intersect": lambda left, right: operators.distinct([item for item in left if _within(item, right)]),
        "exclude": lambda left, right: [item for item in left if not _within(item, right)],
        "subsetOf": lambda left, right: [all(_within(item, right) for item in left)],
        "supersetOf": lambda left, right: [all(_within(item, left) for item in right)],
    }
    for name, combine in combinations.items():
        function(name, 1)(partial(_combination, name=name, combine=combine))


def _combination(call: Invocation, name: str, combine: Callable[[list[Any], list[Any]], list[Any]]) -> Typed:
    base, other = call.base, call.argument()
    kind = BOOLEAN if name.endswith("Of") else base.type if base.type == other.type else None
    return Typed(lambda focus, env: combine(base.run(focus, env), other.run(focus, env)), kind)


_register_combinations()


@function("iif", 2, 3)
def _iif(call: Invocation) -> Typed:
    condition, chosen = call.criterion(0), call.criterion(1)
    other = call.criterion(2) if len(call.node.arguments) > 2 else None
    run, position = call.base.run, call.node.position

    def decide(focus: list[Any], env: Environment) -> list[Any]:
        base = run(focus, env)
        if truth(condition.run(base, env), position):
            return chosen.run(base, env)
        return other.run(base, env) if other is not None else []

    same = other is None or other.type == chosen.type
    return Typed(decide, chosen.type if same else None)
