"""Errors of cash hardware, numbered 2000 to 2199."""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class DeviceError(TallystickError):
    """A device cannot do this."""

    code, money, say = 2000, "as the machine's journal says", "kiosk.try_again"


class PrinterOut(DeviceError):
    """The printer has no paper."""

    code, money, say = 2101, "not touched; the paper is missing", "kiosk.no_paper"


class PrinterLost(DeviceError):
    """The printer does not answer, or cannot be written to."""

    code, money, say = 2102, "not touched; the paper is missing", "kiosk.no_paper"


class HandsRefused(DeviceError):
    """The simulated device cannot do this now; its own words follow."""

    code, money, say = 2190, "where it was", ""
