"""Errors of the kiosk programme. Each names where the money is and what the customer reads."""

from __future__ import annotations

from typing import ClassVar

from tallystick.core.errors import TallystickError


class KioskError(TallystickError):
    """A step of a purchase that cannot be taken."""

    code, money, say = 4000, "as it was before this step", "kiosk.try_again"
    status: ClassVar[int] = 409


class PurchaseUnknown(KioskError):
    """No such purchase on this machine."""

    code, say, status = 4001, "kiosk.call_us", 404


class WrongState(KioskError):
    """The purchase is not in a state that allows this."""

    code = 4002


class QuoteExpired(KioskError):
    """The quote has expired; ask for a new one."""

    code, say = 4003, "kiosk.price_changed"


class NotTheQuote(KioskError):
    """The machine cites a quote that the server did not give for this purchase."""

    code, say = 4004, "kiosk.call_us"


class NotOurSum(KioskError):
    """The machine's sums are not the server's; the purchase stays open and a person is told."""

    code, money, say = 4005, "counted and safe; nothing was paid", "kiosk.call_us"


class NoteOutOfOrder(KioskError):
    """Notes are numbered one by one, and this is not the next."""

    code, say = 4006, "kiosk.call_us"


class NoteConflict(KioskError):
    """This note was reported before with other facts."""

    code, say = 4007, "kiosk.call_us"


class BelowMinimum(KioskError):
    """Less cash than the smallest purchase."""

    code, money, say = 4009, "counted and safe; nothing was paid", "kiosk.below_minimum"


class AddressRefused(KioskError):
    """The address is not one this network can pay."""

    code, money, say, status = 4010, "not taken", "kiosk.bad_address", 422


class AddressBlocked(KioskError):
    """The address is on a list to which nothing may be sent; the customer is not told which."""

    code, money, say, status = 4016, "not taken", "kiosk.call_us", 422


class NotAcknowledged(KioskError):
    """A warning that the law asks for was not acknowledged."""

    code, money, say = 4011, "not taken", "kiosk.read_warning"


class RateUnusable(KioskError):
    """No fresh price that several sources agree on; nothing is sold until there is."""

    code, money, say, status = 4012, "not taken", "kiosk.no_price", 503


class Closed(KioskError):
    """This machine may not sell now."""

    code, money, say = 4013, "not taken", "kiosk.closed"


class LawRefuses(KioskError):
    """The rulebook refuses this step, or does not know and so refers it to a person."""

    code, say = 4014, "kiosk.law"


class PayoutDiffers(KioskError):
    """A built transaction does not pay exactly what is owed; it was not stored and not sent."""

    code, money, say, status = 4015, "owed to the customer, not sent", "", 500
