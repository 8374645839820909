"""What a customer has yet to show, and what cannot be done with their data, numbered from 4020."""

from __future__ import annotations

from tallystick.kiosk.errors import KioskError


class IdentityNeeded(KioskError):
    """Law or policy asks the customer to show something first, and it was not shown."""

    code, money, say = 4020, "not taken", "kiosk.identify"


class CustomerBarred(KioskError):
    """Nothing is sold to this person for now; the customer is not told why."""

    code, money, say, status = 4021, "not taken", "kiosk.call_us", 422


class CustomerUnknown(KioskError):
    """There is no such customer."""

    code, say, status = 4022, "kiosk.call_us", 404


class MergeRefused(KioskError):
    """These two are one already, or have documents that name different people."""

    code, say = 4023, "kiosk.call_us"


class LicenceUnreadable(KioskError):
    """This is not the code of a driver's licence or identity card."""

    code, money, say, status = 4024, "not taken", "kiosk.document_unread", 422


class NotAsked(KioskError):
    """Neither law nor policy asks this of a customer here; it is not kept."""

    code, money, say, status = 4026, "as it was before this request", "kiosk.call_us", 422


class PictureUnreadable(KioskError):
    """This is no picture of ours: no JPEG, too large, or of impossible size."""

    code, money, say, status = 4027, "as it was before this request", "kiosk.try_again", 422


class PolicyUnreadable(KioskError):
    """What the operator asks of customers is not written as ITEM=FROM."""

    code, say = 4025, ""
