"""Warnings and questions as a customer sees them, in five languages, dealt by chance from a seed.

Questions are about the scene (who chose this machine, who sent the code, who listens, who told
you what to say), never about intent or whose wallet it is. Order, wording and options change with
the seed; nothing is selected before, nothing is spoken aloud, and the screen of a hold is one
text for all, so that a coach learns nothing (requirements 2 to 5 and 13).
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tallystick.kiosk.scams.chance import Deal
from tallystick.kiosk.scams.errors import WordsRefused
from tallystick.kiosk.scams.policy import Policy

FOLDER: Final = Path(__file__).parent / "questions"
LANGUAGES: Final = ("en", "es", "fr", "ar", "ur")
SCRIPTS: Final = (
    "police",
    "bank",
    "support",
    "refund",
    "grandchild",
    "romance",
    "investment",
    "job",
    "lottery",
    "extortion",
)
WORDS_PER_MINUTE: Final = 175
"""The slow end of adults' silent reading: Brysbaert 2019, most between 175 and 300."""
MINUTE_MS: Final = 60_000
BANKS_KEPT: Final = 64
FIELDS: Final = frozenset({"language", "stop", "go_on", "hold", "warnings", "question"})


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its wordings, and for each option its texts."""

    id: str
    wordings: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Every word of one language."""

    language: str
    stop: str
    go_on: str
    hold_title: str
    hold_text: str
    hold_never: tuple[str, ...]
    """Words that would tell the trigger; the linter keeps them out of the hold's text."""
    warnings: Mapping[str, str]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One option on the screen: what it stands for, which of its texts, and the text."""

    option: str
    text_number: int
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One question on the screen. It is answered by touch or key, and never spoken aloud."""

    question: str
    wording: int
    text: str
    options: tuple[Shown, ...]
    aloud: bool = False
    """Speech only in private listening; a loudspeaker stays silent."""

    def told(self) -> dict[str, Any]:
        """Return which wording and options were shown, as a record keeps it."""
        options = [[shown.option, shown.text_number] for shown in self.options]
        return {"question": self.question, "wording": self.wording, "options": options}


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning of one script. ``wait_ms``: until Go on may be touched; Stop works at once."""

    script: str
    text: str
    stop: str
    go_on: str
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Held:
    """The one screen of a hold. It depends on nothing but the language."""

    title: str
    text: str
    stop: str


def words_of(text: str) -> list[str]:
    """Return the words of a text, by spaces: good for all five languages."""
    return text.split()


def reading_ms(text: str) -> int:
    """Return how long a slow reader needs, in milliseconds, rounded up: 40 words are 13,715."""
    return -(-len(words_of(text)) * MINUTE_MS // WORDS_PER_MINUTE)


def deal(bank: Bank, seed: bytes) -> tuple[Asked, ...]:
    """Return the questions as this seed puts them: order, wording, options and their texts."""
    chance = Deal(seed, "questions")
    return tuple(_ask(question, chance) for question in chance.order(bank.questions))


def _ask(question: Question, chance: Deal) -> Asked:
    wording = chance.below(len(question.wordings))
    shown = []
    for option in chance.order(tuple(question.options)):
        number = chance.below(len(question.options[option]))
        shown.append(Shown(option, number, question.options[option][number]))
    return Asked(question.id, wording, question.wordings[wording], tuple(shown))


def warn(bank: Bank, seed: bytes, script: str = "") -> Warned:
    """Return the warning for a script; for none, one that the seed chooses."""
    chosen = script if script in bank.warnings else Deal(seed, "warning").one(SCRIPTS)
    text = bank.warnings[chosen]
    return Warned(chosen, text, bank.stop, bank.go_on, reading_ms(text))


def held(bank: Bank) -> Held:
    """Return the screen of a hold, the same whatever the reason."""
    return Held(bank.hold_title, bank.hold_text, bank.stop)


@functools.lru_cache(maxsize=BANKS_KEPT)
def load(language: str, policy: Policy) -> Bank:
    """Return a language's words, held to the linter once for a policy; raise `WordsRefused`."""
    from tallystick.kiosk.scams import lint

    if language not in LANGUAGES:
        raise WordsRefused(f"no words in {language[:12]!r}; there are {', '.join(LANGUAGES)}")
    bank = _shipped(language)
    faults = lint.bank_faults(bank, policy)
    if faults:
        raise WordsRefused("; ".join(faults))
    return bank


@functools.cache
def _shipped(language: str) -> Bank:
    return read((FOLDER / f"{language}.toml").read_text("utf-8"))


def read(text: str) -> Bank:
    """Read a language's file strictly; raise `WordsRefused`."""
    try:
        told = tomllib.loads(text)
        strange = sorted(set(told) - FIELDS)
        if strange:
            raise WordsRefused(f"unknown: {', '.join(strange)}")
        return Bank(
            language=told["language"],
            stop=told["stop"],
            go_on=told["go_on"],
            hold_title=told["hold"]["title"],
            hold_text=told["hold"]["text"],
            hold_never=tuple(told["hold"]["never"]),
            warnings=dict(told["warnings"]),
            questions=tuple(map(_question, told["question"])),
        )
    except (KeyError, TypeError, AttributeError, tomllib.TOMLDecodeError) as error:
        raise WordsRefused(f"not a bank of words: {error!r}") from error


def _question(told: Mapping[str, Any]) -> Question:
    options = {option: tuple(texts) for option, texts in told["options"].items()}
    return Question(told["id"], tuple(told["wordings"]), options)
