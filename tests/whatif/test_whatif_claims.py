"""The claim is tested on every basis; they disagree, and what is not decided yet is said."""

from __future__ import annotations

import pytest

from tallystick.whatif import answers, claims, posterior
from tallystick.whatif.claims import Card


@pytest.fixture(scope="module")
def cards() -> tuple[Card, ...]:
    return claims.cards(posterior.load())


def by(cards: tuple[Card, ...], words: str) -> Card:
    (found,) = [card for card in cards if words in card.basis]
    return found


def test_the_bases_disagree(cards: tuple[Card, ...]) -> None:
    verdicts = {card.verdict for card in cards}
    assert verdicts == {"true", "not true", "a majority, not a vast one"}


@pytest.mark.parametrize(
    ("words", "share", "verdict"),
    [
        ("initial decisions of 2025, people", 0.406, "not true"),
        ("main applicants, as it was published", 0.42, "not true"),
        ("decided by December 2025", 0.612, "a majority, not a vast one"),
        ("Claimed in 2020", 0.801, "true"),
        ("Claimed in 2022", 0.673, "a majority, not a vast one"),
        ("Claimed in 2024", 0.440, "not true"),
    ],
)
def test_each_basis_says_what_was_published(
    cards: tuple[Card, ...], words: str, share: float, verdict: str
) -> None:
    card = by(cards, words)
    assert card.share == pytest.approx(share, abs=0.001)
    assert card.verdict == verdict and card.source and card.mark in "TC"
    if card.decided is not None and card.granted is not None:
        assert card.granted / card.decided == pytest.approx(card.share)


def test_recent_cohorts_are_not_decided_yet_and_their_share_moves(cards: tuple[Card, ...]) -> None:
    first, then = by(cards, "decided by December 2025"), by(cards, "decided by March 2026")
    assert first.undecided == 14_105 > then.undecided == 7_051
    assert then.share < first.share, "those who are decided first are granted more often"
    assert by(cards, "Claimed in 2020").expected is None
    for words in ("Claimed in 2024", "initial decisions of 2025, people"):
        card = by(cards, words)
        assert card.expected and card.expected.low95 > card.share, "appeals still to come"
        assert card.expected.high95 - card.expected.low95 > 0.02, "and nobody knows how many"


def test_what_was_not_published_is_null_and_never_nought(cards: tuple[Card, ...]) -> None:
    """Only the share of main applicants was published; a nought would be a count of nobody."""
    told = answers.plain(by(cards, "main applicants, as it was published"))
    assert [told[name] for name in ("granted", "decided", "undecided", "expected")] == [None] * 4
    assert all(card.granted and card.decided and card.undecided for card in cards[2:])


def test_the_sentence_names_nobody() -> None:
    assert "removed" in claims.SENTENCE
    assert not {"minister", "party", "government"} & set(claims.SENTENCE.lower().split())
