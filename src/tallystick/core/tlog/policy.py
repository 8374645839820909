"""Which logs and witnesses somebody trusts, and how many must agree (C2SP tlog-policy, 2026-06-22).

A policy is data that comes from whoever checks, never from the log it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tallystick.core.tlog import keys
from tallystick.core.tlog.errors import BadSignature, BadText
from tallystick.core.tlog.keys import Key, Signed
from tallystick.core.tlog.note import Note

POLICY_CHARS_MAX: Final = 200_000
NONE: Final = "none"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class Group:
    """Satisfied when ``threshold`` of its members (witnesses or groups) are."""

    threshold: int
    members: tuple[str, ...]


@dataclass(slots=True)
class TrustPolicy:
    """Logs and witnesses by key, groups, and the one name that must be satisfied."""

    logs: dict[str, Key] = field(default_factory=dict)
    witnesses: dict[str, Key] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""

    def satisfied(self, by: Iterable[Key], name: str | None = None) -> bool:
        """Say whether these keys make the quorum (or the named witness or group)."""
        name, signed = self.quorum if name is None else name, set(by)
        if name == NONE:
            return True
        if name in self.witnesses:
            return self.witnesses[name] in signed
        group = self.groups[name]
        return sum(self.satisfied(signed, item) for item in group.members) >= group.threshold

    def check(self, note: Note) -> tuple[tuple[Signed, ...], bool]:
        """Check a checkpoint's note; return who signed it and whether that is the quorum.

        Raises `BadSignature` when no listed log signed, or a listed key's signature fails.
        """
        signed = keys.check(note, (*self.logs.values(), *self.witnesses.values()))
        if not any(one.key in self.logs.values() for one in signed):
            raise BadSignature("no log that the policy lists signed this")
        return signed, self.satisfied(one.key for one in signed)


def read(text: str) -> TrustPolicy:
    """Read a policy; raise `BadText` naming the line."""
    if len(text) > POLICY_CHARS_MAX:
        raise BadText(f"a policy has at most {POLICY_CHARS_MAX} letters")
    made = TrustPolicy()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            try:
                _line(made, words)
            except (BadText, IndexError, KeyError) as error:
                raise BadText(f"policy, line {number}: {error}") from error
    if not made.quorum:
        raise BadText("the policy names no quorum")
    return made


def _line(made: TrustPolicy, words: list[str]) -> None:
    kind = words[0]
    if kind == "log" and len(words) in (2, 3):
        key = _key(made, words[1], keys.LOG_TYPES)
        made.logs[key.name] = key
    elif kind == "witness" and len(words) in (3, 4):
        name = _new(made, words[1])
        made.witnesses[name] = _key(made, words[2], keys.WITNESS_TYPES | {keys.ED25519})
        made.urls[name] = words[3] if len(words) == 4 else ""
    elif kind == "group" and len(words) >= 4:
        made.groups[_new(made, words[1])] = _group(made, words[2], words[3:])
    elif kind == "quorum" and len(words) == 2 and not made.quorum:
        if words[1] not in (NONE, *made.witnesses, *made.groups):
            raise BadText(f"quorum {words[1]!r} is not defined")
        made.quorum = words[1]
    else:
        raise BadText(f"{' '.join(words)[:60]!r} is not understood")


def _new(made: TrustPolicy, name: str) -> str:
    if name == NONE or name in made.witnesses or name in made.groups:
        raise BadText(f"{name!r} is taken")
    return name


def _key(made: TrustPolicy, text: str, types: frozenset[int]) -> Key:
    key = keys.read(text)
    if key.type not in types:
        raise BadText(f"a key of type {key.type:02x} cannot do this")
    if any(key.raw == other.raw for other in (*made.logs.values(), *made.witnesses.values())):
        raise BadText(f"the public key of {key.name} is there twice")
    return key


def _group(made: TrustPolicy, number: str, members: list[str]) -> Group:
    taken = {name for group in made.groups.values() for name in group.members}
    for at, name in enumerate(members):
        if name not in (*made.witnesses, *made.groups):
            raise BadText(f"member {name!r} is not defined before the group")
        if name in taken or name in members[:at]:
            raise BadText(f"{name!r} is a member twice")
    if number not in ("all", "any") and not _NUMBER.fullmatch(number):
        raise BadText(f"{number!r} is neither all, any nor a number")
    count = {"all": len(members), "any": 1}.get(number) or int(number)
    if count > len(members):
        raise BadText(f"{count} of {len(members)} can never be")
    return Group(count, tuple(members))
