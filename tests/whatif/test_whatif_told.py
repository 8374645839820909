"""What the commands print and write: JSON, text, a report of two pages, and clear refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import weasyprint
from click.testing import CliRunner, Result

from tallystick import look
from tallystick.cli import main
from tallystick.look import charts
from tallystick.whatif import pictures, report
from tallystick.whatif.answers import Answers

BAND, HAZEL = "a6cdbd", "ddae66"


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["whatif", *arguments])


def test_the_seed_as_json() -> None:
    done = command(
        *("hubs", "--scenario", "seed", "--runs", "100", "--set", "months=24", "--json"),
        *("--question", "channel", "--quiet"),
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["scenario"]["title"] == "A hub of 1,200 places" and told["scenario"]["months"] == 24
    (answer,) = told["questions"]
    assert answer["drivers"] and answer["rows"][0]["interval"]["low80"] is not None
    assert {card["verdict"] for card in told["cards"]} >= {"true", "not true"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--set", "hub_places=many"), "is not NAME=NUMBER"),
        (("--set", "wishes=3"), "'wishes' cannot be chosen"),
        (("--set", "hub_places=99999"), "is not 0 to 10000 places (error 9001)"),
        (("--scenario", "nowhere"), "no scenario can be read from 'nowhere'"),
        (("--question", "why", "--runs", "50"), "there is no question 'why'"),
        (("--runs", "50", "--question", "channel", "--report", "/nowhere/x.pdf"), "(error 9007)"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(arguments: tuple[str, ...], says: str) -> None:
    done = command("hubs", "--quiet", *arguments)
    assert done.exit_code != 0 and says in done.output
    assert "Traceback" not in done.output


def test_the_report_is_two_pages_with_its_doubts(found: Answers, tmp_path: Path) -> None:
    text = report.html(found)
    document = weasyprint.HTML(string=text, base_url=str(look.FOLDER) + "/").render()
    assert len(document.pages) == report.PAGES
    assert text.count("Nobody has measured it.") >= 5 and "What nobody knows" in text
    assert "as the law stands, the gates let 0 of 100 pass" in text
    assert "A person&#39;s night in dispersed housing" in text
    drawn = document.write_pdf(uncompressed_pdf=True)
    for tone in BAND, HAZEL:
        parts = (f"{int(tone[at : at + 2], 16) / 255:.6f}".rstrip("0") for at in (0, 2, 4))
        wanted = " ".join([*parts, "rg"]).encode()
        assert wanted in drawn, f"the charts are not in colour: no #{tone}"
    report.write(tmp_path / "out.pdf", found)
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF-")


def test_pictures_say_in_their_table_what_they_draw(found: Answers) -> None:
    for made in (pictures.in_hub, pictures.moves_it, pictures.flow, pictures.claim):
        one = made(found)
        assert one.rows and all(len(row) == len(one.head) for row in one.rows)
        assert 'role="img"' in one.svg and "nan" not in one.svg
    flow = pictures.flow(found)
    assert {row[0] for row in flow.rows} >= {"Arrived", "Refused at first", "Rights exhausted"}


def test_a_chart_begins_at_nought_and_escapes_what_it_is_told() -> None:
    drawn = charts.bars("<b>", [charts.Bar("<script>", 3.0, "3")], "a & b")
    assert "<script>" not in drawn and "&lt;script&gt;" in drawn and "a &amp; b" in drawn
    for most in (0.003, 0.7, 1, 9, 12, 99, 1_200, 5e6):
        scale = charts.ticks(most)
        assert scale[0] == 0 and scale[-1] >= most and 2 <= len(scale) <= 12
    fan = charts.fan("x", [charts.Band("b95", [1, 2], [3, 4], "l")], [2, 3], [], "end", "note")
    assert re.search(r'aria-label="x note"', fan)


def test_calibration_can_be_tried_without_keeping_it() -> None:
    done = command("calibrate", "--draws", "2000", "--kept", "50", "--window", "check")
    assert done.exit_code == 0, done.output
    assert "of its range is left" in done.output and "wrote" not in done.output


def test_every_figure_can_be_listed_and_what_nobody_verified_alone() -> None:
    whole, doubtful = command("figures"), command("figures", "--unverified")
    assert "[T] Refused people granted later after further submissions" in whole.output
    assert "[T]" not in doubtful.output and "[M] late_share (assumed)" in doubtful.output
    assert "never estimated from our data" in doubtful.output
