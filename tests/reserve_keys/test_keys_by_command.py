"""A whole ceremony by command, with a signer in a process of its own; papers, frames, drills."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reserve_scene import Chain, devices, dice, plan_of, vault_of
from tallystick.cli import main
from tallystick.reserve import recovery
from tallystick.reserve.signer import __main__ as signer_program
from tallystick.reserve.signer.device import Device
from tallystick.reserve.vault import Kind


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def call(*words: str, ok: bool = True, does: str = "") -> Result:
        found = CliRunner(env={"HWI_DOES": does}).invoke(main, ["reserve", *words])
        assert (found.exit_code == 0) is ok, found.output
        return found

    return call


def signer(folder: Path, *words: str) -> dict:
    """Run the signer as a process of its own."""
    command = [sys.executable, "-m", "tallystick.reserve.signer", "--data", str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def in_process(folder: Path, *words: str) -> dict:
    """Answer as that process would, without starting one."""
    given = signer_program.arguments().parse_args(["--data", str(folder), *words])
    return signer_program.answer(given)


def write(path: Path, content: object) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_ceremony_by_command(run: Callable[..., Result], tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    id = run(
        *("ceremony", "begin", *data, "--network", "regtest", "--quorum", "2"),
        *("--led-by", "A. Notary", "treasury"),
    ).output.strip()
    asked = (signer, in_process, in_process)
    folders = [tmp_path / f"s{n}" for n in range(3)]
    for at, (ask, folder) in enumerate(zip(asked, folders, strict=True)):
        rolls = write(tmp_path / "dice", dice(at + 40))
        how = ("bdk", "embit", "bdk")[at]
        made = ask(folder, "make", "--implementation", how, "--dice-file", rolls)
        card = write(tmp_path / f"card{at}", made)
        maker = ("--maker", ("Ledger", "Jade", "Trezor")[at], "--firmware", "9.9")
        where = ("--custodian", f"holder {at}", "--place", f"site {at}")
        run("ceremony", "add", *data, *maker, *where, id, card)
    refused = run("ceremony", "add", *data, "--custodian", "x", "--place", "y", id, card, ok=False)
    assert "comes twice" in refused.output
    descriptor = run("ceremony", "form", *data, id).output.strip()
    for ask, folder in zip(asked, folders, strict=True):
        ask(folder, "register", "treasury", descriptor)
        said = write(tmp_path / "said", ask(folder, "addresses", "treasury"))
        run("ceremony", "derived", *data, id, said)
    psbt = str(tmp_path / "challenge.psbt")
    run("ceremony", "challenge", *data, "--out", psbt, id)
    assert "not tested yet" in run("ceremony", "status", *data, id).output
    for ask, folder in zip(asked, folders, strict=True):
        shown = ask(folder, "show", psbt)
        assert "Tallystick ceremony" in shown["signs_message"]
        out = str(tmp_path / "signed.psbt")
        ask(folder, "sign", psbt, "--confirm", shown["digest"], "--out", out)
        run("ceremony", "signed", *data, id, out)
    files = [str(tmp_path / name) for name in ("record.json", "RECOVERY.md", "RECOVERY.pdf")]
    run(
        *("ceremony", "close", *data, "--record", files[0], "--paper", files[1]),
        "--pdf",
        files[2],
        id,
    )
    record = json.loads(Path(files[0]).read_text())
    assert record["descriptor"] == descriptor and len(record["addresses"]) == 20
    assert recovery.blocks_of(Path(files[1]).read_text())["vault"]
    assert Path(files[2]).read_bytes().startswith(b"%PDF")
    first = run("vault", "address", *data, "--purpose", "first deposit", "treasury").output.strip()
    assert first == record["addresses"]["0"]
    assert "treasury" in run("vault", "list", *data).output
    assert json.loads(run("vault", "list", *data, "--json").output)[0]["name"] == "treasury"
    assert "first deposit" in run("vault", "show", *data, "treasury").output
    assert "No key" in run("vault", "check", *data).output
    newer = '[[advisory]]\nid="x"\nmaker="Jade"\npublished=2027-01-01\nsay="A fault."\n'
    newer += 'do="Rotate."\nsource="made up"\nread="text"\n'
    touched = run("vault", "check", *data, "--file", write(tmp_path / "a.toml", newer), ok=False)
    assert "A fault." in touched.output and "Rotate." in touched.output
    lost = json.loads((tmp_path / "card0").read_text())["fingerprint"]
    fresh = run(
        *("vault", "rotate", *data, "--lost", lost, "--as", "second", "--led-by", "N", "treasury")
    ).output.strip()
    assert "gathering" in run("ceremony", "status", *data, fresh).output
    run("ceremony", "abandon", *data, "--why", "a rehearsal", fresh)
    assert "no vault 'nothing'" in run("vault", "show", *data, "nothing", ok=False).output


def usb_signs(
    run: Callable[..., Result], folder: Path, descriptor: str, sent: str, signed: str, approved: str
) -> None:
    """The same movement, which one holder has signed, by a second one's device behind HWI."""
    device = Device(folder / "signer1")
    device.register("x", descriptor)
    hwi = folder / "signer1" / "hwi"
    hwi.write_text(f"#!{sys.executable}\n" + Path(__file__).with_name("hwi.py").read_text())
    hwi.chmod(0o700)
    write(folder / "signer1" / "about.json", device.describe())
    how = ("--network", "regtest", "--hwi", str(hwi))
    who, out = device.account.fingerprint, folder / "usb.psbt"
    assert f"{who} Trezor trezor_safe 3: ready" in run("usb", "list", *how).output
    card = json.loads(run("usb", "card", *how, who).output)
    said = device.describe()
    assert {k: card[k] for k in ("fingerprint", "origin", "xpub", "network", "maker")} == {
        **{k: said[k] for k in ("fingerprint", "origin", "xpub", "network")},
        "maker": "Trezor",
    }
    given = write(folder / "descriptor", descriptor)
    shown = json.loads(run("usb", "addresses", *how, "--first", "1", who, given).output)
    assert shown["addresses"] == device.addresses("x", 1, 1)["addresses"]
    for does, why in (
        ("nothing", "it signed nothing"),
        ("change", "output 1: script differs"),
        ("refuse", "signtx canceled"),
        ("fail", "cannot find a suitable libusb-1.0"),
    ):
        refused = run("usb", "sign", *how, "--out", str(out), who, sent, ok=False, does=does)
        assert why in refused.output and "coins: in the vaults, not moved" in refused.output
        assert not out.exists()
    assert "enter its PIN" in run("usb", "card", *how, who, ok=False, does="locked").output
    absent = ("--hwi", str(folder / "none"), who, sent)
    assert "not installed" in run("usb", "sign", "--out", str(out), *absent, ok=False).output
    run("usb", "sign", *how, "--out", str(out), who, signed)
    both = ", ".join(sorted((who, Device(folder / "signer0").account.fingerprint)))
    assert f"as approved, signed by {both}" in run("sign", "compare", approved, str(out)).output


def test_frames_there_and_back_and_what_came_back_is_compared(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    chain = Chain(tmp_path / "chain")
    holders = devices(tmp_path, 3, seed=33)
    vault = vault_of(Kind.SORTEDMULTI, holders, 2)
    chain.fund(vault, 0, 500_000)
    chain.mine()
    wallet = chain.wallet(tmp_path, vault)
    plan = plan_of(wallet, wallet.coins())
    sent, back = write(tmp_path / "sent.psbt", plan.psbt), str(tmp_path / "back.psbt")
    for form in ("bbqr", "ur"):
        lines = run("sign", "frames", "--form", form, sent).output.split()
        scanned = write(tmp_path / "scanned", "\n".join(reversed(lines)))
        run("sign", "read", "--out", back, scanned)
        assert Path(back).read_text() == plan.psbt
        picture = str(tmp_path / "moving.svg")
        run("sign", "frames", "--form", form, "--out", picture, sent)
        assert "<svg" in Path(picture).read_text()
    approved = write(tmp_path / "plan.json", plan.to_json())
    assert "signed by nobody" in run("sign", "compare", approved, back).output
    holders[0].register("x", vault.descriptor)
    shown = holders[0].show(plan.psbt)
    signed = write(tmp_path / "signed.psbt", holders[0].sign(plan.psbt, shown["digest"]))
    who = holders[0].account.fingerprint
    assert f"as approved, signed by {who}" in run("sign", "compare", approved, signed).output
    usb_signs(run, tmp_path, vault.descriptor, sent, signed, approved)
    other = write(tmp_path / "other.psbt", plan_of(wallet, wallet.coins(), sats=100_001).psbt)
    differs = run("sign", "compare", approved, signed, other, ok=False).output
    assert "other.psbt: output 0: amount differs: 100001, approved was 100000" in differs
    garbage = write(tmp_path / "garbage", "B$2P0101AA")
    assert "coins:" in run("sign", "read", "--out", back, garbage, ok=False).output
    chain.stop()


def test_a_drill_by_command(run: Callable[..., Result], tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    shape = ("--kind", "decaying", "--quorum", "2", "--keys", "2", "--older-blocks", "9")
    steps = json.loads(run("drill", *data, *shape, "--json").output)
    assert len(steps) == 4 and all(step["ok"] for step in steps)
    assert "Coldcard Mk3                  20 inputs" in run("vault", "kinds").output


def test_a_wallet_is_taken_over_by_command(run: Callable[..., Result], tmp_path: Path) -> None:
    holders = devices(tmp_path, 2, seed=50)
    vault = vault_of(Kind.SORTEDMULTI, holders, 2)
    about = {
        key.fingerprint: {"maker": key.maker, "firmware": "1.0", "custodian": "c", "place": "p"}
        for key in vault.keys
    }
    data = ("--data", str(tmp_path / "data"))
    run(
        *("vault", "import", *data, "--network", "regtest", "--used", "3", "0"),
        *("--keys", write(tmp_path / "keys", about), "old"),
        write(tmp_path / "descriptor", vault.descriptor),
    )
    shown = run("vault", "show", *data, "old").output
    assert shown.count("imported") == 5 and vault.descriptor in shown
    assert "reserve" in run("vault", "assign", *data, "--ledger", "reserve", "old").output
    run("vault", "assign", *data, "--ledger", "reserve", "old")
    other = run("vault", "assign", *data, "--ledger", "other", "old", ok=False).output
    assert "belongs to the ledger reserve" in other
    assert "     4 bcrt1q" in run("vault", "derive", *data, "--count", "1", "old").output
    paper = run("vault", "paper", *data, "old").output
    assert vault.descriptor in paper
