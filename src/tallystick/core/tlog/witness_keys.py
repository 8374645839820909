"""A witness's own keys: made once, readable by their owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tallystick.core.clock import Clock
from tallystick.core.identity.keys import load_or_make_key
from tallystick.core.tlog import files, note
from tallystick.core.tlog.errors import BadText
from tallystick.core.tlog.keys import Cosigner

SEED_BYTES: Final = 32


def signers_of(data: Path, name: str, ml_dsa: bool, clock: Clock) -> list[Cosigner]:
    """Return the signers of a witness's folder, making their keys at the first start."""
    if not note.is_name(name):
        raise BadText(f"{name[:80]!r} can be no witness's name")
    found = [Cosigner(name, load_or_make_key(data / "witness.key"))]
    if ml_dsa:
        found.append(Cosigner(name, MLDSA44PrivateKey.from_seed_bytes(_seed(data, clock))))
    return found


def _seed(data: Path, clock: Clock) -> bytes:
    path = data / "witness.mldsa44"
    if not path.exists():
        draft = path.with_name(path.name + files.DRAFT)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, clock.random_bytes(SEED_BYTES).hex().encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        draft.replace(path)
        files.sync_folder(data)
    if path.stat().st_mode & 0o077:
        raise BadText(f"{path}: others may read it; its mode must be 0600")
    text = path.read_text("ascii").strip()
    if len(text) != 2 * SEED_BYTES:
        raise BadText(f"{path} does not hold a seed")
    return bytes.fromhex(text)
