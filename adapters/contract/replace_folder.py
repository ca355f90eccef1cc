"""Replace a folder by a new one in one step: python -m adapters.contract.replace_folder NEW LIVE.

Two renames would leave no folder between them. The system exchanges both names at once where it can (Linux, macOS);
elsewhere the old folder waits under LIVE.last, from where the next call brings it back if the process ended between.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

HERE = -100  # AT_FDCWD of Linux: names are relative to the working directory
EXCHANGE = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS


def replace_folder(new: Path, live: Path) -> None:
    """Put `new` in the place of `live`; the old content is removed. Raises OSError; `live` then holds what it held."""
    recover(live)
    if not live.exists():
        new.rename(live)
        return
    if _exchanged(new, live):
        shutil.rmtree(new, ignore_errors=True)
        return
    last = _last(live)
    shutil.rmtree(last, ignore_errors=True)
    live.rename(last)
    try:
        new.rename(live)
    except OSError:
        last.rename(live)
        raise
    shutil.rmtree(last, ignore_errors=True)


def recover(live: Path) -> None:
    """Bring back the folder that a process which ended in the middle had moved aside."""
    last = _last(live)
    if last.is_dir() and not live.exists():
        last.rename(live)


def _last(live: Path) -> Path:
    return live.with_name(f"{live.name}.last")


def _exchanged(new: Path, live: Path) -> bool:
    """Exchange two names in one step; False where the system cannot."""
    rename = _system_call()
    return rename is not None and rename(os.fsencode(new), os.fsencode(live)) == 0


def _system_call() -> Callable[[bytes, bytes], int] | None:
    library = ctypes.CDLL(None, use_errno=True)
    if hasattr(library, "renameat2"):
        return lambda new, live: int(library.renameat2(HERE, new, HERE, live, EXCHANGE))
    if hasattr(library, "renamex_np"):
        return lambda new, live: int(library.renamex_np(new, live, EXCHANGE))
    return None


if __name__ == "__main__":
    replace_folder(Path(sys.argv[1]), Path(sys.argv[2]))
