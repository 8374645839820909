"""Worked examples in plain words with the verdict they expect: what `tallystick law check` runs.

An example names its facts, or a person's purchases at moments of the kiosk's own clock, from
which the facts are reckoned as the server reckons them.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from tallystick.core.rulebook.ask import Facts, ask
from tallystick.core.rulebook.person import Paid, Person, facts_of
from tallystick.core.rulebook.place import LAW_FOLDER, Jurisdiction, LawUnreadable, load
from tallystick.core.rulebook.verdict import Verdict

EXAMPLES_FOLDER: Final = LAW_FOLDER / "examples"


@dataclass(frozen=True, slots=True)
class Checked:
    """One example and what came of it."""

    place: str
    say: str
    wrong: str
    """Empty when the verdict is the expected one."""


def check(folder: Path = EXAMPLES_FOLDER, law: Path = LAW_FOLDER) -> Iterator[Checked]:
    """Run every example; raise `LawUnreadable` for a file that does not say what it must."""
    for path in sorted(folder.glob("*.toml")):
        place = load(path.stem, law)
        try:
            examples = tomllib.loads(path.read_text("utf-8"))["example"]
            for example in examples:
                yield Checked(place.code, example["say"], _wrong(place, example))
        except (KeyError, TypeError, ValueError) as error:
            raise LawUnreadable(f"examples/{path.name}: {error!r}") from error


def _wrong(place: Jurisdiction, example: dict[str, Any]) -> str:
    """Return what differs from the expected verdict, or nothing."""
    if "known" in example:
        place = place.as_known(example["known"])
    facts, on = _facts(place, example)
    said = ask(place, example["ask"], facts, on)
    found = [
        f"{name}: {got!r}, not {example[name]!r}"
        for name, got in _of(said).items()
        if name in example and got != example[name]
    ]
    cited = {p.id for p in (*said.because, *said.must)}
    missing = sorted(set(example.get("by", ())) - cited)
    return "; ".join([*found, *(f"does not cite {name}" for name in missing)])


def _of(said: Verdict) -> dict[str, object]:
    return {"expect": said.answer.value, "left_minor": said.left_minor}


def _facts(place: Jurisdiction, example: dict[str, Any]) -> tuple[Facts, dt.date]:
    if "at" not in example:
        return example.get("facts", {}), example["on"]
    zone = ZoneInfo(place.zone)
    at = _moment(example["at"], zone)
    signed_up = example.get("signed_up")
    person = Person(
        [Paid(_moment(p["at"], zone), p["minor"]) for p in example.get("paid", ())],
        None if signed_up is None else _moment(signed_up, zone),
    )
    return facts_of(place, person, example["cash"], at), at.astimezone(zone).date()


def _moment(value: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Read a moment; one without an offset is by the kiosk's own clock."""
    return value if value.tzinfo else value.replace(tzinfo=zone)
