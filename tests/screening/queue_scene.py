"""An operator with customers in a real vault, officers of compliance, and lists taken in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec

from tallystick.core.clock import SeededClock, new_id
from tallystick.core.effects import Worker
from tallystick.core.identity import grants, people
from tallystick.core.store import Store, Tx
from tallystick.core.vault import Vault
from tallystick.kiosk.screening import hits, lists, screen
from tallystick.kiosk.screening.entry import Alias, Born, Entry, Kind, Published
from tallystick.kiosk.screening.index import Subject
from tallystick.kiosk.screening.lists import Change, Lists
from tallystick.kiosk.screening.model import ROLE, State
from tallystick.kiosk.screening.policy import load

DAY = dt.date(1971, 4, 3)
LISTED = "Karim Salih al-Sampli"


def entry(number: str, name: str, born: dt.date | None = DAY, **more: object) -> Entry:
    dates = (Born(born, born),) if born else ()
    return msgspec.structs.replace(
        Entry("ofac", number, Kind.PERSON, (Alias(name),), dates), **more
    )


class Roll:
    """Customers' names, in the vault; each read is written down first."""

    def __init__(self, vault: Vault) -> None:
        self.vault, self.records = vault, dict[str, str]()

    def persons(self, tx: Tx, after: str, limit: int) -> list[str]:
        return [person for person in sorted(self.records) if person > after][:limit]

    def subject(self, store: Store, person: str, who: str, why: str) -> Subject | None:
        opened = self.vault.read(store, self.records[person], who, why)
        name, born = msgspec.json.decode(opened.content, type=tuple[str, dt.date])
        return Subject((name,), (Born(born, born),))


class Scene:
    """One operator; each call is one step in one transaction."""

    def __init__(self, store: Store, clock: SeededClock, folder: Path) -> None:
        self.store, self.clock = store, clock
        self.vault = Vault(folder / "vault", clock)
        self.roll = Roll(self.vault)
        self.policy = load()
        self.screening = screen.Screening(clock, Lists(self.policy))
        self.handler = screen.Rescreening(store, self.screening, self.roll)
        self.worker = Worker(store, [self.handler], clock)
        self.ada, self.eve = self.officer("Ada Okafor"), self.officer("Eve Example")

    def officer(self, name: str, *roles: str) -> str:
        with self.store.transact() as tx:
            token = people.invite(tx, name, people.Role.OFFICIAL, self.clock.now(), self.clock)
            made = people.spend_invite(tx, token, self.clock.now()).id
            for role in roles or (ROLE,):
                grants.grant(tx, self.clock, made, role)
        return made

    def take_in(self, *entries: Entry, shrinks: bool = False, name: str = "ofac") -> Change:
        found = Published(name, "made", None, "0" * 64, tuple(entries))
        with self.store.transact() as tx:
            change = lists.take_in(tx, self.clock, found, "Ada Okafor", shrinks=shrinks)
            screen.rescreen(tx, self.clock, change)
        self.clock.advance(1)
        return change

    def customer(self, name: str, born: dt.date = DAY) -> str:
        """Identify a customer: their name goes to the vault and is screened."""
        person = new_id(self.clock)
        with self.store.transact() as tx:
            content = msgspec.json.encode((name, born))
            self.roll.records[person] = self.vault.put(tx, person, "name", content, "kiosk")
            subject = Subject((name,), (Born(born, born),))
            self.screening.person(tx, person, subject)
        return person

    def hit_of(self, person: str) -> str:
        with self.store.read() as tx:
            return hits.standing(tx, person).holding[0]

    def clear(self, person: str) -> bool:
        with self.store.read() as tx:
            return hits.standing(tx, person).clear

    def state(self, hit: str) -> State:
        with self.store.read() as tx:
            return State(hits.find(tx, hit)["state"])

    def propose(self, hit: str, by: str, ground: str = "another-document") -> None:
        with self.store.transact() as tx:
            hits.propose(tx, self.clock, self.policy, hit, ground, "vault 12", by)

    def approve(self, hit: str, by: str) -> State:
        with self.store.transact() as tx:
            return hits.approve(tx, self.clock, hit, by, "seen")

    def work(self) -> int:
        done = 0
        while some := self.worker.step():
            done += some
        return done
