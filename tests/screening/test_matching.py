"""Names meet across scripts, spellings and order; the index loses nothing; a score says why."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.kiosk.screening import match
from tallystick.kiosk.screening.alike import LEAST, alike, far_asks, far_keys, sure_keys
from tallystick.kiosk.screening.births import Said, compare
from tallystick.kiosk.screening.entry import Alias, Born, Entry, Kind
from tallystick.kiosk.screening.errors import NameUnusable, PolicyUnreadable
from tallystick.kiosk.screening.index import SUBJECT_NAMES_MAX, Hit, Index, Subject, build
from tallystick.kiosk.screening.policy import DEFAULT, load
from tallystick.kiosk.screening.spelling import words

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from bench.screening_pairs import Pair, names_of, pairs
from bench.screening_scores import our_scores, recall_at

LEAST_POINTS = load().review_points


@pytest.fixture(scope="module")
def labelled() -> list[Pair]:
    return pairs("tune", 400, 500)


@pytest.fixture(scope="module")
def index(labelled: list[Pair]) -> Index:
    return build(pair.entry for pair in labelled)


def share(one: str, other: str) -> float:
    mine, listed = words(one), words(other)
    tells, told = (match.weights(name, lambda text: 1.0) for name in (mine, listed))
    return match.compare(mine, listed, tells, told).share


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Muhammad al-Rashidi", "محمد الرشيدي"),
        ("Mohamed Rachidi", "Muhammad al-Rashidi"),
        ("Yuri Shcherbakov", "Юрий Щербаков"),
        ("IVANOV Sergei", "Sergey Iwanow"),
        ("Papadopoulos, Georgios", "Γεώργιος Παπαδόπουλος"),
        ("Moshe Cohen", "משה כהן"),
        ("Rajesh Kumar", "राजेश कुमार"),
        ("Xiaoming Wang", "王小明"),
        ("WANG Xiao Ming", "Wang Xiaoming"),
        ("Kim Jong Un", "김종은"),
        ("Jürgen Müller", "Juergen Mueller"),
        ("Abd al-Rahman Nasser", "Abdulrahman Naser"),
        ("Dr. John Smith", "SMITH, John"),
        ("J. Smith", "John Smith"),
        ("Jhon Smith", "John Smith"),
        ("Nguyễn Văn Thành", "Nguyen Van Thanh"),
        ("Seán O'Brien", "Sean OBrien"),
    ],
)
def test_two_spellings_of_a_name_meet(one: str, other: str) -> None:
    assert share(one, other) > 0.9
    assert share(one, other) == pytest.approx(share(other, one), abs=0.02)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John Smith", "John Baker"),
        ("Hassan Karimi", "Leila Karimi"),
        ("John Michael Smith", "John Robert Smith"),
        ("Wang Wei", "Li Wei"),
        ("Sergei Petrov", "Sergei Pavlenko"),
        ("Maria", "Maria Lopez Garcia"),
    ],
)
def test_two_names_that_share_a_part_do_not(one: str, other: str) -> None:
    assert share(one, other) < 0.8


def brute(index: Index, pair: Pair, least: int) -> dict[str, int]:
    """Compare with every listed name, as nobody would in earnest."""
    mine = words(pair.query)
    tells = match.weights(mine, index.weigh)
    subject = Subject((pair.query,), (pair.born,) if pair.born else ())
    found: dict[str, int] = {}
    for place in range(len(index.spelled)):
        hit = index.compare(subject, pair.query, mine, tells, place)
        if hit.points >= least:
            found[hit.entry.key] = max(found.get(hit.entry.key, 0), hit.points)
    return found


@pytest.mark.parametrize("least", [6_000, LEAST_POINTS, 9_500])
def test_the_index_finds_all_that_comparing_every_name_finds(
    least: int, index: Index, labelled: list[Pair]
) -> None:
    asked, total = labelled[:: 900 // 40], 0
    for pair in asked:
        subject = Subject((pair.query,), (pair.born,) if pair.born else ())
        found = {hit.entry.key: hit.points for hit in index.screen(subject, least)}
        assert found == brute(index, pair, least), pair.query
        total += len(found)
    assert total > len(asked) / 3


PARTS = (
    *("Ahmad", "Ahmed", "Hamad", "Karim", "Kareem", "Karam", "Nasser", "Naser", "Nasir", "A", "K"),
    *("N.", "al", "bin", "Xiao", "Ming", "Xiaoming", "Wang", "Vang", "Li", "Abd", "Rahman", "محمد"),
    *("Muhammad", "Mohamed", "ناصر", "Dr", "de", "la", "Cruz", "Kruz", "Abdulrahman", "O'Brien"),
)
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(" ".join)


@settings(max_examples=150, deadline=None)
@example(["Naser Ahmad Wang A", "Wang Ming K"], "Abdulrahman Ahmad Nasser", 72, False)
@example(["Wang Ming K", "Cruz K"], "Ming Karim Abdulrahman Wang", 85, False)
@example(["Cruz K", "Li"], "Karam Cruz", 90, False)
@example(["Li", "bin Nasser Ming"], "Nasir bin", 74, True)
@given(st.lists(NAMES, min_size=2, max_size=40), NAMES, st.integers(60, 97), st.booleans())
def test_the_index_loses_nothing_of_names_made_to_mislead_it(
    listed: list[str], asked: str, hundredths: int, dated: bool
) -> None:
    born = (on(1971),) if dated else ()
    entries = [
        Entry("made", str(n), Kind.PERSON, (Alias(name),), (on(1971),) if n % 2 else ())
        for n, name in enumerate(listed)
    ]
    index = build(entries)
    try:
        subject, mine = Subject((asked,), born), words(asked)
    except NameUnusable:
        assert set(asked.split()) <= {"A", "K", "N.", "al", "Dr"}
        return
    tells = match.weights(mine, index.weigh)
    found = {hit.entry.key for hit in index.screen(subject, hundredths * 100)}
    compared = [index.compare(subject, asked, mine, tells, at) for at in range(len(index.spelled))]
    assert found == {hit.entry.key for hit in compared if hit.points >= hundredths * 100}


SPELLINGS = sorted({s for part in ("tune", "test") for n in names_of(part) for s in n.spellings})


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_words_that_are_alike_share_a_key(one: str, other: str) -> None:
    for a in words(one):
        for b in words(other):
            if not (a.initial or b.initial) and alike(a, b)[0] >= LEAST:
                shared = sure_keys(a) & sure_keys(b) or set(far_asks(a)) & set(far_keys(b))
                assert shared, (a.text, b.text)
                assert alike(a, b) == alike(b, a)


def only(index: Index, name: str, *born: Born) -> Hit:
    hits = index.screen(Subject((name,), tuple(born)), 0)
    return hits[0]


def one_entry(born: Born | None = None, *, weak: bool = False) -> Index:
    names = (Alias("Karim Salih al-Sampli"), Alias("Abu Nimr", weak))
    return build([Entry("ofac", "1", Kind.PERSON, names, (born,) if born else ())])


def on(year: int, month: int = 4, day: int = 3) -> Born:
    return Born(dt.date(year, month, day), dt.date(year, month, day))


def test_a_date_of_birth_supports_or_contradicts_and_says_so() -> None:
    listed, name = one_entry(on(1971)), "Kareem Sampli"
    points = {}
    for born in (on(1971), on(1971, 3, 4), on(1972), on(1990)):
        hit = only(listed, name, born)
        points[hit.said] = hit.points
    assert list(points) == [Said.SAME_DAY, Said.SWAPPED, Said.NEAR, Said.CONTRADICTS]
    assert sorted(points.values(), reverse=True) == list(points.values())
    unknown = only(listed, name)
    assert unknown.said is Said.UNKNOWN
    assert points[Said.CONTRADICTS] < unknown.points < points[Said.SAME_DAY]


@settings(max_examples=200, deadline=None)
@given(st.dates(dt.date(1900, 1, 1), dt.date(2020, 1, 1)), st.integers(-3_000, 3_000))
def test_dates_say_the_same_of_one_another_both_ways(day: dt.date, days: int) -> None:
    other = day + dt.timedelta(days)
    year = Born(dt.date(other.year, 1, 1), dt.date(other.year, 12, 31), circa=days % 2 == 0)
    for a, b in ((on(day.year, day.month, day.day), year), (Born(day, day), Born(other, other))):
        assert compare(a, b) is compare(b, a)


def test_a_weak_alias_counts_less() -> None:
    strong, weak = one_entry(), one_entry(weak=True)
    assert only(weak, "Abu Nimr").points < only(strong, "Abu Nimr").points
    assert only(weak, "Abu Nimr").listed.weak


def test_a_score_says_which_words_met_and_how() -> None:
    hit = only(one_entry(), "Kareem A. Sampli")
    told = {(one.mine, one.listed): one.how.name for one in hit.met}
    assert told[(0,), (0,)] == "SPELLED"
    assert told[(2,), (3,)] == "SAME"
    assert hit.listed.text == "Karim Salih al-Sampli"


def test_the_same_question_has_the_same_answer_whatever_was_asked_before(
    labelled: list[Pair],
) -> None:
    asked = [Subject((pair.query,)) for pair in labelled[::60]]
    entries = [pair.entry for pair in labelled]
    first, second = build(entries), build(entries)
    forward = [first.screen(one, 7_000) for one in asked]
    back = [second.screen(one, 7_000) for one in reversed(asked)][::-1]
    assert [[h.points for h in hits] for hits in forward] == [
        [h.points for h in hits] for hits in back
    ]


@pytest.mark.parametrize("name", ["", "   ", "!!!", "A. B.", "al", "Dr", "x" * 1_001])
def test_what_is_no_name_is_refused_and_never_cleared(name: str, index: Index) -> None:
    with pytest.raises(NameUnusable):
        index.screen(Subject((name,)), 0)


def test_nobody_has_more_names_than_a_form_has_room_for(index: Index) -> None:
    with pytest.raises(NameUnusable, match="at most"):
        index.screen(Subject(("A B",) * (SUBJECT_NAMES_MAX + 1)), 0)


def test_recall_and_precision_on_the_labelled_set_do_not_fall(labelled: list[Pair]) -> None:
    """What the benchmark measures whole, on a part of the set that rules were set on."""
    labels = np.array([pair.same for pair in labelled])
    scores = our_scores(labelled)
    assert recall_at(scores, labels, 0.90) > 0.92
    assert recall_at(scores, labels, 0.95) > 0.86


def test_no_name_of_the_judged_part_is_in_the_part_that_rules_were_set_on() -> None:
    spelled = [{s for n in names_of(part) for s in n.spellings} for part in ("tune", "test")]
    assert spelled[0] & spelled[1] == set()
    assert len(pairs("test")) >= 2_000


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("review_points = 12000", "review_points"),
        ("review_points = 100", "review_points"),
        ("lists = []", "lists"),
        ('lists = ["ours"]', "lists"),
        ("approvers = 0", "approvers"),
        ("list_days_max = 400", "list_days_max"),
        ("off = true", "unknown field"),
        ("review_points = 80.5", "int"),
    ],
)
def test_a_policy_that_switches_screening_off_is_refused(
    line: str, says: str, tmp_path: Path
) -> None:
    key = line.split(" = ")[0]
    kept = [one for one in DEFAULT.read_text().splitlines() if not one.startswith(f"{key} = ")]
    path = tmp_path / "policy.toml"
    path.write_text("\n".join([*kept, line]))
    with pytest.raises(PolicyUnreadable, match=says):
        load(path)
