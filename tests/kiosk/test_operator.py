"""Who runs a machine is stated by the operator, or the machine stays closed and says what lacks."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

import databases
from kiosk.shop import Shop, adopted
from tallystick.cli import main
from tallystick.core.rulebook.place import codes
from tallystick.kiosk import particulars, quote
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.particulars import OperatorUnreadable, load
from tallystick.web import server

ON = dt.date(2026, 11, 25)
OURS = """
name = "Okafor Kiosks LLC"
telephone = "+1 (888) 555-0199"
web = "https://kiosks.example"
hours = "always"
police = "911"
[address]
street = "9 Ledger Lane"
city = "Montpelier"
state = "VT"
postcode = "05602"
[filing]
ein = "12-3456789"
office = "Compliance"
[places.US-ME]
licence = "ME-4711"
authority = "Bureau of Consumer Credit Protection, 1-800-555-0100"
police = "Call 911 or the county sheriff"
[machines."Kiosk 7"]
address = "12 Market Square, Portland"
"""


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    text = OURS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    made = folder / "operator.toml"
    made.write_text(text)
    return made


def test_screens_and_papers_say_what_is_stated_there(tmp_path: Path) -> None:
    shown = load(written(tmp_path)).shown("US-ME", "Kiosk 7")
    assert (shown.name, shown.licence, shown.phone) == (
        "Okafor Kiosks LLC",
        "ME-4711",
        "+1 (888) 555-0199",
    )
    assert shown.place == "12 Market Square, Portland"
    assert shown.address == "9 Ledger Lane, Montpelier, VT 05602, https://kiosks.example"
    assert shown.authority.startswith("Bureau") and "sheriff" in shown.police
    elsewhere = load(written(tmp_path)).shown("US-CA", "Kiosk 8")
    assert (elsewhere.licence, elsewhere.place, elsewhere.police) == ("", "", "911")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Okafor Kiosks LLC"', 'name = ""', "name"),
        ('name = "Okafor Kiosks LLC"', "", "name"),
        ('"+1 (888) 555-0199"', '"call us"', "telephone"),
        ('"https://kiosks.example"', '"http://kiosks.example"', "web"),
        ('"12-3456789"', '"123"', "filing.ein"),
        ('hours = "always"', 'hours = "day and night"', "hours"),
        ("[places.US-ME]", "[places.US-XX]", "US-XX"),
        ("[places.US-ME]", '[places."*"]', "places"),
        ("licence =", "license =", "license"),
        ('"Kiosk 7"', f'"{"k" * 65}"', "machines"),
        ("9 Ledger Lane", "9\\u0007", "street"),
    ],
)
def test_a_file_that_is_not_right_is_refused_whole_and_says_where(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(OperatorUnreadable, match=re.escape(said)):
        load(written(tmp_path, (old, new)))


def test_a_file_is_bounded(tmp_path: Path) -> None:
    long = tmp_path / "operator.toml"
    long.write_text("#" * (particulars.FILE_BYTES_MAX + 1))
    with pytest.raises(OperatorUnreadable, match="more than"):
        load(long)
    here = particulars.Machine("1 S")
    lots = {str(number): here for number in range(particulars.MACHINES_MAX)}
    most = msgspec.structs.replace(particulars.sample(), machines=lots)
    assert particulars.faults(most) == []
    over = msgspec.structs.replace(most, machines=lots | {"one more": here})
    assert particulars.faults(over) == [f"machines: at most {particulars.MACHINES_MAX}"]


@pytest.mark.parametrize(
    ("code", "change", "said"),
    [
        ("US-ME", ("[places.US-ME]", "[places.US-MD]"), "licence"),
        ("US-MD", ("(888) 555", "(802) 555"), "toll-free"),
        ("US-RI", ("(888) 555", "(802) 555"), "toll-free"),
        ("US-VT", ('hours = "always"', ""), "hours"),
    ],
)
def test_a_place_wants_what_its_law_wants(
    tmp_path: Path, code: str, change: tuple[str, str], said: str
) -> None:
    whole, lacks = load(written(tmp_path)), load(written(tmp_path, change))
    assert particulars.short_of(adopted(code), whole, "bitcoin", ON) == ""
    assert said in particulars.short_of(adopted(code), lacks, "bitcoin", ON)


def test_every_want_of_every_law_has_words() -> None:
    wants = {
        want
        for code in codes()
        for rule in adopted(code).provisions
        for want in rule.terms.get("operator", ())
    }
    assert wants == set(particulars.WANTS)


def test_nobody_and_the_sample_sell_nothing(tmp_path: Path) -> None:
    """With no file a machine is closed and no made-up name is on its screen; so on a real chain
    with the sample's, and wherever nobody said where the machine stands."""
    store = databases.opened(f"sqlite:///{tmp_path}/tallystick.sqlite")
    desk = Shop(store, tmp_path, Asking()).desk

    def closed(who: particulars.Particulars | None, label: str = "Kiosk 7", net: str = "") -> str:
        desk.policy = replace(desk.policy, operator=who)
        desk.network = net or "regtest"
        with store.read() as tx:
            made = quote.offer(desk, tx, "m", label)
        assert made.operator.label == label
        assert made.open is (made.closed_because == "")
        if who is None:
            assert (made.operator.name, made.operator.phone) == ("", "")
        return made.closed_because

    ours = load(written(tmp_path))
    assert closed(ours) == "" and closed(particulars.sample()) == ""
    assert closed(None) == particulars.UNNAMED
    assert "Kiosk 8" in closed(ours, "Kiosk 8")
    assert "sample" in closed(particulars.sample(), net="bitcoin")
    assert closed(msgspec.structs.replace(ours, machine_address="5 Way"), "Kiosk 8") == ""


def test_a_server_goes_by_its_folders_file_and_by_the_sample_in_no_real_place(
    tmp_path: Path,
) -> None:
    def who(**more: object) -> particulars.Particulars | None:
        made: dict[str, object] = {"data": tmp_path, "database": "", "chain": "", "signer": Path()}
        return server.operator_of(server.Settings(**(made | more)))  # type: ignore[arg-type]

    assert who(law="US-ME") is None
    assert who(law="DEMO") is particulars.sample()
    given = written(tmp_path)
    found = who(law="US-ME", police="999", support_hours="mon 09:00-10:00")
    assert found is not None and found.name == "Okafor Kiosks LLC"
    assert found.shown("US-ME").police == "999" and len(found.shown("US-ME").hours) == 1
    moved = given.rename(tmp_path / "ours.toml")
    assert who(law="US-ME") is None and who(law="US-ME", operator=moved) is not None


def test_the_check_says_what_is_missing_and_exits_by_it(tmp_path: Path) -> None:
    run = CliRunner().invoke
    file = str(written(tmp_path))
    good = run(main, ["operator", "check", file])
    assert good.exit_code == 0 and "US-ME  licence ME-4711  whole" in good.output
    lacks = str(written(tmp_path, ("(888) 555", "(802) 555")))
    bad = run(main, ["operator", "check", lacks, "--law", "US-MD"])
    assert bad.exit_code == 1 and "toll-free" in bad.output
    (tmp_path / "s.toml").write_text(run(main, ["operator", "sample"]).output)
    assert load(tmp_path / "s.toml").sample
    assert run(main, ["operator", "check", str(tmp_path / "s.toml"), "--law", "US-CA"]).exit_code
    assert run(main, ["operator", "check", file, "--law", "US-XX"]).exit_code == 2
