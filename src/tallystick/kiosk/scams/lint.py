"""What no operator may set aside in a scam policy or its words, as a list of faults.

Each check stands on a requirement of the evidence: no age, no pause that does more than warn, no
answer that lowers, a hold for a first large purchase to an address without a history, and words
short and various enough. `policy.load` and `questions.load` refuse what has a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tallystick.core.money import ASSETS, BTC
from tallystick.kiosk.blocked import SHARED_DAYS_MAX
from tallystick.kiosk.scams.policy import PERSON, Policy, Step, minimum_step
from tallystick.kiosk.scams.questions import SCRIPTS, Bank, words_of
from tallystick.kiosk.scams.signals import (
    PACE,
    AddressListed,
    AddressNew,
    AddressStopped,
    FirstUse,
    Kind,
)

AGE: Final = re.compile(
    r"(^|[^a-z])(age|aged|ages|birth\w*|elder\w*|old|older|senior\w*|pension\w*|retire\w*|young\w*"
    r"|years?)([^a-z]|$)",
    re.I,
)
FLAG_DAYS_MIN: Final = 30
HOLD_SUM_MINOR_MAX: Final = 100_000
"""A policy sum above this would hold nothing where the law's own limit is near it."""
HOLD_HOURS_MAX: Final = 720
BY_PERSON: Final = ("romance", "investment")
"""Scripts whose victims pay for weeks: no timer ends their hold (requirement 18)."""

CONFIRMED_BY_MIN: Final = 2
"""One malicious stop must strike nobody else's address."""

WARNING_WORDS_MAX: Final = 40
BUTTON_WORDS_MIN: Final = 3
"""A button that says the act needs a verb and what happens to the cash; OK and Yes do not."""
WORDINGS_MIN: Final = 4
OPTIONS_MIN: Final = 5
OPTION_TEXTS_MIN: Final = 2
INNOCENT_MIN: Final = 2
"""Answers that sound well and do no harm, so that a coach cannot know by trying."""


def policy_faults(policy: Policy) -> list[str]:
    """Return what is wrong with a policy, one sentence each; empty for a good one."""
    own = [*_age(policy), *_pace(policy), *_held(policy), *_answers(policy), *_hours(policy)]
    return [*own, *_stops(policy)]


def _age(policy: Policy) -> Iterator[str]:
    named = [rule.say for rule in policy.rules]
    named += [word for pair in policy.answers for word in pair]
    for text in [*named, *policy.hold_hours]:
        if AGE.search(text):
            yield f"{text!r} speaks of age: nobody is stopped for how old they are"


def _pace(policy: Policy) -> Iterator[str]:
    for rule in policy.rules:
        of_pace = rule.signals & PACE and rule.signals - {Kind.FIRST_USE} <= PACE
        if of_pace and rule.step > Step.WARNING:
            named = " and ".join(sorted(rule.signals))
            yield f"{named} gives {rule.step.word}: pace alone gives a warning at most"


def _held(policy: Policy) -> Iterator[str]:
    if policy.flag_days < FLAG_DAYS_MIN:
        yield f"a flag stands for {FLAG_DAYS_MIN} days or more, not {policy.flag_days}"
    if minimum_step([AddressListed("own")], policy) < Step.REFUSE:
        yield "an address on the list of blocked destinations is not refused"
    for code in ASSETS:
        most = policy.hold_sum_minor.get(code, 0)
        if most > HOLD_SUM_MINOR_MAX:
            yield f"the policy sum in {code} is {most}; at most {HOLD_SUM_MINOR_MAX}"
        first = minimum_step([FirstUse(), AddressNew(most + 1, code)], policy)
        later = minimum_step([AddressNew(most + 1, code)], policy)
        if code != BTC.code and min(first, later) < Step.HOLD:
            yield f"a first purchase above {most} {code} to an address never seen is not held"


def _answers(policy: Policy) -> Iterator[str]:
    if policy.unknown_answer < Step.HOLD:
        yield "an answer that the policy does not name is not held"
    for question in sorted({question for question, _ in policy.answers}):
        steps = [step for (asked, _), step in policy.answers.items() if asked == question]
        if max(steps) < Step.HOLD:
            yield f"no answer to {question!r} raises to a hold: it is asked for nothing"
        if sum(step <= Step.QUESTIONS for step in steps) < INNOCENT_MIN:
            yield f"{question!r} has fewer than {INNOCENT_MIN} answers after which nothing follows"


def _hours(policy: Policy) -> Iterator[str]:
    if "default" not in policy.hold_hours:
        yield "hold_hours has no default"
    for script, hours in policy.hold_hours.items():
        if script not in (*SCRIPTS, "default"):
            yield f"hold_hours names no script {script!r}"
        if isinstance(hours, int) and not 1 <= hours <= HOLD_HOURS_MAX:
            yield f"a hold of {hours} hours for {script}; from 1 to {HOLD_HOURS_MAX}"
    for script in BY_PERSON:
        if policy.hold_hours.get(script) != PERSON:
            yield f"a hold for {script} is released by a timer; a person must"


def _stops(policy: Policy) -> Iterator[str]:
    stops = policy.stops
    if not 1 <= stops.days <= SHARED_DAYS_MAX:
        yield f"a stop lists its address for {stops.days} days; from 1 to {SHARED_DAYS_MAX}"
    if stops.step < Step.HOLD:
        yield f"a stop lists its address from {stops.step.word} on: that may be a change of mind"
    if stops.confirmed_by < CONFIRMED_BY_MIN:
        yield f"{stops.confirmed_by} stops forbid an address to everybody; one is one person's word"
    if minimum_step([AddressStopped()], policy) < Step.HOLD:
        yield "an address for which somebody stopped is not held"


def bank_faults(bank: Bank, policy: Policy) -> list[str]:
    """Return what is wrong with a language's words under a policy; empty for good ones."""
    faults = [*_warnings(bank), *_questions(bank, policy), *_hold(bank)]
    return [f"{bank.language}: {fault}" for fault in faults]


def _warnings(bank: Bank) -> Iterator[str]:
    for script in sorted(set(SCRIPTS) ^ set(bank.warnings)):
        yield f"a warning for {script} is missing, or no such script is known"
    for script, text in bank.warnings.items():
        if len(words_of(text)) > WARNING_WORDS_MAX:
            found = len(words_of(text))
            yield f"the warning for {script} has {found} words; at most {WARNING_WORDS_MAX}"
    for button in (bank.stop, bank.go_on):
        if len(words_of(button)) < BUTTON_WORDS_MIN:
            yield f"the button {button!r} does not say the act"


def _questions(bank: Bank, policy: Policy) -> Iterator[str]:
    shown = {(q.id, option) for q in bank.questions for option in q.options}
    for question, option in sorted(shown ^ set(policy.answers)):
        yield f"{question}.{option} is in the words or in the policy, not in both"
    for q in bank.questions:
        if len(set(q.wordings)) < WORDINGS_MIN:
            yield f"{q.id} has {len(set(q.wordings))} wordings; at least {WORDINGS_MIN}"
        if len(q.options) < OPTIONS_MIN:
            yield f"{q.id} has {len(q.options)} options; at least {OPTIONS_MIN}"
        for option, texts in q.options.items():
            if len(set(texts)) < OPTION_TEXTS_MIN:
                yield f"{q.id}.{option} has one text; at least {OPTION_TEXTS_MIN}"


def _hold(bank: Bank) -> Iterator[str]:
    text = f"{bank.hold_title} {bank.hold_text}".casefold()
    if len(words_of(text)) > WARNING_WORDS_MAX:
        yield f"the hold screen has {len(words_of(text))} words; at most {WARNING_WORDS_MAX}"
    if not bank.hold_never:
        yield "the hold screen names no words that it must not say"
    for word in bank.hold_never:
        if word.casefold() in text:
            yield f"the hold screen says {word!r}, which tells what triggered it"
    if re.search(r"[{}%<>]", text):
        yield "the hold screen has room for a word of the moment; it is the same for all"
