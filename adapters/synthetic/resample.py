"""A cohort of any size, drawn with replacement from the study's patients: for load, never for results.

Each drawn patient keeps all values and all intervals, and gets new ids and a shift of all dates. The drawn-from patients
are built and checked once by the FHIR models; of each, the text is kept with the places of its ids and dates, so that a
copy costs no more than filling these in.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.synthetic.fhir.record import uuid_of
from adapters.synthetic.fhir.write import Line

SEED = 36
SHIFT_DAYS = 730  # at most two years to either side
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
DATE = r"\d{4}-\d{2}(?:-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2}))?)?"
BERLIN = ZoneInfo("Europe/Berlin")
MIDDLE = "-15"  # a month is shifted by its middle


@dataclass(frozen=True, slots=True)
class Template:
    """A patient's resources as one text, cut at every id and date: odd pieces are to be filled in."""

    name: str
    pieces: tuple[str, ...]

    def copy(self, name: str, days: int) -> list[Line]:
        """The resources under a new name, all dates shifted."""
        fills: dict[str, str] = {}
        made = list(self.pieces)
        for place in range(1, len(made), 2):
            old = made[place]
            if old not in fills:
                fills[old] = self._fill(old, name, days)
            made[place] = fills[old]
        fields = "".join(made).split("\n")
        return [(fields[at], fields[at + 1], fields[at + 2]) for at in range(0, len(fields), 3)]

    def _fill(self, old: str, name: str, days: int) -> str:
        if old == self.name:
            return name
        return shifted(old, days) if re.fullmatch(DATE, old) else uuid_of(f"{name}/{old}")


def template(name: str, lines: list[Line]) -> Template:
    """Cut the resources of the patient of that name at its ids and dates."""
    own = rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])"
    text = "\n".join(part for line in lines for part in line)
    return Template(name, tuple(re.split(f'({UUID}|(?<="){DATE}(?=")|{own})', text)))


def resampled(templates: list[Template], patients: int) -> Iterator[list[Line]]:
    """The resources of so many patients, a list each; the same on every run. Raises ValueError below one patient."""
    if patients < 1:
        raise ValueError("a cohort needs at least one patient")
    draw = random.Random(SEED)  # noqa: S311  no secret: the same patients on every run
    for number in range(1, patients + 1):
        chosen = templates[draw.randrange(len(templates))]
        yield chosen.copy(f"n{number:05d}", draw.randint(-SHIFT_DAYS, SHIFT_DAYS))


def shifted(text: str, days: int) -> str:
    """A FHIR date, month or instant, so many days later; the clock in Berlin stays the same.

    >>> shifted("2016-03-26", 2), shifted("2016-03", 31), shifted("2016-03-26T08:15:00+01:00", 2)
    ('2016-03-28', '2016-04', '2016-03-28T08:15:00+02:00')
    """
    later = timedelta(days=days)
    if "T" not in text:
        exact = len(text) > len("YYYY-MM")
        return (date.fromisoformat(text if exact else text + MIDDLE) + later).isoformat()[: len(text)]
    moment = datetime.fromisoformat(text).astimezone(BERLIN).replace(tzinfo=None) + later
    local = moment.replace(tzinfo=BERLIN)
    if text.endswith("Z"):
        return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return local.isoformat()
