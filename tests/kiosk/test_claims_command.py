"""A claim by the command line, on a real database: owed when upheld, paid by somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

import databases
from scams.desk_scene import ADDRESS, purchase
from tallystick.cli import main
from tallystick.core import ledger
from tallystick.core.clock import SeededClock
from tallystick.kiosk import blocked
from tallystick.kiosk.scams.claims import CUSTOMERS_REFUNDS
from tallystick.kiosk.tables import PURCHASES

FORM = ["--happened", "2026-11-20", "--told", "2026-11-21", "--statement", "vault 7"]
LAW = ["--cite", "32 M.R.S. 6169(4)", "--amount", "full"]


class Office:
    """The operator's command line over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = databases.opened(f"sqlite:///{folder}/tallystick.sqlite")
        with self.store.read() as tx:
            assert tx.execute(sa.select(PURCHASES.c.id)).first() is None
        self.bought = purchase(self.store, SeededClock(3))
        with self.store.read() as tx:
            query = sa.select(PURCHASES.c.reference)
            self.number = str(tx.execute(query).scalar_one())

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["claims", *words, "--data", str(self.folder)])

    def file(self) -> str:
        done = self.run("file", *FORM, *LAW, "--by", "Ada", self.number)
        assert done.exit_code == 0, done.output
        return done.output.strip()

    def owed(self) -> int:
        with self.store.read() as tx:
            found = [h.debit.minor for h in ledger.balances(tx) if h.name == CUSTOMERS_REFUNDS]
        return -sum(found)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_upheld_is_owed_and_paid_by_somebody_else(office: Office) -> None:
    claim = office.file()
    done = office.run("decide", claim, "--refund", f"{office.number}=100000", "--by", "Ada")
    assert (done.exit_code, done.output.strip()) == (0, "upheld")
    assert office.owed() == 100_000
    same = office.run("pay", claim, "--by", "Ada")
    assert same.exit_code == 1 and "decided this claim" in same.output
    assert office.owed() == 100_000
    assert office.run("pay", claim, "--by", "Ben").exit_code == 0
    assert office.owed() == 0


def test_no_claim_is_denied_because_the_wallet_was_said_to_be_their_own(office: Office) -> None:
    claim = office.file()
    words = ["--ground", "wallet-is-mine", "--words", "you said it was yours", "--by", "Ada"]
    denied = office.run("decide", claim, *words)
    assert denied.exit_code == 1 and "the money" in denied.output
    assert office.owed() == 0


def test_a_claim_blocks_its_destination_everywhere(office: Office) -> None:
    claim = office.file()
    assert "1 destinations" in office.run("block", claim, "--by", "Ada").output
    with office.store.read() as tx:
        from tallystick.core.clock import SystemClock

        assert blocked.reason(tx, ADDRESS, SystemClock().now())


def test_unknown_numbers_change_nothing(office: Office) -> None:
    for words in (("pay", "ZZZZ"), ("withdraw", "ZZZZ", "--why", "x")):
        done = office.run(*words, "--by", "Ada")
        assert done.exit_code == 1 and "ZZZZ" in done.output
    done = office.run("file", *FORM, *LAW, "--by", "Ada", "ZZZZ")
    assert done.exit_code == 1 and "ZZZZ" in done.output
    assert office.run("due").output == "No claim waits.\n"


def test_without_a_citation_the_rulebook_says_what_is_granted(office: Office) -> None:
    with office.store.transact() as tx:
        tx.execute(sa.update(PURCHASES).values(jurisdiction="US-SD"))
    done = office.run("file", *FORM, "--by", "Ada", office.number)
    assert done.exit_code == 0, done.output
    claim = done.output.strip()
    cut = office.run("decide", claim, "--refund", f"{office.number}=1", "--by", "Ada")
    assert cut.exit_code == 1 and "less than the law grants (100000)" in cut.output
    assert office.owed() == 0


def test_what_is_typed_of_a_law_names_that_law(office: Office) -> None:
    done = office.run("file", *FORM, "--amount", "fees", "--by", "Ada", office.number)
    assert done.exit_code == 2 and "--cite" in done.output
