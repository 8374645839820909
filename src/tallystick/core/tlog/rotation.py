"""A log changes its key: announced in the log, under the old key, and signed by both a while.

The announcement is an entry like any other. What is published of it is a ``.tlog-proof`` whose
checkpoint both keys signed: the old one signed a tree that holds it, the new one shows that it is
somebody's. So whoever knows any key of a log finds the others from the files alone, and nobody who
lacks the old key can announce another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from tallystick.core.tlog import keys, receipts
from tallystick.core.tlog import proof as proofs
from tallystick.core.tlog.errors import BadProof, BadSignature, BadText
from tallystick.core.tlog.keys import Key
from tallystick.core.tlog.proof import Proof
from tallystick.core.tlog.reader import Missing, Source
from tallystick.core.tlog.report import Caught, Fault
from tallystick.core.tlog.walk import header_of

PROGRAMME: Final = "log"
KIND: Final = "log_key"
FILE: Final = "keys.json"
FILE_BYTES_MAX: Final = 4_000_000
LINKS_MAX: Final = 100


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the entry commits to: whose key follows which, and how long both sign."""

    origin: str
    old: str
    new: str
    until: str


@dataclass(frozen=True, slots=True)
class Link:
    """One announcement that holds: the new key follows the old one."""

    old: Key
    new: Key
    proof: Proof
    entry: bytes

    @property
    def number(self) -> int:
        """Return the entry's number, from 1."""
        return self.proof.index + 1


def read(source: Source) -> list[Link]:
    """Return the changes that a log publishes; raise `Caught` for one that does not hold."""
    try:
        body = source.get(FILE, FILE_BYTES_MAX)
    except Missing:
        return []
    try:
        texts = msgspec.json.decode(body, type=dict[str, list[str]])["links"]
        if len(texts) > LINKS_MAX:
            raise BadText(f"{len(texts)} changes of the key; at most {LINKS_MAX}")
        return [_link(text) for text in texts]
    except (msgspec.DecodeError, KeyError, UnicodeDecodeError) as error:
        raise Caught(Fault.FORGED_ROTATION, f"{FILE} cannot be read: {error}") from error
    except (BadText, BadSignature, BadProof) as error:
        said = f"a change of the log's key does not hold: {error}"
        raise Caught(Fault.FORGED_ROTATION, said) from error


def _link(text: str) -> Link:
    proof = proofs.read(text)
    held = receipts.read_opening(proof)
    entry = held.entry.encode()
    header = header_of(entry)
    if header is None or (header.programme, header.kind) != (PROGRAMME, KIND):
        raise BadProof("the entry announces no key")
    try:
        said = msgspec.convert(receipts.opened(held), Content)
    except (msgspec.ValidationError, Caught) as error:
        raise BadProof(f"the entry announces another key: {error}") from error
    old, new = keys.read(said.old), keys.read(said.new)
    if not said.origin == old.name == new.name:
        raise BadProof("the two keys are not of one log")
    for key in (old, new):
        proof.check(entry, key)
    return Link(old, new, proof, entry)


def follow(known: Key, links: Sequence[Link]) -> list[Key]:
    """Return the keys that follow a known one, itself first; raise `Caught` where two do."""
    found = [known]
    while after := [link.new for link in links if link.old == found[-1]]:
        if len(set(after)) > 1 or after[0] in found:
            said = f"more than one key follows {found[-1].id.hex()}: keep the files"
            raise Caught(Fault.FORGED_ROTATION, said)
        found.append(after[0])
    return found


def before(known: Key, links: Sequence[Link]) -> list[Key]:
    """Return the keys that came before a known one: what they signed was true of this log."""
    found: list[Key] = []
    while earlier := [x.old for x in links if x.new == (found[-1] if found else known)]:
        if earlier[0] in (known, *found):
            break
        found.append(earlier[0])
    return found
