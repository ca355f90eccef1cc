"""The progress bar of a terminal: it follows every stage, whatever the steps; notes stay, the bar does not."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr

import pytest

from adapters.console import EVERY, progress_shown
from adapters.progress import NOTE


class Terminal(io.StringIO):
    """What rich takes for a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal()


def shown_after(terminal: Terminal, numbers: list[int], total: int | None = None) -> str:
    """The number that the bar shows last, when it is drawn once more at the end."""
    with redirect_stderr(terminal), progress_shown() as show:
        for number in numbers:
            show("Observation", number, total)
    plain = re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue())
    return re.findall(r"(\d[\d,]*) \d:\d\d:\d\d", plain)[-1]


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([437, 912, 1350], "1,350"),  # as a server counts: by what each search gave
        ([437, 912, 1350, 1412, 1849], "1,350"),
        ([1, 2, EVERY - 1], "499"),
        ([EVERY - 1, EVERY], "499"),
        (list(range(1, 1201)), "999"),  # as files count: a step is drawn when it is worth it
        ([437, 900_000], "900,000"),
        ([1200, 3], "3"),  # the stage began again
    ],
)
def test_the_bar_follows_a_count_whatever_its_steps(numbers, shown, terminal):
    assert shown_after(terminal, numbers) == shown


def test_where_the_end_is_known_every_step_is_drawn(terminal):
    assert shown_after(terminal, [700, 701], total=900) == "701"


def test_a_note_stays_and_the_bar_goes(terminal):
    with redirect_stderr(terminal), progress_shown() as show:
        show("reading", 3)
        show("going on with the pull begun at 12:00: 3 parts are there", NOTE)
    assert "going on with the pull begun at 12:00: 3 parts are there\n" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K"), "the line of the bar is wiped"


def test_where_nobody_looks_only_notes_are_written(capsys):
    with progress_shown() as show:
        show("reading", 3)
        show("a note", NOTE)
    assert capsys.readouterr().err == "a note\n"
