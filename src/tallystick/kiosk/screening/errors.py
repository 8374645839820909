"""Errors of screening: lists that cannot be read, hits that cannot be decided so."""

from __future__ import annotations

from tallystick.kiosk.errors import KioskError


class ScreeningError(KioskError):
    """A step of screening that cannot be taken."""

    code, money, say = 4200, "as it was before this step", "kiosk.call_us"


class PublishedUnreadable(ScreeningError):
    """A published list is not in a format we know, or too large; the former one stays in force."""

    code, money, say, status = 4201, "as it was; the former list stays in force", "", 422


class PolicyUnreadable(ScreeningError):
    """The screening policy does not say what it must; nothing is screened by it."""

    code, money, say, status = 4202, "not taken", "kiosk.closed", 500


class NameUnusable(ScreeningError):
    """A name to screen has no letters, or too many."""

    code, money, say, status = 4203, "not taken", "", 422


class HitUnknown(ScreeningError):
    """No such hit."""

    code, money, say, status = 4210, "as the ledger says", "", 404


class HitStep(ScreeningError):
    """The hit is not in a state that allows this."""

    code, money, say = 4211, "as the ledger says", ""


class ReasonMissing(ScreeningError):
    """A decision needs reasons in words."""

    code, money, say, status = 4212, "as the ledger says", "", 422


class SameReviewer(ScreeningError):
    """Who proposed a decision does not also approve it."""

    code, money, say, status = 4213, "as the ledger says", "", 403


class PersonHeld(ScreeningError):
    """A hit on this person is pending or confirmed; the customer is not told which."""

    code, money, say, status = 4214, "not taken", "kiosk.call_us", 422
