"""A receipt of ours: a ``.tlog-proof`` whose extra holds the entry, and for its owner the opening.

The opening (salt and content) is what the commitment was made from. Whoever has it can show what
happened, and to whom they like; without it the file says only that a mark is in the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tallystick.core.tlog import proof as proofs
from tallystick.core.tlog.checkers import View
from tallystick.core.tlog.errors import BadProof, BadSignature, BadText
from tallystick.core.tlog.keys import Key
from tallystick.core.tlog.proof import Proof
from tallystick.core.tlog.report import Caught, Fault
from tallystick.core.tlog.walk import header_of

SUFFIX: Final = ".tlog-proof"


class Opening(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What the extra line holds, as JSON: the entry's text, and the opening if it is given."""

    entry: str
    salt: str = ""
    content: str = ""


def opening(entry: bytes, salt: str = "", content: str = "") -> bytes:
    """Return the extra for an entry; ``salt`` in hex, ``content`` the canonical JSON."""
    return msgspec.json.encode(Opening(entry.decode(), salt, content))


def read_opening(proof: Proof) -> Opening:
    """Return a receipt's extra; raise `BadText` if it is not one of ours."""
    try:
        return msgspec.json.decode(proof.extra or b"", type=Opening)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadText(f"the receipt does not hold its entry: {error}") from error


def check(text: str, log: Sequence[Key], view: View) -> None:
    """Check a receipt by itself and against the log as it is shown now; raise `Caught`.

    ``log``: the keys that the log has or had, one at least.
    """
    try:
        proof = proofs.read(text)
        held = read_opening(proof)
        was = proof.check(held.entry.encode(), *log)
    except BadSignature as error:
        said = "the receipt was altered, or it is of another log"
        raise Caught(Fault.BAD_RECEIPT, f"{said}: {error}") from error
    except (BadText, BadProof) as error:
        raise Caught(Fault.BAD_RECEIPT, f"the receipt does not hold: {error}") from error
    number, report = proof.index + 1, view.report
    report.prove("receipt", f"the log signed entry {number} into {was.size} entries")
    still_there(proof, held.entry.encode(), was.size, was.root, view)
    header = header_of(held.entry.encode())
    said = f"programme {header.programme}, kind {header.kind}, day {header.day}" if header else ""
    report.prove("inclusion", f"entry {number} is in the log shown now: {said}".rstrip(": "))
    if held.salt or held.content:
        report.prove("opening", f"the entry was made from this: {opened(held)}")
    else:
        report.assume("content", "the receipt does not say what the entry was made from")


def still_there(proof: Proof, entry: bytes, size: int, root: bytes, view: View) -> None:
    """Find an entry and its tree in the log as it is shown now; raise `Caught`."""
    if size > view.signed.size:
        said = f"the receipt is from {size} entries, the log shows {view.signed.size}"
        raise Caught(Fault.ROLLBACK, said)
    try:
        now = view.entry(proof.index)
        if now != entry:
            said = f"entry {proof.index + 1} is not in the log any more; another is in its place"
            raise Caught(Fault.REMOVED_ENTRY, said)
        if view.root_at(size) != root:
            raise Caught(Fault.FORK, f"the receipt's tree of {size} entries is not this log's")
    except (BadProof, BadText) as error:
        said = f"the log cannot show entry {proof.index + 1}: {error}"
        raise Caught(Fault.TAMPERED_TILE, said) from error


def opened(held: Opening) -> dict[str, Any]:
    """Return what the entry was made from; raise `Caught` if salt and content do not give it."""
    header = header_of(held.entry.encode())
    try:
        made = hashlib.sha256(bytes.fromhex(held.salt) + held.content.encode()).hexdigest()
        content: dict[str, Any] = msgspec.json.decode(held.content, type=dict)
    except (ValueError, msgspec.DecodeError) as error:
        raise Caught(Fault.WRONG_OPENING, f"salt or content cannot be read: {error}") from error
    if header is None or header.commitment != made:
        raise Caught(Fault.WRONG_OPENING, "salt and content do not give the entry's commitment")
    return content
