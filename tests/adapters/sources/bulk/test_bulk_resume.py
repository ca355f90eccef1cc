"""An export that was interrupted: files that are there are not asked for again, and a finished pull is not gone on with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from werkzeug import Response

from adapters.errors import IncompleteError, InputError
from adapters.sources.bulk.source import BulkSource
from tests.support.server.bulk_support import Export, everything
from tests.support.server.resume_support import heard, keys, spool_folder

NEW = '{"resourceType": "Condition", "id": "k2", "subject": {"reference": "Patient/a"}}\n'


def interrupted(export: Export, bulk: Callable[[], BulkSource]) -> int:
    """A pull that was not allowed to read its last file; gives how many files it asked for."""
    last = list(export.files)[-1]
    whole, export.files[last] = export.files[last], Response("", 403)
    with pytest.raises(IncompleteError, match="answered 403"):
        keys(bulk())
    export.files[last] = whole
    return len(export.file_requests)


def test_files_that_are_there_are_not_asked_for_again_and_are_read(bulk, export, fake):
    before = interrupted(export, bulk)
    assert keys(bulk()) == everything(fake)
    assert len(export.file_requests) == before + 1
    assert export.kicked == 1


def test_an_export_that_began_too_long_ago_starts_over(bulk, export, fake, tmp_path):
    interrupted(export, bulk)
    (spool_folder(tmp_path) / "started.json").write_text('"2016-01-01T00:00:00+00:00"')
    assert any("too old" in note for note in heard(bulk()))
    assert export.kicked == 2
    assert export.deleted == 2, "the job that nobody waits for any more, and the new one"


def test_a_pull_that_had_everything_is_never_taken_for_the_answer_of_a_later_one(bulk, export, fake):
    keys(bulk())  # and its tables were not written
    export.files["Condition"] += NEW
    assert keys(bulk()) == everything(fake) | {"Condition/k2"}
    assert export.kicked == 2


def test_two_exports_of_one_question_do_not_meet(bulk, export):
    first = bulk()
    keys(first)
    with pytest.raises(InputError, match="another pull of this question is running"):
        keys(bulk())
    first.finished()
    assert keys(bulk())
