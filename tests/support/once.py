"""What is made once a run: the first worker of pytest-xdist that asks makes it, the others wait and read it."""

from __future__ import annotations

import fcntl
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support import processor_time

T = TypeVar("T")


def run_folder(config: pytest.Config, factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of this run; with pytest-xdist, the one that all workers share."""
    own = factory.getbasetemp()
    return own.parent if hasattr(config, "workerinput") else own


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process is in here for the same lock file."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Once:
    """Folders and files of one run, each made by the first process that asks for it. Tests only read them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True)

    def folder(self, name: str, make: Callable[[Path], object]) -> Path:
        """The folder `name`; where it is not there, `make` fills it. A `make` that fails leaves nothing behind."""
        done = self.root / name
        with processor_time.shared_work(), locked(self.root / f"{name}.lock"):
            if not done.exists():
                begun = self.root / f"{name}.begun"
                shutil.rmtree(begun, ignore_errors=True)
                begun.mkdir()
                make(begun)
                begun.rename(done)
        return done

    def value(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, stored as a pickle; a fresh copy on every call."""
        folder = self.folder(name, lambda out: (out / "value.pickle").write_bytes(pickle.dumps(make())))
        stored: T = pickle.loads((folder / "value.pickle").read_bytes())
        return stored
