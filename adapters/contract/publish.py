"""Publish tables all at once or not at all: written to a new folder, then shown by one rename of a link.

OUT is the pointer itself where it is a link or called `current` (OUT -> <stamp>, beside it). Any other OUT becomes a
folder that holds <stamp>/, `current` -> <stamp>, and for each file a link through `current`. Nothing else in OUT is
touched. The last set is kept for running readers; older sets are removed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from adapters.errors import InputError

CURRENT = "current"
_STAGING = ".pull-"
_PREFIX = "tables-"
SETS_KEPT = 2


def publish(out: Path, fill: Callable[[Path], str]) -> Path:
    """Let `fill` write files into a new folder and name it, then make OUT show them; gives that folder.

    Whatever `fill` raises leaves OUT as it was. Raises InputError if OUT cannot be written.
    """
    pointer = out.is_symlink() or (out.name == CURRENT and not out.is_dir())
    store = out.parent if pointer else out
    existed = store.is_dir()
    try:
        store.mkdir(parents=True, exist_ok=True)
        _sweep(store)
        staging = Path(tempfile.mkdtemp(prefix=f"{_STAGING}{os.getpid()}-", dir=store))
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", str(out), "name a folder of yours") from None
    done = False
    try:
        folder = _name(store, fill(staging))
        staging.chmod(0o777 & ~_umask())
        if not pointer:
            _link_files(store, staging)
        staging.rename(folder)
        done = True
    finally:
        if not done:
            shutil.rmtree(staging, ignore_errors=True)
            if not existed:
                _remove_if_empty(store)
    _switch(out if pointer else store / CURRENT, folder)
    _forget(store, folder)
    return folder


def _umask() -> int:
    """The umask of this process. Reading it sets it: threads that make files at this moment are none of ours."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _name(store: Path, stamp: str) -> Path:
    number = 1 + max((int(p.name.split("-")[1]) for p in _sets(store)), default=0)
    return store / f"{_PREFIX}{number:05d}-{stamp}"


def _sets(store: Path) -> list[Path]:
    folders = (p for p in store.glob(f"{_PREFIX}[0-9]*-*") if p.is_dir())
    return sorted(folders, key=lambda p: int(p.name.split("-")[1]))


def _link_files(store: Path, staging: Path) -> None:
    """Links through `current`, made before it points anywhere new, so that the switch shows all files at once."""
    for file in staging.iterdir():
        link = store / file.name
        target = Path(CURRENT, file.name)
        if link.is_symlink() and link.readlink() == target:
            continue
        if link.is_dir() and not link.is_symlink():
            raise InputError("is a folder where a table should be", str(link), "name another folder for the tables")
        _replace_link(link, target)


def _switch(pointer: Path, folder: Path) -> None:
    _replace_link(pointer, Path(folder.name))


def _replace_link(link: Path, target: Path) -> None:
    """Make or change a link in one atomic step."""
    new = link.with_name(f"{_STAGING}{os.getpid()}-{link.name}")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _sweep(store: Path) -> None:
    """Remove the unfinished folders of processes that have ended."""
    for left in store.glob(f"{_STAGING}*"):
        if _alive(left.name.removeprefix(_STAGING).partition("-")[0]):
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _alive(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return int(pid) != os.getpid()


def _forget(store: Path, folder: Path) -> None:
    for old in _sets(store)[:-SETS_KEPT]:
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
