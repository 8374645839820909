"""Firmware floors and advisories, and what each maker's signers can do: data, with sources.

An advisory that comes later flags the vaults whose keys it touches. A signer that the table does
not know is taken to do the least: the default form of vault, and the fewest inputs.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.clock import Clock
from tallystick.core.store import Tx
from tallystick.reserve import vaults
from tallystick.reserve.key_errors import BadVault
from tallystick.reserve.vault import Kind, Vault, VaultKey
from tallystick.reserve.vault_tables import EVENTS

FOLDER: Final = Path(__file__).parent
FILE_BYTES_MAX: Final = 1_000_000
INPUTS_OF_THE_UNKNOWN: Final = 20
READ: Final = ("text", "secondary", "unread")
NAMES: Final = {"from": "newer"}


@dataclass(frozen=True, slots=True)
class Advisory:
    """One warning about a maker's signers. ``below`` and ``newer`` bound the firmware it touches.

    ``dice_safe_from`` is how many recorded dice make a key safe from it, or 0 where dice are no
    help. Without ``below`` every firmware is touched.
    """

    id: str
    maker: str
    published: dt.date
    say: str
    do: str
    source: str
    read: str
    below: str = ""
    newer: str = ""
    dice_safe_from: int = 0

    def touches(self, key: VaultKey, dice: int = 0) -> bool:
        """Say whether a key is in its reach; a firmware that nobody wrote down is."""
        if same(key.maker) != same(self.maker):
            return False
        if self.dice_safe_from and dice >= self.dice_safe_from:
            return False
        found = version(key.firmware)
        if not found:
            return True
        if self.newer and found < version(self.newer):
            return False
        return not self.below or found < version(self.below)


@dataclass(frozen=True, slots=True)
class Ability:
    """What one signer can do."""

    maker: str
    model: str
    kinds: tuple[str, ...]
    inputs_max: int
    carries: tuple[str, ...]
    source: str


def same(maker: str) -> str:
    """Return a maker's name in the form in which two are compared."""
    return re.sub(r"[^a-z0-9]", "", maker.casefold())


def version(text: str) -> tuple[int, ...]:
    """Return a firmware's numbers, such as (5, 6, 1); nothing where it has none."""
    return tuple(int(part) for part in re.findall(r"\d{1,6}", text)[:4])


def _load(path: Path) -> dict[str, Any]:
    if path.stat().st_size > FILE_BYTES_MAX:
        raise BadVault(f"{path.name} is larger than {FILE_BYTES_MAX} bytes")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadVault(f"{path.name} cannot be read: {error}") from error


def load(path: Path = FOLDER / "advisories.toml") -> list[Advisory]:
    """Return the advisories of a file, those that come with this version by default."""
    try:
        found = [
            Advisory(
                **{("newer" if name == "from" else name): value for name, value in row.items()}
            )
            for row in _load(path).get("advisory", [])
        ]
    except TypeError as error:
        raise BadVault(f"{path.name} cannot be read: {error}") from error
    if any(one.read not in READ for one in found):
        raise BadVault(f"{path.name}: read is one of {', '.join(READ)}")
    return found


def abilities(path: Path = FOLDER / "signers.toml") -> list[Ability]:
    """Return what each known signer can do."""
    rows: list[dict[str, Any]] = _load(path).get("signer", [])
    return [
        Ability(**{**row, "kinds": tuple(row["kinds"]), "carries": tuple(row["carries"])})
        for row in rows
    ]


def ability_of(key: VaultKey, known: Sequence[Ability] | None = None) -> Ability:
    """Return what a key's signer can do; the least where it is unknown."""
    ours = [one for one in known or abilities() if same(one.maker) == same(key.maker)]
    for one in ours:
        if one.model and same(one.model) in same(key.model):
            return one
    for one in ours:
        if not one.model:
            return one
    default = (Kind.SORTEDMULTI.value,)
    return Ability(key.maker, key.model, default, INPUTS_OF_THE_UNKNOWN, ("file",), "not known")


def inputs_max(vault: Vault, role: str = "quorum") -> int:
    """Return the most inputs of a movement that every signer of a role takes."""
    known = abilities()
    keys = vault.with_role(role) or list(vault.keys)
    return min(ability_of(key, known).inputs_max for key in keys)


def affected(
    found: Sequence[Vault], against: Sequence[Advisory]
) -> list[tuple[Vault, VaultKey, Advisory]]:
    """Return every key on record that an advisory touches. Dice on record are a ceremony's word."""
    return [
        (vault, key, one)
        for vault in found
        for key in vault.keys
        for one in against
        if one.touches(key, key.dice)
    ]


def flag(tx: Tx, against: Sequence[Advisory], clock: Clock) -> list[str]:
    """Write down, once for each vault, key and advisory, that it is touched; return what is new."""
    fresh: list[str] = []
    for vault, key, one in affected(vaults.vaults(tx), against):
        content = {"advisory": one.id, "fingerprint": key.fingerprint, "say": one.say, "do": one.do}
        query = sa.select(EVENTS.c.content).where(
            EVENTS.c.subject == vault.id, EVENTS.c.kind == "advisory"
        )
        mark = f'"advisory":"{one.id}"', f'"fingerprint":"{key.fingerprint}"'
        if any(all(part in text for part in mark) for text in tx.execute(query).scalars()):
            continue
        vaults.record(tx, clock, vault.id, "advisory", content)
        fresh.append(f"{vault.name}: key {key.fingerprint} ({key.maker}): {one.say} {one.do}")
    return fresh
