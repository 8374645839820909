"""Travel documents asked of a state: their steps and how long each took; losing papers is a fact.

No duration is assumed: none by country was found published, so each is what officials recorded
here. "Papers lost" needs evidence like any other fact, and is never presumed against a person.
"""

from __future__ import annotations

import datetime as dt
import enum
import itertools
import statistics
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.clock import new_id
from tallystick.core.store import Tx
from tallystick.hubs import record
from tallystick.hubs.cases import EVIDENCE_CHARS_MAX, may
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseIncomplete, PaperStep
from tallystick.hubs.model import Role
from tallystick.hubs.record import Case
from tallystick.hubs.tables import PAPERS

COUNTRY_CHARS: Final = 2
PAPERS_MAX: Final = 50
"""Applications in one case."""


class Paper(enum.StrEnum):
    """Where an application for a travel document is."""

    BEGUN = "begun"
    SENT = "sent"
    INTERVIEW = "interview"
    VERIFIED = "verified"
    ISSUED = "issued"
    DECLINED = "declined"
    LOST = "lost"
    EXPIRED = "expired"


NEXT: Final[Mapping[Paper, frozenset[Paper]]] = {
    Paper.BEGUN: frozenset({Paper.SENT, Paper.LOST}),
    Paper.SENT: frozenset({Paper.INTERVIEW, Paper.VERIFIED, Paper.ISSUED, Paper.DECLINED}),
    Paper.INTERVIEW: frozenset({Paper.VERIFIED, Paper.ISSUED, Paper.DECLINED}),
    Paper.VERIFIED: frozenset({Paper.ISSUED, Paper.DECLINED}),
    Paper.ISSUED: frozenset({Paper.LOST, Paper.EXPIRED}),
    Paper.DECLINED: frozenset({Paper.SENT}),
    Paper.LOST: frozenset({Paper.SENT}),
    Paper.EXPIRED: frozenset({Paper.SENT}),
}


def begin(tx: Tx, desk: Desk, case: str, country: str, evidence: str, by: str) -> str:
    """Begin an application to a state (ISO 3166-1 alpha-2); return its id."""
    held = record.locked(tx, case)
    may(tx, held, by, Role.CASEWORKER)
    _check(evidence)
    if len(country) != COUNTRY_CHARS or not country.isalpha() or not country.isupper():
        raise CaseIncomplete("a country is two capitals")
    if len(listed(tx, desk, held)) >= PAPERS_MAX:
        raise CaseIncomplete(f"there are {PAPERS_MAX} applications in this case already")
    one, now = new_id(desk.clock), desk.clock.now()
    steps = [{"state": Paper.BEGUN.value, "at": now.isoformat(), "evidence": evidence}]
    row = {"id": one, "case": held.id, "state": Paper.BEGUN.value, "begun_at": now, "moved_at": now}
    inside = _seal(tx, desk, held, one, {"country": country, "steps": steps})
    tx.execute(sa.insert(PAPERS).values(**row, sealed=inside))
    record.append(tx, desk, held, held, "paper", by, {"paper": one, "to": Paper.BEGUN.value})
    return one


def step(tx: Tx, desk: Desk, case: str, paper: str, to: Paper, evidence: str, by: str) -> None:
    """Record the next step of an application with its evidence; raise `PaperStep`."""
    held = record.locked(tx, case)
    may(tx, held, by, Role.CASEWORKER)
    _check(evidence)
    found = next((one for one in listed(tx, desk, held) if one["id"] == paper), None)
    if found is None:
        raise PaperStep(f"there is no application {paper[:26]} in case {held.reference}")
    if to not in NEXT[Paper(found["state"])]:
        raise PaperStep(f"an application that is {found['state']} cannot become {to}")
    now = desk.clock.now()
    steps = [*found["steps"], {"state": to.value, "at": now.isoformat(), "evidence": evidence}]
    inside = _seal(tx, desk, held, paper, {"country": found["country"], "steps": steps})
    change = {"state": to.value, "moved_at": now, "sealed": inside}
    tx.execute(sa.update(PAPERS).where(PAPERS.c.id == paper).values(**change))
    record.append(tx, desk, held, held, "paper", by, {"paper": paper, "to": to.value})


def listed(tx: Tx, desk: Desk, case: Case) -> list[dict[str, Any]]:
    """Return a case's applications, opened, the oldest first."""
    query = sa.select(PAPERS).where(PAPERS.c.case == case.id).order_by(PAPERS.c.id)
    found = []
    for row in tx.execute(query).mappings():
        inside = desk.vault.unseal(case.person, f"paper {row['id']}", row["sealed"])
        found.append({**row, **msgspec.json.decode(inside)})
    return found


def durations_days(steps: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many days an application spent in each state that it has left."""
    days: dict[str, int] = {}
    for one, following in itertools.pairwise(steps):
        spent = dt.datetime.fromisoformat(following["at"]) - dt.datetime.fromisoformat(one["at"])
        days[one["state"]] = days.get(one["state"], 0) + spent.days
    return days


def by_country(tx: Tx, desk: Desk, found: list[Case]) -> dict[str, dict[str, int]]:
    """Return, by country, how many applications there were and the median days until issued."""
    spent: dict[str, list[int]] = {}
    counts: dict[str, int] = {}
    for case in found:
        for paper in listed(tx, desk, case):
            counts[paper["country"]] = counts.get(paper["country"], 0) + 1
            if paper["steps"][-1]["state"] == Paper.ISSUED:
                days = sum(durations_days(paper["steps"]).values())
                spent.setdefault(paper["country"], []).append(days)
    return {
        country: {"applications": count, "issued": len(spent.get(country, ()))}
        | ({"median_days": int(statistics.median(spent[country]))} if country in spent else {})
        for country, count in sorted(counts.items())
    }


def _seal(tx: Tx, desk: Desk, case: Case, paper: str, content: Mapping[str, Any]) -> bytes:
    return desk.vault.seal(tx, case.person, f"paper {paper}", msgspec.json.encode(content))


def _check(evidence: str) -> None:
    if not 0 < len(evidence.strip()) <= EVIDENCE_CHARS_MAX:
        raise CaseIncomplete(f"say what shows it, in at most {EVIDENCE_CHARS_MAX} characters")
