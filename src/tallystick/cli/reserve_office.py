"""``tallystick reserve establish | serve | propose | …``: the office's verbs, on the server itself.

What needs an official's passkey is done in the console. What is here asks the same steps, which
check roles, law and state again; who sits at the server can do no more than who sits at a browser.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick.cli.law import DATE
from tallystick.cli.serve import DATA, DATABASE, PROXIES, database_of

if TYPE_CHECKING:
    from tallystick.core.store import Tx
    from tallystick.reserve.office import Office, Policy

CHAIN = click.option("--chain", required=True, help="Where the chain is, by its URL.")
BY = click.option("--by", required=True, help="An official's id, as `admin people` lists them.")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
YES = click.option("--yes", is_flag=True, help="Do not ask again before something is published.")
CONFIRMATIONS = "Blocks until something counts; 0 for 6 on mainnet, 3 on signet, 1 on regtest."


def register(group: click.Group) -> None:
    """Add these verbs to the group."""
    verbs = (establish, serve, origin, accept, propose, movements, authorise, take, finish, bump)
    for command in (*verbs, veto, freeze, thaw, codes, watch, prove, audit):
        group.add_command(command)


def opened(data: Path, database: str, chain: str = "") -> Office:
    """Open the office; without a chain only what needs none can be done."""
    from tallystick.bitcoin.chain import open_chain
    from tallystick.core.clock import SystemClock
    from tallystick.core.store import Store
    from tallystick.reserve.office import Office, policy_of

    store = Store.open(database_of(data, database))
    store.migrate()
    where = chain or "embedded:http://127.0.0.1:1"
    return Office(store, SystemClock(), open_chain(where), data / "office", policy_of(data))


def done(office: Office, act: Callable[[], Any]) -> Any:
    """Run one step; say a refusal with its number and where the coins are."""
    from tallystick.core.errors import TallystickError

    try:
        return act()
    except TallystickError as error:
        where = f"(error {error.code}; the coins: {error.money})"
        raise click.ClickException(f"{error} {where}") from error
    finally:
        office.store.close()


def step(office: Office, act: Callable[[Tx], Any]) -> Any:
    """Run one step in one transaction."""

    def run() -> Any:
        with office.store.transact() as tx:
            return act(tx)

    return done(office, run)


def kept_policy(data: Path, given: dict[str, Any]) -> Policy:
    """Return the office's policy with what is given changed and kept; a bad figure is refused."""
    import msgspec

    from tallystick.reserve import office
    from tallystick.reserve.errors import ReserveError

    try:
        policy = msgspec.structs.replace(office.policy_of(data), **given)
        office.keep_policy(data, policy)
    except ReserveError as error:
        raise click.UsageError(str(error)) from error
    return policy


def look_first(published: str, yes: bool) -> None:
    """Show what will be published, and let whoever sits at the terminal think again."""
    from tallystick.reserve import words

    click.echo(f"{words.WARNING}\n  {published}", err=True)
    if sys.stdin.isatty() and not yes:
        click.confirm("Publish this?", abort=True, err=True)


@click.command()
@DATA
@DATABASE
@click.option("--mandate", required=True, help="A code, as `reserve mandates` lists them.")
@click.option("--since", type=DATE, required=True, help="From which day the board is bound.")
@click.option("--by", required=True, help="The officer's name.")
@click.option("--source", required=True, help="The board's resolution, or the statute.")
def establish(
    data: Path, database: str, mandate: str, since: dt.datetime, by: str, source: str
) -> None:
    """Put this reserve under a mandate, once and by name; it is journalled."""
    from tallystick.reserve import charter

    office = opened(data, database)
    given = (office.clock, mandate, since.date(), by, source)
    held = step(office, lambda tx: charter.establish(tx, *given))
    click.echo(f"This reserve is under {held.mandate.name} ({held.mandate.code}).")


@click.command()
@DATA
@DATABASE
@CHAIN
@click.option("--console-port", type=int, default=0, help="0 takes a free one.")
@click.option("--public-port", type=int, default=0, help="0 takes a free one.")
@click.option("--origin", default="", help="The console's address as browsers see it.")
@click.option("--address", default="", help="The public page's address as readers see it.")
@click.option("--log-policy", type=FILE, help="A tlog-policy, whose witnesses are asked to cosign.")
@click.option(
    "--anchor/--no-anchor", default=None, help="Movements take the log's root along, OP_RETURN."
)
@click.option("--confirmations", "confirmations_needed", type=int, help=CONFIRMATIONS)
@click.option("--fee-rate", "fee_sat_per_kvb", type=int, help="Satoshis for 1,000 virtual bytes.")
@click.option("--fee-max", "fee_sats_max", type=int, help="A movement's highest first fee, sats.")
@click.option("--inputs", "inputs_max", type=int, help="The most inputs that your signers take.")
@click.option("--ahead-s", type=float, default=0, help="For demonstrations: the clock set ahead.")
@PROXIES
@click.option("--ready-file", type=click.Path(path_type=Path))
def serve(
    data: Path,
    database: str,
    chain: str,
    console_port: int,
    public_port: int,
    origin: str,
    address: str,
    log_policy: Path | None,
    proxies: tuple[str, ...],
    ahead_s: float,
    ready_file: Path | None,
    **given: int | bool | None,
) -> None:
    """Serve the officials' console and the public page on loopback, and watch every block.

    What is given of confirmations, fees, inputs and the anchor is kept in the data folder, for the
    next start and for the other commands there.
    """
    from tallystick.web.reserve import server

    policy = kept_policy(data, {name: v for name, v in given.items() if v is not None})
    settings = server.Settings(
        data=data,
        database=database_of(data, database),
        chain=chain,
        console_port=console_port,
        public_port=public_port,
        origin=origin,
        address=address,
        ahead_s=ahead_s,
        log_policy=log_policy,
        trusted_proxies=proxies,
        policy=policy,
    )
    server.run(settings, ready_file)


@click.command()
@DATA
@DATABASE
@BY
@YES
@click.argument("coin")
@click.argument("origin_file", type=FILE)
def origin(data: Path, database: str, by: str, yes: bool, coin: str, origin_file: Path) -> None:
    """Register where a COIN (txid:vout) came from, as JSON; another official confirms it.

    Names of private givers and sellers are sealed in the vault, and published nowhere.
    """
    import msgspec

    from tallystick.core.vault import Vault
    from tallystick.reserve import lots, privacy
    from tallystick.reserve.model import Origin

    try:
        said = msgspec.json.decode(origin_file.read_bytes(), type=Origin)
    except msgspec.MsgspecError as error:
        raise click.ClickException(f"{origin_file.name}: {error}") from error
    txid, _, vout = coin.partition(":")
    if not vout.isdigit():
        raise click.BadParameter("a coin is txid:vout")
    shown = privacy.shown(said)
    look_first(json.dumps(shown), yes)
    office = opened(data, database)
    given = (office.clock, (txid, int(vout)), said, by)
    vault = Vault(data / "vault", office.clock)
    made = step(office, lambda tx: lots.register(tx, *given, vault))
    if made is None:
        raise click.ClickException("the mandate does not let it in; the refusal is on record")
    click.echo(
        f"Proposal {made.id}: another official approves it in the console, which makes the lot."
    )


@click.command()
@DATA
@DATABASE
@BY
@click.argument("coin")
def accept(data: Path, database: str, by: str, coin: str) -> None:
    """Make the lot of a COIN whose origin another official has confirmed."""
    from tallystick.reserve import lots

    txid, _, vout = coin.partition(":")
    office = opened(data, database)
    at = (txid, int(vout) if vout.isdigit() else 0)
    made = step(office, lambda tx: lots.accept(tx, office.clock, at, by))
    click.echo(f"Lot {made.id}: {made.sats} sats, {made.origin.kind}, deposited {made.deposited}")


@click.command()
@DATA
@DATABASE
@CHAIN
@BY
@click.option("--act", required=True, help="sale, release, transfer, refresh, rotate, encumber …")
@click.option("--vault", required=True)
@click.option("--pay", multiple=True, help="ADDRESS=BTC; for what leaves the reserve.")
@click.option("--coin", multiple=True, help="txid:vout, in the order in which they go in.")
@click.option("--order", multiple=True, help="LOT=ORDER: a court's final order for a lot.")
@click.option("--to-vault", default="", help="A rotation: the vault under new keys.")
@click.option("--why", required=True, help="For the public notice, word for word.")
@click.option("--parts", is_flag=True, help="A refresh or rotation of many coins, in lawful parts.")
@YES
def propose(
    data: Path, database: str, chain: str, by: str, parts: bool, yes: bool, **given: Any
) -> None:
    """Propose a movement: the mandate is asked first. Exits 1 if it is refused, 2 if referred."""
    from tallystick.core.money import BTC, parse
    from tallystick.reserve.propose import Pay, Wanted, in_parts
    from tallystick.reserve.propose import propose as make

    pairs = [text.partition("=") for text in given["pay"]]
    pays = tuple(Pay(address, parse(btc, BTC).minor) for address, _, btc in pairs)
    orders = tuple((lot, text) for lot, _, text in (o.partition("=") for o in given["order"]))
    wanted = Wanted(
        given["act"], given["vault"], tuple(given["coin"]), pays, orders, given["why"],
        given["to_vault"],
    )  # fmt: skip
    look_first(f"{wanted.act}: {'; '.join([wanted.why, *(text for _, text in orders)])}", yes)
    office = opened(data, database, chain)
    step = (lambda: in_parts(office, wanted, by)) if parts else lambda: [make(office, wanted, by)]
    found = done(office, step)
    for made in found:
        click.echo(
            f"{made.reference} is {made.state}: {made.said['answer']} by {made.said['mandate']}"
        )
        for item in (*made.said["because"], *made.said["must"]):
            click.echo(f"  {item['id']}: {item['say']} ({item['cite']})")
    sys.exit(max({"refused": 1, "referred": 2}.get(made.state.value, 0) for made in found))


@click.command()
@DATA
@DATABASE
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def movements(data: Path, database: str, as_json: bool) -> None:
    """List the movements, the newest first, with their states."""
    from tallystick.reserve import queries

    office = opened(data, database)
    found = step(office, lambda tx: queries.movements(tx))
    if as_json:
        rows = [
            {"reference": m.reference, "act": m.act, "state": m.state, "sats": m.sats}
            for m in found
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    for one in found:
        click.echo(f"{one.reference}  {one.state:<11}{one.act:<10}{one.sats:>18,} sats  {one.why}")


@click.command()
@DATA
@DATABASE
@BY
@click.argument("movement")
def authorise(data: Path, database: str, by: str, movement: str) -> None:
    """Let the key holders sign a movement whose approvals and notice are complete."""
    from tallystick.reserve import approve

    office = opened(data, database)
    made = step(office, lambda tx: approve.authorise(tx, office.clock, movement, by))
    click.echo(f"{made.reference} is {made.state}")


@click.command()
@DATA
@DATABASE
@CHAIN
@click.argument("movement")
@click.argument("which", type=click.Choice(["pay", "cancel"]))
@click.argument("psbt", type=FILE)
def take(data: Path, database: str, chain: str, movement: str, which: str, psbt: Path) -> None:
    """Take a signed PSBT, in base 64 or bytes; whatever differs from what was approved is named."""
    from tallystick.bitcoin.psbt import PSBT_BYTES_MAX
    from tallystick.reserve import move

    with psbt.open("rb") as file:
        body = file.read(2 * PSBT_BYTES_MAX)
    given: str | bytes = body if body.startswith(b"psbt") else body.decode("ascii", "replace")
    office = opened(data, database, chain)
    keys = done(office, lambda: move.receive(office, movement, which, given))
    click.echo(f"Signed by {', '.join(keys)}")


@click.command()
@DATA
@DATABASE
@CHAIN
@click.argument("movement")
def finish(data: Path, database: str, chain: str, movement: str) -> None:
    """Combine what was signed, check it by script, and store it to be sent by `reserve serve`."""
    from tallystick.reserve import move

    office = opened(data, database, chain)
    made = done(office, lambda: move.finish(office, movement))
    click.echo(f"{made.reference} is {made.state}")


@click.command()
@DATA
@DATABASE
@CHAIN
@click.option("--fee-rate", type=int, required=True, help="Satoshis for 1,000 virtual bytes.")
@click.argument("movement")
def bump(data: Path, database: str, chain: str, fee_rate: int, movement: str) -> None:
    """Plan a stuck movement anew at a higher fee, within the bound that officials approved.

    Nothing but the fee and the rest changes, and the quorum signs both transactions again: take
    them from the console, or from `reserve take`. Until then the former one stays as it was sent.
    """
    from tallystick.reserve import move

    office = opened(data, database, chain)
    made = done(office, lambda: move.raise_fee(office, movement, fee_rate))
    fee = f"{made.fee_sats:,} of at most {made.fee_sats_max:,} sats"
    click.echo(f"{made.reference}: a fee of {fee}; the quorum signs again.")


@click.command()
@DATA
@DATABASE
@BY
@click.option("--why", required=True, help="Published, word for word.")
@click.argument("movement")
def veto(data: Path, database: str, by: str, why: str, movement: str) -> None:
    """Stop a movement; one that is signed already is beaten by its cancel."""
    from tallystick.reserve import approve

    office = opened(data, database)
    made = step(office, lambda tx: approve.veto(tx, office.clock, movement, by, why))
    click.echo(f"{made.reference} is {made.state}")


@click.command()
@DATA
@DATABASE
@BY
@click.option("--why", required=True, help="For officials: the log holds it sealed.")
def freeze(data: Path, database: str, by: str, why: str) -> None:
    """Freeze the reserve at once: nothing moves until two officials thaw it."""
    from tallystick.reserve import charter

    office = opened(data, database)
    fresh = step(office, lambda tx: charter.freeze_by(tx, office.clock, by, why))
    click.echo("Frozen." if fresh else "It was frozen already.")


@click.command()
@DATA
@DATABASE
@BY
@click.option("--proposal", default="", help="The proposal to carry out; left out, one is made.")
def thaw(data: Path, database: str, by: str, proposal: str) -> None:
    """Propose to thaw the reserve, or do it once two officials agreed and a day has passed."""
    from tallystick.reserve import charter

    office = opened(data, database)
    if proposal:
        step(office, lambda tx: charter.thaw(tx, office.clock, proposal, by))
        click.echo("Thawed.")
        return
    made = step(office, lambda tx: charter.propose_thaw(tx, office.clock, by))
    click.echo(
        f"Proposal {made.id}: treasurer and auditor approve it in the console, and a day passes."
    )


@click.command()
@DATA
@DATABASE
@BY
def codes(data: Path, database: str, by: str) -> None:
    """Set an official's own code, and the other one that freezes the reserve unseen."""
    from tallystick.reserve import codes as codes_

    own = click.prompt("Your own code", hide_input=True, confirmation_prompt=True)
    other = click.prompt("The code that freezes", hide_input=True, confirmation_prompt=True)
    office = opened(data, database)
    step(office, lambda tx: codes_.put(tx, office.clock, by, own, other))
    click.echo("Both are set.")


@click.command()
@DATA
@DATABASE
@CHAIN
def watch(data: Path, database: str, chain: str) -> None:
    """Look at the chain once, and list the alarms that stand. Exits 1 if there is one."""
    from tallystick.reserve import record
    from tallystick.reserve import watch as watching

    office = opened(data, database, chain)

    def look() -> list[dict[str, Any]]:
        watching.look(office)
        with office.store.read() as tx:
            return record.alarms(tx)

    standing = done(office, look)
    for one in standing:
        click.echo(f"{one['at']:%Y-%m-%d %H:%M}  {one['kind']:<20}{one['detail']}")
    sys.exit(1 if standing else 0)


@click.command()
@DATA
@DATABASE
@CHAIN
@click.option("--signed", multiple=True, help="PART=FILE: signed PSBTs of a proof under way.")
@click.option("--id", "id_", default="", help="The proof under way; left out, one is begun.")
@click.option("--owed", type=FILE, help='Claims on these coins, as JSON: {"account": sats}.')
def prove(
    data: Path, database: str, chain: str, signed: tuple[str, ...], id_: str, owed: Path | None
) -> None:
    """Begin a proof of reserve and write what the quorums sign; with --signed, finish it.

    With --owed the total of the claims is stated with the root of their tree, and each creditor's
    shares are written to the folder proofs/ID/shares: hand each their own, and nobody else's.
    """
    from tallystick.reserve import attest

    office = opened(data, database, chain)
    if not id_:
        tree = _claims(office, owed) if owed else None
        found = done(office, lambda: attest.begin(office, tree.root if tree else None))
        if tree:
            _shares(tree, data / "proofs" / found.id / "shares")
        folder = data / "proofs" / found.id
        folder.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(found.parts):
            (folder / f"{number}.psbt").write_text(part.request.psbt)
        click.echo(f"Proof {found.id} at block {found.height}: sign each file in {folder}")
        return
    parts: dict[int, list[str | bytes]] = {}
    for text in signed:
        part_number, _, name = text.partition("=")
        parts.setdefault(int(part_number), []).append(Path(name).read_text().strip())
    made = done(office, lambda: attest.finish(office, id_, parts))
    click.echo(f"Proof {made.id} is {made.state}; `reserve serve` publishes it beside the log.")


def _claims(office: Office, path: Path) -> Any:
    """Read claims and build their tree."""
    import msgspec

    from tallystick.core.errors import TallystickError
    from tallystick.reserve.liabilities import Tree

    try:
        claims = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
        return Tree(claims, office.clock)
    except (msgspec.MsgspecError, TallystickError) as error:
        raise click.ClickException(f"{path.name}: {error}") from error


def _shares(tree: Any, folder: Path) -> None:
    """Write each creditor's shares to a file of their own, readable by its owner only."""
    import msgspec

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    accounts = sorted({part[0] for part in tree.parts if part[0]})
    for number, account in enumerate(accounts):
        path = folder / f"{number}.json"
        path.write_bytes(msgspec.json.encode({"root": tree.root, "shares": tree.shares(account)}))
        path.chmod(0o600)


@click.command()
@DATA
@DATABASE
@CHAIN
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def audit(data: Path, database: str, chain: str, as_json: bool) -> None:
    """Follow every lot again from its deposit, and compare books, chain and log. Exits 1 if not."""
    from tallystick.reserve import audit as auditing

    office = opened(data, database, chain)

    def run() -> list[auditing.Check]:
        with office.store.read() as tx:
            return auditing.audit(tx, office.chain)

    table = done(office, run)
    if as_json:
        rows = [{"name": line.name, "ok": line.ok, "said": line.said} for line in table]
        click.echo(json.dumps(rows, indent=1))
    else:
        for line in table:
            click.echo(f"{'ok  ' if line.ok else 'FAIL'}  {line.name:<48}  {line.said}")
    sys.exit(0 if all(line.ok for line in table) else 1)
