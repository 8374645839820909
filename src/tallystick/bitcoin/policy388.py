"""Wallet policies (BIP-388 v1.1.0): a template and a list of keys, which stand for a descriptor.

Devices register and show this form. A policy and its descriptor are two writings of one thing:
each is made from the other, and a vault is taken only where the way there and back changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.bitcoin.descriptor import keys_of, parse_key
from tallystick.bitcoin.errors import BadPolicy

TEMPLATE_LENGTH_MAX: Final = 2_000
KEYS_MAX: Final = 32
BOTH: Final = "/<0;1>/*"
PLACE: Final = re.compile(r"@(?P<number>[0-9]+)(?P<path>/\*\*|/<(?P<a>[0-9]+);(?P<b>[0-9]+)>/\*)?")
MUSIG: Final = re.compile(r"musig\((@[0-9]+(?:,@[0-9]+)*)\)(/\*\*|/<[0-9]+;[0-9]+>/\*)")


@dataclass(frozen=True, slots=True)
class Policy388:
    """A template such as ``wsh(sortedmulti(2,@0/**,@1/**))`` and keys with their origins."""

    template: str
    keys: tuple[str, ...]

    def descriptor(self) -> str:
        """Return the descriptor's body, without checksum; raise `BadPolicy`."""
        check_template(self.template)
        count = 1 + max(int(m["number"]) for m in PLACE.finditer(self.template))
        if count != len(self.keys):
            raise BadPolicy(f"the template names {count} keys and {len(self.keys)} are given")
        if len(set(self.keys)) != len(self.keys):
            raise BadPolicy("a key is given twice")
        for key in self.keys:
            if parse_key(key).suffix:
                raise BadPolicy(f"a key of a policy has no path behind it: {key[-12:]}")
        filled = re.sub(r"@([0-9]+)", lambda m: self.keys[int(m.group(1))], self.template)
        return filled.replace("/**", BOTH)


def check_template(template: str) -> None:
    """Check a template by the rules of BIP-388; raise `BadPolicy`."""
    if len(template) > TEMPLATE_LENGTH_MAX:
        raise BadPolicy(f"a template of at most {TEMPLATE_LENGTH_MAX} characters")
    plain = MUSIG.sub(lambda m: m.group(1).replace(",", m.group(2) + ",") + m.group(2), template)
    if "musig" in plain:
        raise BadPolicy("musig takes keys without paths, and one path behind it")
    if re.search(r"[xt](?:pub|prv)[1-9A-HJ-NP-Za-km-z]{20}", plain):
        raise BadPolicy("a template holds places for keys, no keys")
    if "/" in PLACE.sub("", plain):
        raise BadPolicy("a path that is neither /** nor /<m;n>/*")
    _check_places([*PLACE.finditer(plain)], aggregated="musig" in template)


def _check_places(places: Sequence[re.Match[str]], aggregated: bool) -> None:
    seen: dict[int, list[set[str]]] = {}
    for place in places:
        number = int(place["number"])
        if place["path"] is None:
            raise BadPolicy(f"@{number} has no path behind it")
        if number not in seen and number != len(seen):
            raise BadPolicy(f"@{number} is out of order: each key is numbered at its first use")
        branches = {"0", "1"} if place["a"] is None else {place["a"], place["b"]}
        if len(branches) != 2:
            raise BadPolicy(f"@{number} names one branch twice")
        if not aggregated and any(branches & other for other in seen.get(number, [])):
            raise BadPolicy(f"@{number} is used twice with a branch in common")
        seen.setdefault(number, []).append(branches)
    if not 0 < len(seen) <= KEYS_MAX:
        raise BadPolicy(f"a policy has from 1 to {KEYS_MAX} keys")


def policy_of(descriptor: str) -> Policy388:
    """Return the policy of a descriptor's body; raise `BadPolicy` or `BadDescriptor`."""
    body = descriptor.partition("#")[0]
    numbers: dict[str, int] = {}
    template = body
    for key in keys_of(body):
        number = numbers.setdefault(key.source, len(numbers))
        template = template.replace(key.source, f"@{number}")
    policy = Policy388(template.replace(BOTH, "/**"), tuple(numbers))
    if policy.descriptor() != body:
        raise BadPolicy("the descriptor is no wallet policy: another is written back")
    return policy
