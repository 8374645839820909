"""Chance comes from one place, repeats by its seed, and is given back as it was found."""

from __future__ import annotations

import numpy as np
import pytest

from tallystick.core.clock import borrowed_chance, numbers


def test_numbers_repeat_by_every_part_of_their_seed() -> None:
    one = numbers(4, 9).random(8)
    assert np.array_equal(one, numbers(4, 9).random(8))
    assert not np.array_equal(one, numbers(4, 8).random(8))
    assert not np.array_equal(one, numbers(5, 9).random(8))


def test_a_librarys_chance_is_seeded_and_given_back_even_after_a_failure() -> None:
    before = np.random.get_state()[1].copy()
    drawn = []
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), borrowed_chance(7):
            drawn.append(np.random.random())
            raise ZeroDivisionError
    assert drawn[0] == drawn[1], "seeded"
    assert np.array_equal(before, np.random.get_state()[1]), "and as it was"
