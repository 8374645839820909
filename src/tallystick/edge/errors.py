"""Errors of the process inside a kiosk, numbered 5000 to 5299."""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class EdgeError(TallystickError):
    """The machine cannot take this step by itself."""

    code, money, say = 5000, "as the machine's journal says", "kiosk.try_again"


class JournalDamaged(EdgeError):
    """The machine's journal is damaged in its middle; a person must look before it takes cash."""

    code, say = 5001, "kiosk.closed"


class JournalUnwritable(EdgeError):
    """The machine's journal cannot be written; no note is taken until it can."""

    code, money, say = 5002, "in the slot, or where the last record says", "kiosk.closed"


class JournalInUse(EdgeError):
    """Another process holds this machine's journal."""

    code, say = 5003, ""


class NotPaired(EdgeError):
    """This machine is not paired with a server; give it a pairing code."""

    code, money, say = 5004, "not taken", ""


class WrongServer(EdgeError):
    """The server that answered does not hold the key of the pairing code."""

    code, money, say = 5005, "not taken", ""


class BadQuote(EdgeError):
    """The quote is not signed by our server, or promises something else than was asked for."""

    code, money, say = 5006, "not taken", "kiosk.try_again"


class ServerLost(EdgeError):
    """The server did not answer in time; what must reach it is kept, and sent when it answers."""

    code, say = 5007, "kiosk.server_lost"


class ScreenTooSmall(EdgeError):
    """The built-in screen is too small for letters and buttons of the least size."""

    code, money, say = 5009, "not taken", ""


class ServerSaid(EdgeError):
    """The server refused a step, with its own number and words."""

    code, say = 5008, "kiosk.call_us"

    def __init__(self, status: int, number: int, detail: str, say: str) -> None:
        super().__init__(f"{number}: {detail}")
        self.status, self.number, self.their_say = status, number, say
