"""Which step comes for which signals and answers: data, read strictly, and only ever raising.

A policy names rules (signals that must all be there, a sum, a step) and answers (a step). The
step of a purchase is the highest that any rule gives, then the highest that any answer gives, and
for thirty days after a flag the flag's: there is no way to write one that lowers (requirements 1,
8 and 14). What no operator may set aside is in `lint.py`, and `load` asks it.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from tallystick.core.money import ASSETS
from tallystick.kiosk.scams.errors import PolicyRefused
from tallystick.kiosk.scams.signals import AboveHistory, AddressNew, Kind, Signal, Thresholds

DEFAULT: Final = Path(__file__).parent / "policy.toml"
POLICY_BYTES_MAX: Final = 100_000
PERSON: Final = "person"
"""In place of hours: a person releases the hold, no timer."""
TOP: Final = frozenset(
    {
        "version",
        "flag_days",
        "hold_sum_minor",
        "unknown_answer",
        "thresholds",
        "rule",
        "answers",
        "hold_hours",
        "stops",
    }
)
RULE: Final = frozenset({"signals", "step", "above_sum", "say"})


class Step(enum.IntEnum):
    """What is done, in rising order."""

    NONE = 0
    WARNING = 1
    QUESTIONS = 2
    HOLD = 3
    CALL_BACK = 4
    REFUSE = 5

    @property
    def word(self) -> str:
        """The step as policies and records write it: ``call-back``."""
        return self.name.lower().replace("_", "-")


STEPS: Final = {step.word: step for step in Step}


@dataclass(frozen=True, slots=True)
class Rule:
    """When all these signals are there, at least this step."""

    signals: frozenset[Kind]
    step: Step
    above_sum: bool = False
    """Only when more than the policy sum of the purchase's currency is at stake."""
    say: str = ""


@dataclass(frozen=True, slots=True)
class Stops:
    """When a stop lists its own address, and what then happens to others who pay there."""

    days: int = 30
    """For how long; the entry ends by itself."""
    step: Step = Step.HOLD
    """From which step on. A purchase that was only warned about may be stopped for any reason."""
    help: bool = True
    """Whether a silent call for help lists too, whatever the step."""
    confirmed_by: int = 2
    """Known customers who stopped, each another person, from which nothing is sent there at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One version of the policy. ``digest`` names its exact bytes in every record."""

    version: str
    """The file's own name for itself, such as its date."""
    digest: str
    """SHA-256 of the file's bytes, in hex."""
    flag_days: int
    """For how many days a flag keeps its step for the person or address."""
    hold_sum_minor: Mapping[str, int]
    """By currency: above this, a first purchase to a new address is held."""
    thresholds: Thresholds
    """The figures from which each signal counts."""
    rules: tuple[Rule, ...]
    """Which signals give which step; the highest counts."""
    answers: Mapping[tuple[str, str], Step]
    """By question and option."""
    unknown_answer: Step
    """For an answer that the policy does not name: what is not known is never let through."""
    hold_hours: Mapping[str, int | str]
    """By script, and ``default``; ``person`` where no timer may release."""
    stops: Stops = Stops()
    """What a stop does to its address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a customer touched: a question's id and an option's."""

    question: str
    option: str


def minimum_step(signals: Iterable[Signal], policy: Policy) -> Step:
    """Return the least step before any answer: the highest of the rules that the signals meet."""
    seen = list(signals)
    kinds = frozenset(signal.kind for signal in seen)
    over = any(_over(signal, policy) for signal in seen)
    met = (r.step for r in policy.rules if r.signals <= kinds and (over or not r.above_sum))
    return max(met, default=Step.NONE)


def _over(signal: Signal, policy: Policy) -> bool:
    """Say whether more than the policy sum is at stake; a currency without a sum has none left."""
    if isinstance(signal, AddressNew):
        return signal.sum_minor > policy.hold_sum_minor.get(signal.currency, 0)
    if isinstance(signal, AboveHistory):
        return signal.today_minor > policy.hold_sum_minor.get(signal.currency, 0)
    return False


def after_answers(step: Step, answers: Iterable[Answer], policy: Policy) -> Step:
    """Return the step after these answers: never lower than before, whatever they are."""
    given = (policy.answers.get((a.question, a.option), policy.unknown_answer) for a in answers)
    return max([step, *given])


def standing(
    step: Step, flags: Iterable[tuple[Step, dt.datetime]], policy: Policy, now: dt.datetime
) -> Step:
    """Return the step, held up by each flag of the person or address of the last days.

    A flag is the step that signals and answers gave then, without what stood from before.
    """
    since = now - dt.timedelta(days=policy.flag_days)
    return max([step, *(flag for flag, at in flags if at > since)])


def hold_hours(policy: Policy, script: str) -> int | None:
    """Return how long a hold lasts; None: until a person releases it. Unknown: the default."""
    hours = policy.hold_hours.get(script, policy.hold_hours["default"])
    return hours if isinstance(hours, int) else None


def may_call_back(enrolled_at: dt.datetime, flagged_at: dt.datetime) -> bool:
    """Say whether a call back may go to a number: only one enrolled before the flag."""
    return enrolled_at < flagged_at


def load(path: Path = DEFAULT) -> Policy:
    """Read a policy file and hold it to the linter; raise `PolicyRefused` naming each fault."""
    from tallystick.kiosk.scams import lint

    policy = read(path.read_bytes())
    faults = lint.policy_faults(policy)
    if faults:
        raise PolicyRefused("; ".join(faults))
    return policy


@functools.cache
def shipped() -> Policy:
    """Return the policy that comes with this version."""
    return load()


def read(raw: bytes) -> Policy:
    """Read a policy strictly: a word that this reader does not know refuses the whole file."""
    if len(raw) > POLICY_BYTES_MAX:
        raise PolicyRefused(f"a policy of {len(raw)} bytes; at most {POLICY_BYTES_MAX}")
    try:
        told = tomllib.loads(raw.decode())
        _only("the policy", told, TOP)
        return Policy(
            version=str(told["version"]),
            digest=hashlib.sha256(raw).hexdigest(),
            flag_days=_whole("flag_days", told["flag_days"]),
            hold_sum_minor=_sums(told["hold_sum_minor"]),
            thresholds=_thresholds(told["thresholds"]),
            rules=tuple(map(_rule, told["rule"])),
            answers=_answers(told["answers"]),
            unknown_answer=_step(told["unknown_answer"]),
            hold_hours=_hours(told["hold_hours"]),
            stops=_stops(told.get("stops", {})),
        )
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise PolicyRefused(f"not a policy: {error!r}") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused(f"not a policy: {error}") from error


def _only(where: str, told: Mapping[str, Any], known: frozenset[str]) -> None:
    strange = sorted(set(told) - known)
    if strange:
        raise PolicyRefused(
            f"{where} knows no {', '.join(strange)}: signals of the scene and answers may raise a "
            "step, and nothing else bears on it"
        )


def _whole(name: str, value: object) -> int:
    if type(value) is not int or value < 0:
        raise PolicyRefused(f"{name} is a whole number, not {value!r}")
    return value


def _step(word: object) -> Step:
    if word not in STEPS:
        raise PolicyRefused(f"{word!r} is no step; a step is one of {', '.join(STEPS)}")
    return STEPS[str(word)]


def _sums(told: Mapping[str, object]) -> dict[str, int]:
    _only("hold_sum_minor", told, frozenset(ASSETS))
    return {code: _whole(code, minor) for code, minor in told.items()}


def _thresholds(told: Mapping[str, object]) -> Thresholds:
    names = [field.name for field in fields(Thresholds)]
    _only("thresholds", told, frozenset(names))
    return Thresholds(**{name: _whole(name, told[name]) for name in names})


def _rule(told: Mapping[str, Any]) -> Rule:
    _only("a rule", told, RULE)
    signals: Sequence[str] = told["signals"]
    strange = sorted(set(signals) - set(Kind))
    if strange or not signals:
        raise PolicyRefused(f"a rule counts no {', '.join(strange) or 'signal'}; see signals.py")
    above = told.get("above_sum", False)
    kinds = frozenset(map(Kind, signals))
    return Rule(kinds, _step(told["step"]), above is True, str(told.get("say", "")))


def _answers(told: Mapping[str, Mapping[str, object]]) -> dict[tuple[str, str], Step]:
    return {
        (question, option): _step(step)
        for question, options in told.items()
        for option, step in options.items()
    }


def _stops(told: Mapping[str, object]) -> Stops:
    plain = Stops()
    _only("stops", told, frozenset(field.name for field in fields(Stops)))
    return Stops(
        days=_whole("stops.days", told.get("days", plain.days)),
        step=_step(told.get("step", plain.step.word)),
        help=told.get("help", plain.help) is True,
        confirmed_by=_whole("stops.confirmed_by", told.get("confirmed_by", plain.confirmed_by)),
    )


def _hours(told: Mapping[str, object]) -> dict[str, int | str]:
    return {
        script: PERSON if hours == PERSON else _whole(script, hours)
        for script, hours in told.items()
    }
