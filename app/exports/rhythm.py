"""How often a saved export comes again: every day, week or month, at a time of day in a time zone."""
import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.errors import Invalid
from app.jobs.models import Schedule

EVERY = {"day": "Every day", "week": "Every week", "month": "Every month"}
WEEKDAYS = {"1": "Monday", "2": "Tuesday", "3": "Wednesday", "4": "Thursday", "5": "Friday", "6": "Saturday", "0": "Sunday"}
MONTH_DAYS = {**{str(day): str(day) for day in range(1, 29)}, "L": "last"}
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z", re.ASCII)


@dataclass(frozen=True)
class Rhythm:
    """`weekday` counts for a week, `day` (of the month, L the last) for a month."""

    every: str = "day"
    at: str = "06:00"
    zone: str = "UTC"
    weekday: str = "1"
    day: str = "1"

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Rhythm":
        """What a form says. Raises Invalid with what is wrong by name."""
        found = cls(**{name: given[name] for name in ("every", "at", "zone", "weekday", "day") if name in given})
        wrong = {"every": found.every not in EVERY and "Choose day, week or month.",
                 "at": not CLOCK.match(found.at) and "Write a time like 06:30.",
                 "zone": not _is_zone(found.zone) and "Write a time zone like Europe/Berlin.",
                 "weekday": found.weekday not in WEEKDAYS and "Choose a day of the week.",
                 "day": found.day not in MONTH_DAYS and "Choose a day from 1 to 28, or the last."}
        if errors := {name: sentence for name, sentence in wrong.items() if sentence}:
            raise Invalid("Nothing was saved. " + " ".join(errors.values()), errors=errors)
        return found

    @classmethod
    def read(cls, schedule: Schedule) -> "Rhythm":
        """What a schedule of ours says."""
        minute, hour, day, _, weekday = schedule.cron.split()
        every = "month" if day != "*" else "week" if weekday != "*" else "day"
        at = f"{int(hour):02}:{int(minute):02}"
        return cls(every, at, schedule.time_zone, weekday.replace("*", "1"), day.replace("*", "1"))

    @property
    def cron(self) -> str:
        hour, minute = map(int, self.at.split(":"))
        return (f"{minute} {hour} {self.day if self.every == 'month' else '*'} * "
                f"{self.weekday if self.every == 'week' else '*'}")

    @property
    def said(self) -> str:
        on = {"week": f" on {WEEKDAYS[self.weekday]}", "month": f" on the {_ordinal(self.day)} day"}.get(self.every, "")
        return f"{EVERY[self.every]}{on} at {self.at}, {self.zone}"


def _ordinal(day: str) -> str:
    if day == "L":
        return "last"
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(day[-1], "th") if day not in ("11", "12", "13") else "th"
    return f"{day}{ending}"


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return False
