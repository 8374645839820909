"""Words of five languages: short, various, dealt from a seed, never aloud; a hold says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.kiosk.scams import lint, policy, questions
from tallystick.kiosk.scams.chance import Deal
from tallystick.kiosk.scams.errors import WordsRefused
from tallystick.kiosk.scams.questions import FOLDER, LANGUAGES, SCRIPTS

POLICY = policy.load()
ENGLISH = (FOLDER / "en.toml").read_text("utf-8")
SEEDS = [bytes([n]) * 16 for n in range(200)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_whole(language: str) -> None:
    bank = questions.load(language, POLICY)
    assert bank.language == language and set(bank.warnings) == set(SCRIPTS)
    assert all(len(text.split()) <= 40 for text in bank.warnings.values())
    assert {q.id for q in bank.questions} == {"machine", "code", "listening", "telling"}
    for question in bank.questions:
        assert len(set(question.wordings)) >= 4 and len(question.options) >= 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_seed_deals_the_same_again_and_others_differ(language: str) -> None:
    bank = questions.load(language, POLICY)
    dealt = [questions.deal(bank, seed) for seed in SEEDS]
    assert dealt == [questions.deal(bank, seed) for seed in SEEDS]
    assert len({tuple(asked.question for asked in one) for one in dealt}) == 24
    for question in bank.questions:
        mine = [a for one in dealt for a in one if a.question == question.id]
        assert {asked.wording for asked in mine} == set(range(len(question.wordings)))
        assert {asked.options[0].option for asked in mine} == set(question.options)
        assert len({tuple(s.text_number for s in asked.options) for asked in mine}) > 10


def test_every_option_is_there_once_and_nothing_is_spoken_aloud() -> None:
    bank = questions.load("en", POLICY)
    for asked in questions.deal(bank, SEEDS[3]):
        held = next(q for q in bank.questions if q.id == asked.question)
        assert sorted(s.option for s in asked.options) == sorted(held.options)
        assert not asked.aloud
        assert asked.told()["options"] == [[s.option, s.text_number] for s in asked.options]


def test_a_warning_fits_its_script_or_is_dealt() -> None:
    bank = questions.load("en", POLICY)
    assert questions.warn(bank, SEEDS[0], "romance").script == "romance"
    assert {questions.warn(bank, seed).script for seed in SEEDS} == set(SCRIPTS)
    warned = questions.warn(bank, SEEDS[0], "police")
    assert warned.stop == "Stop, return my cash" and warned.text == bank.warnings["police"]
    assert warned.wait_ms == questions.reading_ms(warned.text)


@pytest.mark.parametrize(("words", "wait_ms"), [(0, 0), (1, 343), (35, 12_000), (40, 13_715)])
def test_a_slow_reader_has_time(words: int, wait_ms: int) -> None:
    assert questions.reading_ms("word " * words) == wait_ms


BAD = [
    ("Hang up. Take your cash back.", "Hang up. " + "word " * 9 + "Take your cash back.", "words"),
    ('stop = "Stop, return my cash"', 'stop = "OK"', "does not say the act"),
    ('"Why this machine and not another?"', '"How did you come to this machine?"', "3 wordings"),
    ('poster = ["I had seen it in the shop", "I have walked past it before"]\n', "", "4 options"),
    ('nobody = ["Nobody", "I am alone"]', 'nobody = ["Nobody"]', "one text"),
    ("We send it after a check.", "We ask about your answer.", "'answer'"),
    ("We send it after a check.", "We check {reason}.", "room for a word"),
    ("We send it after a check.", "We send it. " * 10, "hold screen has"),
    ('never = ["answer"', 'never = []\nold = ["answer"', "names no words"),
    ("lottery =", "raffle =", "missing"),
    ("seller = [", "shop = [", "not in both"),
    ('language = "en"', 'language = "en"\naloud = true', "unknown: aloud"),
    ('language = "en"\n', "", "not a bank"),
]


@pytest.mark.parametrize(("old", "new", "says"), BAD)
def test_bad_words_are_found(old: str, new: str, says: str) -> None:
    assert old in ENGLISH
    try:
        faults = lint.bank_faults(questions.read(ENGLISH.replace(old, new, 1)), POLICY)
    except WordsRefused as error:
        faults = [str(error)]
    assert any(says in fault for fault in faults), faults


def test_a_language_without_words_is_refused() -> None:
    with pytest.raises(WordsRefused, match="no words in"):
        questions.load("xx", POLICY)


@given(st.binary(min_size=16, max_size=16), st.integers(1, 50))
def test_chance_stays_in_bounds_and_loses_nothing(seed: bytes, limit: int) -> None:
    chance = Deal(seed, "x")
    assert all(0 <= chance.below(limit) < limit for _ in range(5))
    assert sorted(Deal(seed, "y").order(range(limit))) == list(range(limit))


def test_chance_is_even() -> None:
    chance = Deal(b"s" * 16, "even")
    counts = [0] * 5
    for _ in range(5_000):
        counts[chance.below(5)] += 1
    assert all(900 < count < 1_100 for count in counts), counts
