"""What can be wrong with a question about a date on which rights of appeal end.

Each leaves the person where they are: a date that is not known holds, it never releases.
"""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class DateUnknown(TallystickError):
    """The date on which rights of appeal end cannot be told; whoever waits for it is held."""

    code, money, say = 8700, "no money here; the case stays as it is", ""


class DayNotKnown(DateUnknown):
    """The reckoning touches a year whose bank holidays are not known."""

    code, money, say = 8701, "no money here; the case stays as it is", ""


class StageNotThere(DateUnknown):
    """There is no such stage of appeal in this country."""

    code, money, say = 8702, "no money here; the case stays as it is", ""


class RuleNotThere(DateUnknown):
    """No rule for this stage is known to have been in force on that day."""

    code, money, say = 8703, "no money here; the case stays as it is", ""
