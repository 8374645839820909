"""The command line says what the rulebook says, and adopts only what is open."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from tallystick.cli import main
from tallystick.core import rulebook
from tallystick.core.clock import SystemClock
from tallystick.core.rulebook.place import codes

SALE = ["--cash", "900", "--paid-today", "200", "--customer", "existing", "--json"]


def ask(code: str, on: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(main, ["law", "ask", code, "kiosk.sell", *SALE, "--on", on])
    return done.exit_code, json.loads(done.output)


def test_the_daily_limit_refuses_and_is_cited() -> None:
    code, said = ask("US-CA", "2026-11-23")
    assert (code, said["answer"], said["left_minor"]) == (1, "refuse", 80_000)
    because = said["because"]
    assert isinstance(because, list) and because[0]["id"] == "US-CA/daily-limit"
    assert because[0]["cite"] == "Cal. Fin. Code 3902"


def test_a_ban_refuses_from_its_first_day_and_not_before() -> None:
    code, said = ask("US-MN", "2026-11-23")
    because = said["because"]
    assert code == 1 and isinstance(because, list) and because[0]["id"] == "US-MN/ban"
    before = ask("US-MN", "2026-07-31")[1]
    assert before["answer"] != "refuse" and "US-MN/ban" not in json.dumps(before["because"])


def test_the_list_names_every_place_and_its_state() -> None:
    done = CliRunner().invoke(main, ["law", "list", "--on", "2026-11-23"])
    lines = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert len(lines) == 69
    assert (lines["US-CA"], lines["US-MN"], lines["US-IL"]) == ("open", "banned", "unsettled")


def test_the_difference_between_two_days_of_vermont() -> None:
    done = CliRunner().invoke(main, ["law", "diff", "US-VT", "2024-08-01", "2026-11-23"])
    assert "+ US-VT/daily-limit-existing" in done.output
    assert "- US-VT/daily-limit-2024" in done.output
    same = CliRunner().invoke(main, ["law", "diff", "US-VT", "2026-10-01", "2026-10-02"])
    assert same.output == "Nothing changes between these days.\n"


def test_a_provision_is_shown_with_its_citation_and_how_it_was_read() -> None:
    done = CliRunner().invoke(main, ["law", "show", "US-IL", "--on", "2026-11-23"])
    assert "US-IL/fee-cap" in done.output and "NOT SETTLED" in done.output
    assert "Read in the law itself: [" in done.output, "and where it was read"
    assert "unsettled on 2026-11-23" in done.output
    assert "to be adopted: hold" in done.output


def test_the_check_fails_when_an_example_does() -> None:
    done = CliRunner().invoke(main, ["law", "check"])
    assert done.exit_code == 0 and " 0 wrong" in done.output


def test_an_officer_adopts_and_the_next_question_is_answered(tmp_path: Path) -> None:
    base = ["law", "adopt", "--data", str(tmp_path), "US-IL"]
    who = ["--by", "Ada Okafor", "--source", "the act, section 10"]
    days = ["--figure", "days=7", "--figure", "transactions=3"]
    first = CliRunner().invoke(main, [*base, "new-customer", *days, *who])
    assert first.exit_code == 0 and "unsettled. Still open: hold" in first.output
    second = CliRunner().invoke(main, [*base, "hold", "--figure", "hours=0", *who])
    assert second.exit_code == 0 and "US-IL is open." in second.output
    third = CliRunner().invoke(main, [*base, "hold", "--figure", "hours=0", *who])
    assert third.exit_code == 1 and "before" in third.output


def test_what_was_adopted_is_asked_and_shown_from_its_day_on(tmp_path: Path) -> None:
    """The books' adoptions count with --data, never for a day before them, nor as known then."""
    who = ["--by", "Ada Okafor", "--source", "the act, section 10", "--data", str(tmp_path)]
    for words in (["new-customer", "--figure", "days=7"], ["hold", "--figure", "hours=0"]):
        made = CliRunner().invoke(main, ["law", "adopt", "US-IL", *words, *who])
        assert made.exit_code == 0, made.output
    books = ["--data", str(tmp_path), "--json"]

    def answer(*words: str) -> str:
        done = CliRunner().invoke(main, ["law", "ask", "US-IL", "kiosk.open", *words])
        return str(json.loads(done.output)["answer"])

    assert answer(*books) == "permit"
    assert answer("--json") == "refer"
    assert answer(*books, "--on", "2026-11-01") == "refer"
    assert answer(*books, "--known", "2026-11-01") == "refer"
    show = ["law", "show", "US-IL", "--data", str(tmp_path)]
    assert "Ada Okafor" in CliRunner().invoke(main, show).output
    assert "Ada Okafor" not in CliRunner().invoke(main, [*show, "--on", "2026-11-01"]).output


def test_today_is_the_places_own_day() -> None:
    """Each of two places on either side of the date line is asked about its own.

    They are 22 or 23 hours apart, so that for an hour or two of each day they have the same one.
    """
    days = {}
    for code, zone in (("US-HI", "Pacific/Honolulu"), ("NZ", "Pacific/Auckland")):
        before = SystemClock().now().astimezone(ZoneInfo(zone)).date()
        done = CliRunner().invoke(main, ["law", "ask", code, "kiosk.open", "--json"])
        days[code] = json.loads(done.output)["on"]
        after = SystemClock().now().astimezone(ZoneInfo(zone)).date()
        assert days[code] in (str(before), str(after))
    assert days["US-HI"] <= days["NZ"]


def test_a_zone_that_is_none_of_the_places_is_refused() -> None:
    done = CliRunner().invoke(main, ["law", "ask", "US-TX", "kiosk.open", "--zone", "Asia/Tokyo"])
    assert done.exit_code == 1 and "America/Chicago" in done.output


def test_a_sum_is_told_in_money_and_what_was_not_given_says_how_to_give_it() -> None:
    run = CliRunner().invoke
    day = ["--on", "2026-11-23"]
    said = run(main, ["law", "ask", "us-ca", "--cash", "900", "--paid-today", "200", *day])
    assert said.exit_code == 1 and "left    800.00 USD" in said.output, said.output
    lacks = run(main, ["law", "ask", "US-CA", "--cash", "100", *day])
    assert lacks.exit_code == 2 and "unknown paid_today (give --paid-today)" in lacks.output


@pytest.mark.parametrize(
    "words",
    [["show"], ["ask"], ["diff", "2024-01-01", "2025-01-01"], ["duties"]],
    ids=lambda words: words[0],
)
def test_a_place_that_no_file_has_is_said_in_one_line_with_its_neighbours(
    tmp_path: Path, words: list[str]
) -> None:
    books = ["--data", str(tmp_path)] if words[0] == "duties" else []
    done = CliRunner().invoke(main, ["law", words[0], "US-C", *words[1:], *books])
    assert done.exit_code == 1 and "Did you mean US-" in done.output
    assert "Traceback" not in done.output and not isinstance(done.exception, ValueError)


def test_every_provision_of_every_place_names_where_it_was_read() -> None:
    for place in map(rulebook.load, codes()):
        for item in place.provisions:
            assert item.read == "none" or len(item.source) > 3, item.id
