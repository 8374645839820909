"""The reference says what the code says; every error has its own number."""

from collections import Counter
from collections.abc import Callable

import pytest

from generated_docs import FOLDER, PAGES, all_errors


@pytest.mark.parametrize(("name", "make"), PAGES.items(), ids=PAGES)
def test_the_page_is_what_the_code_says(name: str, make: Callable[[], str]) -> None:
    assert (FOLDER / name).read_text("utf-8") == make(), "run scripts/docs"


def test_error_numbers_are_never_shared() -> None:
    shared = {code for code, count in Counter(e.code for e in all_errors()).items() if count > 1}
    assert shared == set()


def test_every_error_says_where_the_money_is() -> None:
    assert [kind.__name__ for kind in all_errors() if not kind.money] == []
