"""From what went wrong to the text key that the screen says."""

from __future__ import annotations

from tallystick.bitcoin.errors import LightningInvoice, OtherCoin, WrongNetwork
from tallystick.core.errors import TallystickError


def wrong_code(error: TallystickError, typed: bool) -> str:
    """Return the message for a code or a typed address that is not one of ours."""
    if isinstance(error, LightningInvoice):
        return "scan.lightning"
    if isinstance(error, WrongNetwork):
        return "scan.wrong_network"
    if isinstance(error, OtherCoin):
        return "scan.other_coin"
    return "kiosk.bad_address" if typed else "scan.unreadable"


def why_back(why: str, limited: bool) -> tuple[str, str]:
    """Return the message, and how it looks, for a note that came back."""
    not_now = why in ("denomination", "not_taken") or why.startswith("not taken now")
    if why == "identify":
        return "who.more", "care"
    if why in ("limit", "machine_cap", "held") or (not_now and limited):
        return "kiosk.limit", "care"
    if not_now:
        return "kiosk.not_taken", "care"
    if why == "server_lost":
        return "kiosk.server_lost", "wait"
    if why in ("stopped", "interrupted", "expired", "returned", "idle", "inhibited", "timeout"):
        return "kiosk.returned", "wait"
    return "kiosk.unreadable", "care"
