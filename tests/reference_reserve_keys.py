"""The reference page of the reserve's keys: ceremony, events, vaults, signers, advisories."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from tallystick.reserve.advisories import abilities, load
from tallystick.reserve.ceremony import NEXT
from tallystick.reserve.vault import Kind

SOURCE = Path(__file__).parent.parent / "src" / "tallystick" / "reserve"
TITLE = "Keys of a reserve"
STATES = {
    "gathering": "Keys are brought, each checked alone and beside the others.",
    "formed": "The vault's descriptor is fixed; signers register it and derive its addresses.",
    "derived": "Two signers of different implementation derived the first addresses alone.",
    "tested": "Every key has signed the test message.",
    "closed": "The vault is open for deposits; record and paper are made. The end.",
    "abandoned": "Given up; a vault that was formed is never opened. The end.",
}
EVENTS = {
    "vault_registered": "A vault's descriptor and template are on record.",
    "vault_imported": "A wallet made elsewhere is on record; its keys passed the checks but dice.",
    "vault_retired": "Another vault takes its place; its addresses are watched for ever.",
    "address_differs": "A signer derives another address than this server said; it is refused.",
    "address_issued": "An address was given out, once and for good.",
    "advisory": "A later advisory touches a key of this vault; what to do.",
    "ceremony_began": "Name, kind, quorum and who leads.",
    "ceremony_key": "A key was taken in: maker, firmware, holder, place, its dice's commitment.",
    "ceremony_test_signature": "A key signed the test message, verified.",
    "ceremony_closed": "The vault is open; the digest of the record.",
    "ceremony_abandoned": "Given up, and why.",
}
KINDS = {
    "sortedmulti": "m of n, at any time. The default: nearly every device signs it.",
    "recovery": "m of n at any time; other keys, r of k, once a coin has lain still.",
    "decaying": "m of n at any time; m - 1 of the same keys once a coin has lain still.",
    "taproot": "m of n by script path; nobody can spend by the key path.",
    "taproot-recovery": "As recovery, by two leaves of a taproot tree.",
}

Table = Callable[[str, list[tuple[object, ...]]], list[str]]


def kinds_of_events() -> set[str]:
    """Every kind that is recorded about a vault or a ceremony, read from the calls."""
    found: set[str] = set()
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 4:
                continue
            name = ast.unparse(node.func)
            if name in ("record", "vaults.record") and isinstance(node.args[3], ast.Constant):
                found.add(str(node.args[3].value))
    return found


def parts(table: Table) -> list[str | list[str]]:
    """Return the page's parts."""
    return [
        "## States of a ceremony",
        "From the one table `NEXT` in `src/tallystick/reserve/ceremony.py`.",
        table(
            "state, what it means, may become",
            [
                (f"`{one}`", STATES.get(one, ""), ", ".join(sorted(NEXT[one])) or "nothing")
                for one in NEXT
            ],
        ),
        "## What is recorded",
        "Each is committed to in the journal, in the transaction that makes it true.",
        table("kind, what it says", [(f"`{one}`", EVENTS.get(one, "")) for one in sorted(EVENTS)]),
        "## Kinds of vault, and which signers can do what",
        table("kind, who can spend", [(f"`{one}`", KINDS[one]) for one in Kind]),
        "From `src/tallystick/reserve/signers.toml`. A signer that is not in it is taken to do\n"
        "the least. A movement has no more inputs than each of the vault's signers takes.",
        table(
            "maker, model, kinds, inputs, carries a PSBT by, source",
            [
                (
                    one.maker,
                    one.model or "any other",
                    ", ".join(one.kinds),
                    one.inputs_max,
                    ", ".join(one.carries),
                    one.source,
                )
                for one in abilities()
            ],
        ),
        "## Firmware floors and advisories",
        "From `src/tallystick/reserve/advisories.toml`.",
        table(
            "advisory, maker, published, touches, says, do, source, read",
            [
                (
                    f"`{one.id}`",
                    one.maker,
                    one.published,
                    _reach(one.newer, one.below, one.dice_safe_from),
                    one.say,
                    one.do,
                    one.source,
                    one.read,
                )
                for one in load()
            ],
        ),
    ]


def _reach(newer: str, below: str, dice: int) -> str:
    said = f"from {newer} " if newer else ""
    said += f"below {below}" if below else "every firmware"
    return said + (f"; not keys with {dice} dice" if dice else "")
