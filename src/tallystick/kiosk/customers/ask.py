"""What a customer must show, from which sum on, and by which provision: pure, like the rulebook.

The law's words are mapped here, one by one. A thing that it asks and no machine of ours can take,
or words that nobody mapped, close the machine: a customer half identified is not identified.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.core.rulebook.place import Jurisdiction
from tallystick.core.rulebook.provision import Provision
from tallystick.kiosk.customers.policy import Policy

PLACES_KEPT: Final = 256
DAY: Final = 1


class Item(enum.StrEnum):
    """Something to show, in the order in which a machine asks."""

    PHONE = "phone"
    DOCUMENT = "document"
    COPY = "copy"
    MAIL = "email"
    PHOTO = "photo"
    SOURCE = "source"
    OTHER = "something that nobody mapped"


UNABLE: Final = frozenset({Item.OTHER})
"""What no machine of ours can take: where the law asks it, the machine is closed."""
PICTURES: Final = frozenset({Item.COPY, Item.PHOTO})
"""What needs a camera: where the law asks it, a machine without one is closed."""
NAMES: Final = {Item.COPY: "copy of a document", Item.MAIL: "e-mail address"}
"""What an item is called where its own word says too little."""
ADDRESS: Final = "mailing address"
WORDS: Final[Mapping[str, tuple[Item, ...]]] = {
    "phone": (Item.PHONE,),
    "name": (Item.DOCUMENT,),
    "date of birth": (Item.DOCUMENT,),
    ADDRESS: (Item.DOCUMENT,),
    "government-issued document": (Item.DOCUMENT,),
    "identity verified for every transaction": (Item.DOCUMENT,),
    "originator and beneficiary data on every transfer": (Item.DOCUMENT,),
    "anonymous accounts": (Item.DOCUMENT,),
    "enhanced customer due diligence": (Item.DOCUMENT, Item.SOURCE),
    "privacy coins at service providers": (),
    "copy of government document": (Item.COPY,),
    "e-mail": (Item.MAIL,),
}
"""Each thing as a law file words it, and what a customer shows for it."""
UNIT_DAYS: Final = {"day": 1, "month": 31, "year": 366}


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing to show once cash over ``days`` passes ``free_minor``; by a law, or by policy."""

    item: Item
    free_minor: int
    days: int = DAY
    law: Provision | None = None

    @property
    def always(self) -> bool:
        """Say whether it is asked before any cash."""
        return self.free_minor <= 0

    @property
    def cite(self) -> str:
        """Return the source: the law's citation, or whose policy it is."""
        return self.law.cite if self.law else "Policy of the operator"

    @property
    def id(self) -> str:
        """Return the provision's id, or a name for the operator's own rule."""
        return self.law.id if self.law else f"operator/{self.item}"

    @property
    def say(self) -> str:
        """Return the rule in plain words."""
        return self.law.say if self.law else f"The operator asks for: {name(self.item)}."


def name(item: str) -> str:
    """Return what an item is called in a sentence."""
    return NAMES.get(Item(item), item)


@functools.lru_cache(maxsize=PLACES_KEPT)
def asks(place: Jurisdiction, policy: Policy, on: dt.date) -> tuple[Asked, ...]:
    """Return everything asked on a day. What may be in force counts as in force."""
    found = [*_of_policy(policy)]
    for rule in place.on_day(on):
        if rule.in_force(on) is False:
            continue
        if rule.kind == "identification":
            found += [Asked(item, 0, DAY, rule) for item in _items(rule)]
        elif rule.kind == "identification-threshold":
            found.append(Asked(Item.DOCUMENT, _free(rule), _days(rule), rule))
    order = list(Item)
    return tuple(sorted(found, key=lambda one: order.index(one.item)))


def _of_policy(policy: Policy) -> Iterator[Asked]:
    for item in Item:
        figure = getattr(policy, f"{item}_from_minor", None)
        if figure is not None:
            yield Asked(item, figure)


def _items(rule: Provision) -> list[Item]:
    said = [*rule.terms.get("items", ()), *rule.terms.get("acts", ())]
    said = said or [rule.terms.get("rule", "")]
    return list(dict.fromkeys(i for text in said for i in WORDS.get(str(text), (Item.OTHER,))))


def address_wanted(place: Jurisdiction, on: dt.date) -> bool:
    """Say whether the law asks for a postal address, which not every card has on it."""
    rules = (rule for rule in place.of("identification", on) if rule.in_force(on) is not False)
    return any(ADDRESS in rule.terms.get("items", ()) for rule in rules)


def _free(rule: Provision) -> int:
    """Return the greatest sum that needs nothing; a figure that is not known is 0."""
    figure = rule.figures.get("minor", 0)
    return figure if rule.counts == "more than" else max(figure - 1, 0)


def _days(rule: Provision) -> int:
    window = rule.terms.get("window")
    if not isinstance(window, dict):
        return DAY
    return int(window.get("n", 1)) * UNIT_DAYS.get(str(window.get("unit", "day")), 366)


def unable(place: Jurisdiction, policy: Policy, on: dt.date) -> list[Asked]:
    """Return what is asked before any cash and cannot be taken: then nothing is sold."""
    return [one for one in asks(place, policy, on) if one.always and one.item in UNABLE]


def before_cash(place: Jurisdiction, policy: Policy, on: dt.date) -> list[Asked]:
    """Return what is asked before any cash, each thing once, the law's citation first."""
    found: dict[Item, Asked] = {}
    for one in asks(place, policy, on):
        if one.always and (one.item not in found or found[one.item].law is None):
            found[one.item] = one
    return list(found.values())


def stops(asked: Collection[Asked], sums: Mapping[int, int], have: Collection[str]) -> list[Asked]:
    """Return what stands in the way of sums (minor units, by days of their window)."""
    return [one for one in asked if one.item not in have and sums[one.days] > one.free_minor]


def room(asked: Collection[Asked], sums: Mapping[int, int], have: Collection[str]) -> int | None:
    """Return how much more cash may go in before more must be shown; None: no bound."""
    free = [one.free_minor - sums[one.days] for one in asked if one.item not in have]
    return max(min(free), 0) if free else None


def bounds(asked: Collection[Asked], sums: Mapping[int, int], have: Collection[str]) -> list[Asked]:
    """Return what must be shown for more than `room`."""
    most = room(asked, sums, have)
    left = [one for one in asked if one.item not in have]
    return [one for one in left if max(one.free_minor - sums[one.days], 0) == most]
