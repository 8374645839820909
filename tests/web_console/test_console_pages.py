"""Each page says what the database says: sums, states, histories, and who needs a person."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable

import httpx
import pytest
import sqlalchemy as sa
from scene import Scene

from tallystick.core import journal, ledger
from tallystick.core.clock import new_id
from tallystick.core.effects import EFFECTS
from tallystick.kiosk import buy, queries
from tallystick.kiosk.tables import EVENTS, NOTES, PURCHASES, WALLET
from tallystick.web.console import pages, sayings
from tallystick.web.console.kiosks import SILENT_S
from tallystick.web.figures import coin, coin_short, sum_of

Open = Callable[[str], str]


@pytest.fixture
def opened(ada: httpx.Client) -> Open:
    def go(path: str) -> str:
        reply = ada.get(path)
        assert reply.status_code == 200, (path, reply.status_code)
        return reply.text

    return go


def at(page: str, name: str) -> str:
    """Return the words of the element with this id."""
    found = re.search(rf'id="{re.escape(name)}"[^>]*>([^<]*)<', page)
    assert found, f"nothing is called {name}"
    return html.unescape(found[1])


def part(page: str, name: str) -> str:
    """Return a section by its id, as plain words."""
    found = re.search(rf'<section[^>]*id="{name}".*?</section>', page, re.S)
    assert found, f"no section is called {name}"
    return words(found[0])


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def one(scene: Scene, query: sa.Select) -> int:
    with scene.store.read() as tx:
        return int(tx.execute(query).scalar_one() or 0)


def credit(scene: Scene, account: str) -> int:
    with scene.store.read() as tx:
        held = ledger.balance(tx, account)
        return held.credit.minor if held else 0


def test_the_figures_above_the_list_are_those_of_the_books(day: Scene, opened: Open) -> None:
    page = opened("/")
    stacked = one(day, sa.select(sa.func.sum(NOTES.c.minor)).where(NOTES.c.state == "stacked"))
    assert at(page, "today") == sum_of(stacked, "USD") == "$690.00"
    assert at(page, "held") == sum_of(credit(day, "customers:cash"), "USD") == "$65.00"
    assert at(page, "owed") == coin(credit(day, "customers:owed"))
    with day.store.read() as tx:
        held = queries.wallet(tx)
    sats = held["confirmed_sats"] + held["pending_sats"]
    assert at(page, "wallet") == f"{coin_short(sats)} BTC"


def test_the_list_has_each_purchase_with_its_sums(day: Scene, opened: Open) -> None:
    listed = part(opened("/"), "list")
    rows = {line.split()[1]: line for line in re.split(r"(?=\d\d:\d\d:\d\d TS-)", listed)[1:]}
    assert len(rows) == one(day, sa.select(sa.func.count()).select_from(PURCHASES)) == 12
    for name, view in day.named.items():
        row = rows[view.reference]
        assert sum_of(view.cash_minor, "USD") in row, name
        given = view.state not in sayings.BACK
        assert (coin(view.sats) in row) is given, name
        assert (f"{sum_of(view.fee_minor, 'USD')} {coin(view.sats)}" in row) is given, name


def test_what_needs_a_person_stands_first(day: Scene, opened: Open) -> None:
    page = opened("/")
    first = re.findall(r"TS-\S+", part(page, "first"))
    wanted = [day.named[name].reference for name in ("refund due", "kept", "sent", "unknown")]
    assert first == wanted
    assert at(page, "waiting") == "4"
    assert page.index('id="first"') < page.index('id="list"')
    only = re.findall(r"TS-\S+", part(opened("/?state=person"), "list"))
    assert only == wanted
    assert 'id="first"' not in opened("/?state=person")


@pytest.mark.parametrize("state", sayings.STATES)
def test_the_list_by_state(day: Scene, opened: Open, state: str) -> None:
    wanted = {view.reference for view in day.named.values() if view.state == state}
    page = opened(f"/?state={state}")
    found = set(re.findall(r'class="code" href="/purchases/[^"]+">(TS-[^<]+)<', page))
    assert found == wanted
    assert ("Nothing fits" in page) is (not wanted)


def test_the_list_by_kiosk_and_by_word(day: Scene, opened: Open) -> None:
    page = opened(f"/?kiosk={day.kiosks[0].machine}")
    assert re.findall(r"TS-\S+", part(page, "list")) == [day.named["settled 0"].reference]
    view = day.named["sent"]
    for word in (view.reference, view.address, view.address.upper(), view.txid, view.purchase):
        assert re.findall(r"TS-\S+", part(opened(f"/?q={word}"), "list")) == [view.reference]
    assert "Nothing fits" in opened("/?q=TS-000-000-000")


@pytest.mark.parametrize(
    ("name", "said", "label"),
    [
        ("settled 1", "Confirmed", "5 of 5 stages done"),
        ("paid in", "Paid in", "2 of 5 stages done; now: signed"),
        ("unknown", "Unknown", "3 of 5 stages done; unknown at sent, being asked"),
        ("refund due", "Cash back due", "1 of 5 stages done; the cash goes back"),
        ("cancelled", "Cancelled", "0 of 5 stages done; the cash goes back"),
    ],
)
def test_the_money_path_in_a_line(
    day: Scene, opened: Open, name: str, said: str, label: str
) -> None:
    page = opened(f"/?q={day.named[name].reference}")
    row = re.search(r"<tbody>.*?</tr>", page[page.index('id="list"') :], re.S)
    assert row and f'aria-label="{label}"' in row[0] and f">{said}</span>" in row[0]


def test_the_list_as_a_file(day: Scene, ada: httpx.Client) -> None:
    reply = ada.get("/purchases.csv")
    assert reply.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    told = {row["reference"]: (int(row["cash_minor"]), int(row["sats"])) for row in rows}
    assert told == {v.reference: (v.cash_minor, v.sats) for v in day.named.values()}
    only = list(csv.DictReader(io.StringIO(ada.get("/purchases.csv?state=person").text)))
    assert len(only) == 4


@pytest.mark.parametrize("name", ["settled 2", "sent", "unknown", "paid in", "refund due", "kept"])
def test_a_purchase_has_its_whole_history(day: Scene, opened: Open, name: str) -> None:
    view = day.named[name]
    page = opened(f"/purchases/{view.purchase}")
    with day.store.read() as tx:
        found = queries.dossier(tx, view.purchase)
    history = part(page, "history")
    for event in found.events:
        assert f">{event['entry']}</span>" in page and sayings.HAPPENED[event["kind"]] in history
    assert f"{len(found.events)} of {len(found.events)} steps match the journal" in history
    assert page.count('id="notes"') == 1 and part(page, "notes").count("In the box") == view.notes
    books = part(page, "transfers")
    assert all(one["code"] in books for one in found.transfers)
    acts = part(page, "acts")
    assert all(sayings.ACTS[one["kind"]] in acts for one in found.effects)
    assert "Demonstration Code § 1-101" in part(page, "law")
    assert view.address in page and (not view.txid or view.txid in part(page, "where"))


def test_a_payment_whose_outcome_is_unknown_says_so(day: Scene, opened: Open) -> None:
    page = opened(f"/purchases/{day.named['unknown'].purchase}")
    assert "It is tried again; before anything is sent twice, the chain is asked." in words(page)
    assert "outcome unknown" in part(page, "acts")
    assert "It is unknown whether a payment went out." in words(page)


def test_a_claim_of_a_kiosk_stands_with_the_purchase(day: Scene, opened: Open) -> None:
    page = words(opened(f"/purchases/{day.named['accepting'].purchase}"))
    assert "The kiosk claimed other sums than ours." in page and "(3, 9000, 99000)" in page
    assert "The kiosk claimed other sums than ours" in part(opened("/kiosks"), "incidents")


def test_a_changed_record_does_not_match_the_journal(scene: Scene) -> None:
    purchase = scene.buy("one", (2_000,), "finish")
    with scene.store.transact() as tx:
        stored = sa.select(EVENTS.c.content).where(
            EVENTS.c.purchase == purchase, EVENTS.c.kind == "paid_in"
        )
        content = tx.execute(stored).scalar_one().replace('"fee_minor":500', '"fee_minor":400')
        changed = sa.update(EVENTS).where(EVENTS.c.purchase == purchase)
        tx.execute(changed.where(EVENTS.c.kind == "paid_in").values(content=content))
    with scene.client() as client:
        page = client.get(f"/purchases/{purchase}").text
        assert "1 do not match the journal" in part(page, "history")
        assert "The halves differ" in part(page, "proof")
        client.post("/books/audit")
        said = part(client.get("/books").text, "audit")
    assert "Something does not add up" in said and "is not what the journal committed to" in said


def test_kiosks_by_our_books_and_by_their_word(day: Scene, opened: Open) -> None:
    page = opened("/kiosks")
    boxes = [credit(day, f"kiosk:{kiosk.machine}:box") for kiosk in day.kiosks]
    assert at(page, "held-USD") == sum_of(-sum(boxes), "USD")
    said = part(page, "doing")
    assert "Kiosk 0108 Its last word was 23 min ago" in said
    assert "It says $200.00 is in the box; our books say $180.00. Count it." in said
    assert "Kiosk 0142" not in said


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_kiosk_has_its_box_keys_and_purchases(day: Scene, opened: Open, number: int) -> None:
    machine = day.kiosks[number].machine
    page = opened(f"/kiosks/{machine}")
    n = NOTES.c
    mine = [n.machine == machine, n.state == "stacked"]
    held = one(day, sa.select(sa.func.sum(n.minor)).where(*mine))
    assert at(page, "box-books") == at(page, "box-sum") == sum_of(held, "USD")
    assert at(page, "today") == sum_of(held, "USD")
    with day.store.read() as tx:
        assert queries.machine_keys(tx, machine)[0]["id"] in part(page, "keys")
        assert sum(minor * count for minor, count in queries.box(tx, machine).items()) == held


def test_the_wallet_is_that_of_the_chain_and_the_books(day: Scene, opened: Open) -> None:
    page = opened("/wallet")
    with day.store.read() as tx:
        held, hot = queries.wallet(tx), ledger.balance(tx, "wallet:hot")
    assert at(page, "balance") == coin(held["confirmed_sats"] + held["pending_sats"])
    assert at(page, "height") == f"{held['height']:,}"
    assert at(page, "reserved") == coin(hot.credits_pending)
    sent, unknown = day.named["sent"], day.named["unknown"]
    assert hot.credits_pending == sent.sats + unknown.sats
    open_states = ("quoted", "accepting", "kept", "paid_in")
    promised = sum(view.sats for view in day.named.values() if view.state in open_states)
    assert at(page, "promised") == coin(promised)
    assert at(page, "refill") in (day.till.wallet.next_address(),)
    assert "Answers" in part(page, "signer")
    assert sent.txid[:4] in part(page, "payments")


def test_the_books_are_the_ledgers(day: Scene, opened: Open) -> None:
    page = opened("/books")
    with day.store.read() as tx:
        trial, accounts, head = ledger.trial_balance(tx), ledger.balances(tx), journal.head(tx)
    for code, (debits, credits) in trial.sides.items():
        assert at(page, f"debits-{code}").startswith(sum_of(debits, code)[:4])
        assert at(page, f"debits-{code}") == at(page, f"credits-{code}")
        assert debits == credits
        assert at(page, f"debit-{code}") == at(page, f"credit-{code}")
        column = sum(max(a.debit.minor, 0) for a in accounts if a.asset.code == code)
        shown = at(page, f"debit-{code}").replace(",", "").replace(".", "")
        assert int(shown) == column
    assert f"{head[0]} entries" in page and head[1] in page
    assert all(whose in page for whose in ("kiosk:Kiosk 0117:box", "customers:refunds"))
    assert all(sayings.whose(account.name) for account in accounts)


def test_an_audit_is_run_and_remembered(day: Scene, ada: httpx.Client) -> None:
    reply = ada.post("/books/audit")
    assert (reply.status_code, reply.headers["location"]) == (303, "/books#audit")
    said = part(ada.get("/books").text, "audit")
    assert "Nothing found" in said and "by Ada Okafor" in said
    for check in day.audit():
        assert check.said in said


def test_books_that_do_not_add_up_say_so(scene: Scene) -> None:
    scene.buy("one", (2_000,), "finish")
    with scene.store.transact() as tx:
        box = ledger.ACCOUNTS.c.name.like("kiosk:%")
        more = ledger.ACCOUNTS.c.debits_posted + 100
        tx.execute(sa.update(ledger.ACCOUNTS).where(box).values(debits_posted=more))
    with scene.client() as client:
        page = client.get("/books").text
    assert "Something does not add up" in part(page, "sides")
    assert 'aria-label="US dollars: the two sides differ"' in page


def test_before_anything_happened(scene: Scene) -> None:
    with scene.client() as client:
        assert "No purchase yet" in client.get("/").text
        assert (
            "Nobody bought anything here yet"
            in client.get(f"/kiosks/{scene.kiosks[0].machine}").text
        )
        assert "No payment yet" in client.get("/wallet").text
        assert "No audit was run" in client.get("/books").text
        assert "None. A kiosk that claims" in client.get("/kiosks").text
        assert 'id="alerts"' not in client.get("/books").text


def test_more_purchases_than_a_page(scene: Scene) -> None:
    moment = scene.clock.now()
    scene.buy("first", ())
    with scene.store.transact() as tx:
        row = dict(tx.execute(sa.select(PURCHASES)).mappings().one())
        for number in range(pages.LIST_ROWS * 2):
            more = {"id": new_id(scene.clock), "reference": f"TS-{number:03}-AAA-AAA"}
            tx.execute(sa.insert(PURCHASES).values(row | more | {"made_at": moment}))
    seen: list[str] = []
    path = "/"
    with scene.client() as client:
        while path:
            page = client.get(path).text
            seen += re.findall(r"TS-\S+", part(page, "list"))
            link = re.search(r'id="earlier" href="([^"]+)"', page)
            path = html.unescape(link[1]) if link else ""
        assert "Newest" in page
        assert len(client.get("/purchases.csv").text.splitlines()) == pages.LIST_ROWS * 2 + 2
    assert len(seen) == len(set(seen)) == pages.LIST_ROWS * 2 + 1


def test_search(day: Scene, ada: httpx.Client) -> None:
    view = day.named["settled 0"]
    spoken = view.reference.lower().replace("-", " ")
    for word in (view.reference, view.reference[:9], spoken, view.address, view.purchase):
        reply = ada.get("/search", params={"q": word})
        assert reply.headers.get("location") == f"/purchases/{view.purchase}", word
    shared = {name for name, other in day.named.items() if other.txid == view.txid}
    page = ada.get("/search", params={"q": view.txid[:8]}).text
    assert all(day.named[name].reference in page for name in shared) and len(shared) == 3
    reply = ada.get("/search", params={"q": "kiosk 0117"})
    assert reply.headers["location"] == f"/kiosks/{day.kiosks[1].machine}"
    page = ada.get("/search", params={"q": "kiosk"}).text
    assert all(label in page for label in ("Kiosk 0108", "Kiosk 0117", "Kiosk 0142"))


@pytest.mark.parametrize(
    "word", ["", "TS", "zzzz", "%%%%", "____", "\\\\\\\\", "<b>x</b>", "' or 1"]
)
def test_a_search_that_finds_nothing_is_friendly(ada: httpx.Client, word: str) -> None:
    reply = ada.get("/search", params={"q": word})
    assert reply.status_code == 200 and "Nothing begins like that" in reply.text
    assert "<b>x</b>" not in reply.text


def test_a_reference_as_people_read_it() -> None:
    assert queries.as_reference("ts 60z 63k c6r") == "TS-60Z-63K-C6R"
    assert queries.as_reference("TSO1L") == "TS-011"
    assert queries.as_reference("bcrt1q") == "BCRT1Q"


def test_the_strip_names_what_is_wrong_and_leads_there(day: Scene, opened: Open) -> None:
    page = opened("/books")
    strip = part(page, "alerts")
    assert "It is unknown whether a payment went out." in strip
    assert "2 more to look at" in strip
    assert "1 incident in the last 7 days." in strip
    assert f'href="/kiosks/{day.kiosks[0].machine}"' in page
    assert "Kiosk 0108" not in part(opened("/kiosks"), "alerts")


def test_a_low_and_an_old_wallet_are_said_with_their_figures(scene: Scene) -> None:
    with scene.store.transact() as tx:
        tx.execute(sa.update(WALLET).values(confirmed_sats=1_000, pending_sats=0))
    scene.serve(low_sats=5_000_000)
    with scene.client() as client:
        page = client.get("/books").text
        assert "It holds 0.00001000 BTC; the mark is 0.05000000 BTC." in part(page, "alerts")
        scene.clock.advance(300)
        assert "It was last read 5 min ago." in part(client.get("/books").text, "alerts")
        assert "These figures are old." in client.get("/wallet").text


def test_a_kiosk_is_silent_after_a_while(scene: Scene) -> None:
    scene.report(0)
    with scene.client() as client:
        scene.clock.advance(SILENT_S)
        assert "Not heard from" not in part(client.get("/kiosks").text, "list")
        scene.clock.advance(1)
        assert "Not heard from" in part(client.get("/kiosks").text, "list")


def test_a_fault_and_a_payment_that_needs_a_person(scene: Scene) -> None:
    purchase = scene.buy("one", (2_000,), "finish")
    scene.report(0, "fault", trouble="cash box full")
    with scene.store.transact() as tx:
        told = {"state": "person", "error": "the network refuses it: bad-txns"}
        tx.execute(sa.update(EFFECTS).values(told))
    with scene.client() as client:
        page = client.get("/wallet").text
        strip = part(page, "alerts")
        assert "Kiosk 0108: fault. cash box full" in strip
        assert "A payment needs a person. Nothing is tried again by itself." in strip
        assert f'href="/purchases/{purchase}"' in page
        assert "stopped at signed" in client.get("/").text


def test_a_signer_that_does_not_answer(scene: Scene) -> None:
    scene.network.signer_process.stop()
    try:
        with scene.client() as client:
            assert "Does not answer" in part(client.get("/wallet").text, "signer")
    finally:
        scene.network.signer_process.start()


def test_a_late_note_is_an_incident_that_says_where_the_cash_is(scene: Scene) -> None:
    counter, quote = scene.kiosks[2], scene.kiosks[2].start(scene.network.wallet.next_address())
    counter.insert(quote, 2_000)
    note = counter.ask(quote, 1_000)
    counter.close(quote, "refund")
    counter.stack(quote, note, 1_000, recovered=True)
    with scene.client() as client:
        page = client.get(f"/purchases/{quote.purchase}").text
    assert "A note came after its purchase had ended; the cash is owed back." in words(page)
    assert credit(scene, buy.CUSTOMERS_REFUNDS) == 3_000
