"""Seeded hill climbing: make one change, and accept it where the distance from the printed values does not grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

State = TypeVar("State")
DIGITS = 9


class NotFoundError(RuntimeError):
    """No values within the given number of steps meet the printed values; a new start may."""


def climb(
    start: State,
    propose: Callable[[State, np.random.Generator], State],
    penalty: Callable[[State], float],
    rng: np.random.Generator,
    steps: int = 4000,
    patience: int = 600,
) -> State:
    """The first state with penalty 0 on a path of proposals that never get worse.

    `propose` returns a changed copy. Penalties are compared to 9 decimals, so that floating point noise of a machine
    does not change the path. Raises NotFoundError when `steps` proposals do not reach penalty 0, or `patience` of them
    in a row bring no gain.
    """
    state, missing, idle = start, round(penalty(start), DIGITS), 0
    for _ in range(steps):
        if missing == 0:
            return state
        changed = propose(state, rng)
        score = round(penalty(changed), DIGITS)
        idle = 0 if score < missing else idle + 1
        if idle > patience:
            break
        if score <= missing:
            state, missing = changed, score
    if missing == 0:
        return state
    raise NotFoundError(f"penalty {missing:.4g} left")


def again(attempt: Callable[[], State], times: int = 50) -> State:
    """The result of the first `attempt` that does not raise NotFoundError, out of at most `times`."""
    for _ in range(times - 1):
        try:
            return attempt()
        except NotFoundError:
            continue
    return attempt()
