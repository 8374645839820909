"""Errors of the cash hardware, numbered 2000 to 2199."""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class DeviceError(TallystickError):
    """A device did not do what it was asked to."""

    code, money, say = 2000, "where the machine's journal says", "kiosk.closed"


class PortLost(DeviceError):
    """The device's port cannot be opened, or went away."""

    code, say = 2101, "kiosk.closed"


class FrameTooLong(DeviceError):
    """A frame holds at most 250 bytes of data."""

    code, money, say = 2102, "not touched", ""


class TableUnreadable(DeviceError):
    """The validator's table of notes makes no sense; no note is taken."""

    code, money, say = 2103, "not taken", "kiosk.closed"


class PrinterOut(DeviceError):
    """The printer has no paper, or its cover is open."""

    code, money, say = 2121, "not touched; the paper is missing", "kiosk.no_paper"


class PrinterLost(DeviceError):
    """The printer does not answer, or cannot be written to."""

    code, money, say = 2122, "not touched; the paper is missing", "kiosk.no_paper"


class PaperTooLong(DeviceError):
    """What is to be printed is longer than any receipt."""

    code, money, say = 2123, "not touched; the paper is missing", "kiosk.no_paper"


class CameraLost(DeviceError):
    """The camera cannot be opened, gives no picture in time, or is not one that we can read."""

    code, money, say = 2131, "as it was; no picture was taken", "who.no_camera"


class PictureUnusable(DeviceError):
    """What the camera gave is no JPEG, or larger than any picture of ours."""

    code, money, say = 2132, "as it was; no picture was kept", "who.no_camera"


class PictureTooDark(DeviceError):
    """Hardly anything can be seen on the picture: it is dark, or of one colour."""

    code, money, say = 2133, "as it was; no picture was kept", "who.too_dark"


class StateInUse(DeviceError):
    """Another simulated validator holds this state file."""

    code, money, say = 2151, "in that one", ""


class StateDamaged(DeviceError):
    """The simulated validator's state file is damaged before its end."""

    code, money, say = 2152, "in the simulated box; its count is not known", ""


class HandsRefused(DeviceError):
    """The simulated devices do not do that now, or do not answer."""

    code, money, say = 2190, "where it was", ""
