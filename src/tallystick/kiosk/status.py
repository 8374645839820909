"""How a machine says it is, and whether its cash box agrees with the books."""

from __future__ import annotations

import sqlalchemy as sa

from tallystick.core import ledger
from tallystick.core.store import Tx, insert_once
from tallystick.kiosk import wire
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.tables import STATUS


def note_machine_status(tx: Tx, desk: Desk, machine: str, report: wire.StatusReport) -> bool:
    """Store how the machine is; return whether its cash box agrees with our count."""
    values = {
        "machine": machine,
        "at": desk.clock.now(),
        "state": report.state,
        "validator": report.validator,
        "box_notes": report.box_notes,
        "box_minor": report.box_minor,
        "currency": report.currency,
        "software": report.software,
        "trouble": report.trouble,
    }
    if not insert_once(tx, STATUS, values):
        tx.execute(sa.update(STATUS).where(STATUS.c.machine == machine).values(values))
    held = ledger.balance(tx, f"kiosk:{machine}:box")
    return (held.debit.minor if held else 0) == report.box_minor
