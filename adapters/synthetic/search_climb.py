"""Seeded hill climbing: change one thing, keep it when the print is met no worse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

State = TypeVar("State")


class NotFoundError(RuntimeError):
    """No values within the given number of steps meet the print: start again from other ones."""


def climb(
    start: State,
    propose: Callable[[State, np.random.Generator], State],
    penalty: Callable[[State], float],
    rng: np.random.Generator,
    steps: int = 4000,
) -> State:
    """The first state with penalty 0 on a path of proposals that never get worse.

    `propose` returns a changed copy. Raises NotFoundError when `steps` proposals do not reach penalty 0.
    """
    state, missing = start, penalty(start)
    for _ in range(steps):
        if missing == 0:
            return state
        changed = propose(state, rng)
        score = penalty(changed)
        if score <= missing:
            state, missing = changed, score
    if missing == 0:
        return state
    raise NotFoundError(f"penalty {missing:.4g} left after {steps} steps")


def again(attempt: Callable[[], State], times: int = 50) -> State:
    """The result of the first `attempt` that does not raise NotFoundError, out of at most `times`."""
    for _ in range(times - 1):
        try:
            return attempt()
        except NotFoundError:
            continue
    return attempt()
