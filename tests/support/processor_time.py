"""CPU time of a test: what this process and the programs that it started and waited for have used.

A busy machine makes a test slow on the clock, but does not make it use more CPU time.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

_shared_seconds = 0.0


def seconds() -> float:
    """CPU seconds of this process and its ended children so far, without work that is shared by tests."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime - _shared_seconds


@contextmanager
def shared_work() -> Iterator[None]:
    """Work that many tests share: its time counts for none of them."""
    global _shared_seconds
    start = seconds()
    try:
        yield
    finally:
        _shared_seconds += seconds() - start
