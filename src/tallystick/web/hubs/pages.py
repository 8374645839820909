"""What each page of the hubs console shows, read from one snapshot; no page keeps words of its own.

The verdict is the same for whoever may look: caseworker, officials, the person's lawyer, the
monitor.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from tallystick import look
from tallystick.core import approvals
from tallystick.core.store import Store, Tx
from tallystick.core.vault.errors import VaultError
from tallystick.hubs import (
    agreements,
    asking,
    clocks,
    documents,
    family,
    gates,
    law,
    needs,
    queries,
    record,
)
from tallystick.hubs.cases import Identity
from tallystick.hubs.claims import TERMS
from tallystick.hubs.desk import Desk
from tallystick.hubs.law import Answer, FactKind, Stage
from tallystick.hubs.model import BY_LAWYER, EVENTS, State
from tallystick.hubs.record import Case
from tallystick.hubs.working_days import Country
from tallystick.web.hubs import places, sayings
from tallystick.web.hubs.who import Actor

MAP: Final = Path(look.__file__).parent / "maps" / "hosts.json"
ROUTE: Final = ("review", "eligible", "placed", "notice", "ready", "transferred")
"""The states on the way to a transfer, in order, for the drawing."""
HISTORY_SHOWN: Final = 60
BOARD_MAX: Final = 100
"""Cases on one page, those that moved last; the others by state, or by reference."""
SETS_SHOWN: Final = 5
TOLD: Final = ("evidence", "note", "reason", "words", "given_by", "planned_on")
"""What a step of the history shows of its content, beside facts and gates."""
UNKNOWN_OPEN_MAX: Final = 6
"""More gates than this that are not known are folded: a new case has nothing but those."""
ORDER: Final = ("in-force", "signed", "suspended", "in-talks", "reported", "declined", "ended", "")


@functools.cache
def hosts_map() -> dict[str, Any]:
    """Return the map of hosts: its box, and each country's code and outline."""
    found: dict[str, Any] = json.loads(MAP.read_text("utf-8"))
    return found


def identity(store: Store, desk: Desk, case: Case, who: str, why: str) -> Identity | None:
    """Return who the person is, once the vault has written down who asked and why."""
    try:
        opened = desk.vault.read(store, case.identity, who, why)
    except VaultError:
        return None
    return msgspec.json.decode(opened.content, type=Identity)


def board(tx: Tx, desk: Desk, actor: Actor, state: str) -> dict[str, Any]:
    """Return the list of cases with what each waits for, and how many are in each state."""
    found = queries.listed(tx, state, actor.client_of, BOARD_MAX)
    rows, books = [], dict[str, agreements.Book]()
    for case in found:
        silent = case.state in ENDED or record.erased(desk, case)
        answers = () if silent else asking.ask(tx, desk, case, books=books)
        clocks = queries.clocks(answers)
        rows.append(
            {
                "case": case,
                "said": sayings.STATES[case.state.value],
                "counts": _counts(answers),
                "next": clocks[0] if clocks else None,
            }
        )
    return {
        "rows": rows,
        "state": state,
        "counts": queries.counts(tx, actor.client_of),
        "most": BOARD_MAX,
        "parted": [d for d in family.open_duties(tx, desk) if _sees(tx, actor, d)],
        "today": desk.today(),
        "overstaying": [c for c in queries.overstaying(tx, desk.today()) if actor.may_see(c)],
    }


def _sees(tx: Tx, actor: Actor, duty: family.Duty) -> bool:
    """Say whether somebody may see either of two cases of a family that is apart."""
    return any(actor.may_see(record.find(tx, ref)) for ref in (duty.case, duty.other))


ENDED: Final = frozenset({State.DIED, State.GRANTED, State.DEPARTED})


def _counts(answers: tuple[gates.GateAnswer, ...]) -> dict[str, int]:
    found = dict.fromkeys((one.word for one in Answer), 0)
    for one in answers:
        found[one.answer.word] += 1
    return found


def case_page(tx: Tx, desk: Desk, actor: Actor, case: Case) -> dict[str, Any]:
    """Return a case with its gates, clocks, history, approvals and travel documents."""
    facts = record.facts(tx, desk, case)
    answers = asking.ask(tx, desk, case, facts=facts)
    history = record.history(tx, desk, case)
    return {
        "case": case,
        "said": sayings.STATES[case.state.value],
        "route": [(name, sayings.STATES[name]) for name in ROUTE],
        "reached": ROUTE.index(case.state.value) if case.state.value in ROUTE else -1,
        "answers": answers,
        "against": gates.stopping(answers),
        "passing": [one for one in answers if one.answer is Answer.PASS],
        "permitted": gates.permits(answers),
        "clocks": queries.clocks(answers),
        "history": [_step(one) for one in reversed(history[-HISTORY_SHOWN:])],
        "whole": all(one.opens for one in history),
        "last": _last(history),
        "papers": documents.listed(tx, desk, case),
        "paper_next": {str(state): sorted(to) for state, to in documents.NEXT.items()},
        "host": agreements.find(tx, case.host) if case.host else None,
        "choices": hosts_for(tx, desk, case) if case.state is State.REVIEW else [],
        "place_found": places.of_case(tx, desk, case),
        "agreed": _agreed(tx, desk, case),
        "mine": case.caseworker == actor.id,
        "events": events_for(actor, case),
        "unknown_open_max": UNKNOWN_OPEN_MAX,
        "parted": family.standing(tx, desk, case),
        "today": desk.today(),
    }


def hosts_for(tx: Tx, desk: Desk, case: Case) -> list[dict[str, Any]]:
    """Return, for each agreement of the sender, what would stop a proposal under it today.

    Only what turns on the agreement or its country is named: the rest is the same for all of them.
    """
    facts, books = record.facts(tx, desk, case), dict[str, agreements.Book]()
    found = []
    for one in agreements.listed(tx, case.sender):
        meant = replace(case, host=one.id)
        answers = asking.ask(tx, desk, meant, Stage.ELIGIBILITY, facts, books=books)
        against = gates.stopping(answers)
        own = [answer for answer in against if _is_of_host(answer)]
        found.append({"agreement": one, "against": against, "own": own})
    return sorted(found, key=lambda row: (len(row["against"]), row["agreement"].name))


def _is_of_host(answer: gates.GateAnswer) -> bool:
    """Say whether a gate asks for anything of the agreement or the country."""
    return any(_of(name) != "person" for one in answer.reasons for name in one.test.facts)


def _step(one: record.Event) -> dict[str, Any]:
    content = one.content
    said = _sets(content.get("sets", {}))
    said += [f"{item['gate']} {item['answer']}" for item in content.get("gates", ())]
    said += list(content.get("why", ()))
    for name in ("with", "due", "how", *TOLD):
        if told := content.get(name):
            said.append(", ".join(told) if isinstance(told, list) else str(told))
    if content.get("role"):
        said.append(sayings.ROLES.get(content["role"], content["role"]))
    return {
        "event": one,
        "what": sayings.STEPS.get(one.kind, one.kind),
        "detail": "; ".join(said),
    }


def _sets(sets: Mapping[str, str]) -> list[str]:
    """Return a few of the facts that a step set, in words, and how many more there were."""
    words = {"True": "yes", "False": "no"}
    shown = [f"{name}: {words.get(value, value)}" for name, value in sets.items()]
    more = len(shown) - SETS_SHOWN
    return shown if more <= 1 else [*shown[:SETS_SHOWN], f"and {more} more facts"]


def _last(history: list[record.Event]) -> dict[str, Any] | None:
    """Return the last step if it was refused or stopped: what the page says first."""
    steps = [one for one in history if one.kind not in ("fact", *family.KINDS)]
    if not steps or steps[-1].kind not in ("refused", "stopped"):
        return None
    last = steps[-1]
    cause = steps[-2] if last.kind == "stopped" and len(steps) > 1 else last
    return {
        "kind": last.kind,
        "at": last.at,
        "gates": last.content.get("gates", ()),
        "why": last.content.get("why", ()),
        "wanted": sayings.STEPS.get(str(last.content.get("wanted", "")), ""),
        "cause": sayings.STEPS.get(cause.kind, cause.kind),
    }


def _agreed(tx: Tx, desk: Desk, case: Case) -> dict[str, Any] | None:
    if not case.proposal:
        return None
    status = approvals.status(tx, case.proposal, desk.clock.now())
    return {
        "stage": status.stage.value,
        "given": [sayings.ROLES.get(one.role, one.role) for one in status.counted],
        "missing": [sayings.ROLES.get(role, role) for role in status.missing],
        "people": {one.person for one in status.counted},
        "digest": case.digest,
    }


def events_for(actor: Actor, case: Case) -> list[tuple[str, str]]:
    """Return the events that somebody may record in a case, in words."""
    if actor.has("caseworker"):
        kinds = list(EVENTS)
    elif actor.has("lawyer") and case.lawyer == actor.id:
        kinds = [kind for kind in EVENTS if kind in BY_LAWYER]
    else:
        return []
    return [(kind, EVENTS[kind].say) for kind in kinds]


def facts_page(tx: Tx, desk: Desk, case: Case) -> dict[str, Any]:
    """Return every fact that gates ask of a person, with what is on record."""
    held, today = record.facts(tx, desk, case), desk.today()
    wanted = dict.fromkeys(
        name
        for gate in desk.law(tx, case.sender).at(today, today)
        for test in gate.tests
        for name in (*test.facts, test.until)
        if name
    )
    kinds = [law.known_facts()[name] for name in (*wanted, *needs.ALL)]
    rows = [
        {
            "kind": kind,
            "fact": held.get(kind.name),
            "counts": kind.name in held and held[kind.name].counts(kind, today, today),
        }
        for kind in kinds
        if kind.of == "person"
    ]
    return {"case": case, "rows": rows, "say_value": say_value}


def fact_page(case: Case, name: str) -> dict[str, Any] | None:
    """Return the form of one fact, or None where no gate asks for it of a person."""
    kind = law.known_facts().get(name)
    if kind is None or kind.of != "person":
        return None
    stages = clocks.stages_for(name) if name in clocks.RECKONED else []
    return {"case": case, "kind": kind, "stages": stages, "countries": list(Country)}


def event_page(actor: Actor, case: Case, kind: str) -> dict[str, Any] | None:
    """Return the form of one event, or None where this person records none of that kind."""
    if kind not in dict(events_for(actor, case)):
        return None
    event = EVENTS[kind]
    asked = law.known_facts().get(event.day)
    return {"case": case, "kind": kind, "event": event, "asked": asked}


def say_value(value: object) -> str:
    """Return a fact's value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%d %B %Y}".lstrip("0") if isinstance(value, dt.date) else str(value)


def ask_of(name: str) -> str:
    """Return the question that a fact answers."""
    return law.known_facts()[name].ask


def agreements_page(tx: Tx, desk: Desk) -> dict[str, Any]:
    """Return the board of agreements, those in force first, and the map."""
    rows = agreements.board(tx, desk)
    rows.sort(key=lambda row: (ORDER.index(row["status"]), row["agreement"].name))
    by_country: dict[str, str] = {}
    for row in reversed(rows):
        by_country[row["agreement"].country] = row["status"]
    return {
        "rows": rows,
        "map": hosts_map(),
        "by_country": by_country,
        "used": [name for name in ORDER if name in set(by_country.values())],
        "say_value": say_value,
    }


def agreement_page(tx: Tx, desk: Desk, one: str) -> dict[str, Any]:
    """Return one agreement: what gates ask of it, its terms, its history, its host's evidence."""
    found = agreements.find(tx, one)
    today = desk.today()
    held = agreements.book(tx, found, today)
    row = next(r for r in agreements.board(tx, desk) if r["agreement"].id == found.id)
    answers = [
        answer
        for answer in gates.ask(
            desk.law(tx, found.sender),
            {},
            agreements.facts(tx, desk, held),
            held.country,
            today,
            today,
            Stage.DOOR,
        )
        if not any(_of(name) == "person" for r in answer.reasons for name in r.test.facts)
    ]
    return {
        "row": row,
        "found": found,
        "answers": answers,
        "host_names": _names("country"),
        "names": [*_names("agreement"), *((name, sayings.TERMS[name]) for name in TERMS)],
        "say_value": say_value,
    }


def _of(name: str) -> str:
    return law.known_facts()[name].of


def _names(of: str) -> list[tuple[str, str]]:
    return [(k.name, k.ask) for k in law.known_facts().values() if k.of == of]


def gates_page(tx: Tx, desk: Desk, sender: str) -> dict[str, Any]:
    """Return a sender's gates in force today, by file."""
    today = desk.today()
    found = desk.law(tx, sender).at(today, today)
    layers: dict[str, list[law.Gate]] = {}
    for gate in found:
        layers.setdefault(gate.layer, []).append(gate)
    return {
        "sender": sender,
        "layers": {law.layer_name(code): items for code, items in layers.items()},
        "open": [gate for gate in found if not gate.verified],
        "today": today,
    }


def read_value(kind: FactKind | None, text: str) -> law.Value:
    """Read what a form sent: yes or no, a day, a whole number, or a word."""
    if kind is not None and kind.kind == "yes-no":
        return {"yes": True, "no": False}.get(text, text)
    try:
        if kind is not None and kind.kind == "day":
            return dt.date.fromisoformat(text)
        return int(text)
    except ValueError:
        return text
