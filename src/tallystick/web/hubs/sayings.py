"""What the hubs console calls things: states, answers, steps, roles; neutral words about steps.

A code name that has no words here is shown as it is, never hidden. No word labels a person.
"""

from __future__ import annotations

from typing import Final

from tallystick.hubs.model import EVENTS, Alarm
from tallystick.web.console.sayings import Said

STATES: Final[dict[str, Said]] = {
    "refused": Said("Refused", "off", "the end of the time to appeal"),
    "appeal": Said("Appeal", "wait", "the tribunal"),
    "submissions": Said("Submissions", "wait", "a decision on them"),
    "review": Said("In review", "off", "what the gates ask for"),
    "eligible": Said("Eligible", "wait", "a place"),
    "placed": Said("Placed", "wait", "the notice"),
    "notice": Said("Notice served", "wait", "the end of the notice"),
    "ready": Said("Ready", "care", "the door, where all is asked again"),
    "transferred": Said("Transferred", "off", "arrival"),
    "stay": Said("In the hub", "off", "what follows the stay"),
    "brought_back": Said("Brought back", "off", "a review"),
    "out_of_contact": Said("Out of contact", "off", "contact"),
    "released": Said("Released", "off"),
    "returned": Said("Went on", "off"),
    "departed": Said("Left by choice", "off"),
    "granted": Said("Granted leave", "good"),
    "died": Said("Died", "off"),
}
ANSWERS: Final[dict[str, Said]] = {
    "pass": Said("Passes", "good"),
    "hold": Said("Holds", "wait"),
    "unknown": Said("Not known", "care"),
    "refuse": Said("Refuses", "stop"),
}
STEPS: Final[dict[str, str]] = {
    "opened": "Case opened",
    "fact": "Facts recorded",
    "settled": "Moved by what is pending",
    "stopped": "Stopped by a gate",
    "refused": "Step refused by a gate",
    "proposed": "Transfer proposed to the officials",
    "approved": "Approved by an official",
    "vetoed": "Stopped by an official",
    "eligible": "Eligible: two officials agree and every gate passes",
    "placed": "Place reserved",
    "notice": "Notice served",
    "ready": "Every gate passed on the eve",
    "transferred": "Transferred: every gate passed at the door",
    "order": "An order was recorded; nothing changed",
    "assigned": "Assigned",
    "paper": "Travel document",
    "family_parted": "The family is apart: how they will be together again is to be answered",
    "family_together": "The question about the family ended",
    "family_late": "The day passed by which the question about the family was to be answered",
    **{kind: event.say.rstrip(".") for kind, event in EVENTS.items()},
}
ROLES: Final = {
    "hubs.caseworker": "caseworker",
    "hubs.official": "deciding official",
    "hubs.independent": "independent official",
    "hubs.monitor": "monitor",
    "hubs.lawyer": "lawyer",
}
ALARMS: Final = {
    Alarm.ORDER.value: "An order was given against the gates",
    Alarm.DEATH.value: "A person died",
    Alarm.FORCE.value: "Force was used",
    Alarm.COMPLAINT.value: "A complaint",
    Alarm.AFTER_TRANSFER.value: "A bar showed up after a transfer",
    Alarm.BREACH.value: "A breach of the agreement",
    Alarm.PARTED.value: "A family was parted",
}
STATUSES: Final[dict[str, Said]] = {
    "reported": Said("Reported", "off"),
    "in-talks": Said("In talks", "off"),
    "declined": Said("Declined", "stop"),
    "signed": Said("Signed", "wait"),
    "in-force": Said("In force", "good"),
    "suspended": Said("Suspended", "stop"),
    "ended": Said("Ended", "off"),
    "": Said("Nothing claimed", "off"),
}
PLACES: Final[dict[str, Said]] = {
    "place": Said("A lawful place today", "good"),
    "waits": Said("A place is kept", "wait"),
    "none": Said("No lawful place", "off"),
}
CLOSED: Final = {"no-ceiling": "in force, but no ceiling is on record"}
TERMS: Final = {
    "term.kind": "Kind",
    "term.ceiling_day": "Most in a day",
    "term.ceiling_total": "Most in all",
    "term.languages": "Languages of its interpreters, by their codes",
    "term.care": "Care that it gives",
    "term.conditions": "Conditions",
    "term.excluded": "Excluded",
    "term.obligations": "Obligations",
    "term.monitor": "Monitor",
    "term.text_hash": "Hash of the text",
    "term.note": "Note",
}
MARKS: Final = {
    "T": "Read in the source named",
    "C": "Computed from a published file",
    "M": "Not verified by anybody for this file",
}
