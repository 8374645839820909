"""How long each page waits for a touch, and which pages belong together.

A time-out warns, can be extended, and costs nobody money (Decision 10).
"""

from __future__ import annotations

from typing import Final

from tallystick.edge.view import Screen

IDLE_S: Final = {
    Screen.LANGUAGE: 60,
    Screen.HELP: 120,
    Screen.SCAM: 120,
    Screen.COST: 120,
    Screen.WARNING: 120,
    Screen.SCAN: 180,
    Screen.ADDRESS: 120,
    Screen.PHONE: 180,
    Screen.CODE: 240,
    Screen.DOCUMENT: 180,
    Screen.COPY: 180,
    Screen.MAIL: 300,
    Screen.PHOTO: 180,
    Screen.SOURCE: 120,
    Screen.CARE: 180,
    Screen.QUESTION: 180,
    Screen.WAITING: 180,
    Screen.CASH: 180,
    Screen.REVIEW: 180,
    Screen.SENDING: 120,
    Screen.RECEIPT: 120,
    Screen.STOPPED: 60,
    Screen.SAFE: 60,
}
"""Seconds without a touch before we ask whether anybody is still there."""
WARNED_S: Final = 60
OVER: Final = frozenset({Screen.SENDING, Screen.RECEIPT, Screen.STOPPED, Screen.SAFE})
"""Pages on which no decision is left: they close without asking."""
BUYING: Final = frozenset({Screen.CASH, Screen.REVIEW})
