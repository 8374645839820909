"""Errors of reports: none is filed by one person, changed once filed, or shown around."""

from __future__ import annotations

from tallystick.kiosk.errors import KioskError


class ReportError(KioskError):
    """A step of a report that cannot be taken."""

    code, money, say, status = 4300, "as the ledger says", "", 409


class ReportUnknown(ReportError):
    """No such report, or none that this person may know of."""

    code, status = 4301, 404


class ReportStep(ReportError):
    """The report is not in a state that allows this."""

    code = 4302


class ReportFiled(ReportError):
    """A filed report does not change; file a correction instead."""

    code = 4303


class ReportIncomplete(ReportError):
    """The report lacks what its form asks for."""

    code, status = 4304, 422


class NoSuchDuty(ReportError):
    """The law of the place knows no such report."""

    code, status = 4305, 422
