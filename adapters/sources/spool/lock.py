"""A lock on the folder of a spool: one pull of a question at a time. The system releases it after a crash too."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from adapters.errors import InputError


def lock_folder(folder: Path) -> int:
    """Descriptor of the folder, made where it is not there (mode 0700) and locked until the descriptor is closed.

    Raises InputError while another pull holds it.
    """
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            what = f"the folder for what is fetched cannot be used ({error.strerror})"
            raise InputError(what, str(folder), "remove it, or name another one in STUDY_SPOOL") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InputError("another pull of this question is running", "spool", "wait until it has ended") from None
        if _is_at(descriptor, folder):
            return descriptor
        os.close(descriptor)  # the pull before this one removed it just now


def _is_at(descriptor: int, folder: Path) -> bool:
    """True if the name still leads to the locked folder."""
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False
