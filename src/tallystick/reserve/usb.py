"""A hardware signer on USB, asked through HWI where that is installed, and never believed.

HWI (Bitcoin Core's Hardware Wallet Interface; its answers as of 3.2.0) stays a program of its own:
it is being retired, so nothing depends on it, and what speaks to a device needs no place in this
process. Of what comes back only signatures that verify over our own bytes are taken. A PSBT goes in
by standard input: the arguments of a process are there for anybody to read.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tallystick.bitcoin import address as addresses
from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.descriptor import branches_of, keys_of, with_checksum
from tallystick.bitcoin.errors import BitcoinError
from tallystick.reserve import signing
from tallystick.reserve.key_errors import BadVault, Differs, UsbSignerRefuses
from tallystick.reserve.signer.way import account_of

ANSWER_BYTES_MAX: Final = 8_000_000
LOOK_S_MAX: Final = 60
PERSON_S_MAX: Final = 1_800
"""A person reads and presses; a Ledger takes about 10 minutes for 70 inputs."""
ADDRESSES_MAX: Final = 20
"""Each is shown on the device and pressed by hand."""
DEVICES_MAX: Final = 50
CHAINS: Final = {"bitcoin": "main", "testnet": "test", "signet": "signet", "regtest": "regtest"}
MAKERS: Final = {
    "ledger": "Ledger",
    "trezor": "Trezor",
    "keepkey": "KeepKey",
    "coldcard": "Coldcard",
    "bitbox02": "BitBox02",
    "jade": "Jade",
}
"""HWI's types, as `signers.toml` and the advisories call their makers."""


class _Seen(msgspec.Struct):
    type: str = ""
    model: str = ""
    path: str = ""
    fingerprint: str = ""
    needs_pin_sent: bool = False
    needs_passphrase_sent: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Plugged:
    """A device that HWI sees. ``trouble`` says why it cannot be used as it is, or is empty."""

    fingerprint: str
    maker: str
    model: str
    trouble: str

    @property
    def way(self) -> str:
        """Return what derived and signed, as a ceremony's record names it."""
        return f"HWI {self.maker}"


@dataclass(frozen=True, slots=True)
class Hwi:
    """HWI's command, and the network that the devices are asked about."""

    network: str
    command: str = "hwi"

    def plugged(self) -> list[Plugged]:
        """Return the devices that are plugged in; raise `UsbSignerRefuses`."""
        said = self._ask(("enumerate",), LOOK_S_MAX)
        try:
            found = msgspec.convert(said, list[_Seen])
        except msgspec.ValidationError as error:
            raise UsbSignerRefuses(f"HWI's list of devices cannot be read: {error}") from error
        return [
            Plugged(one.fingerprint, MAKERS.get(one.type, one.type), one.model, _trouble(one))
            for one in found[:DEVICES_MAX]
        ]

    def card(self, fingerprint: str) -> dict[str, str]:
        """Return what a ceremony must know of a device's key; firmware HWI does not tell.

        The key is the multisig account of BIP-48. Raises `UsbSignerRefuses`.
        """
        one = self._plugged(fingerprint)
        path = account_of(self.network)
        xpub = self._word(("getxpub", f"m/{path}"), "xpub", fingerprint, LOOK_S_MAX)
        return {
            "fingerprint": fingerprint,
            "origin": f"/{path}",
            "xpub": xpub,
            "network": self.network,
            "maker": one.maker,
            "model": one.model,
            "implementation": one.way,
        }

    def addresses(
        self, fingerprint: str, descriptor: str, first: int, count: int
    ) -> dict[str, Any]:
        """Have a device derive and show a vault's addresses, each pressed by its holder.

        ``descriptor`` is the vault's. Raises `BadVault` and `UsbSignerRefuses`.
        """
        if first < 0 or not 0 < count <= ADDRESSES_MAX:
            raise BadVault(f"from 1 to {ADDRESSES_MAX} addresses at once; each is pressed by hand")
        if fingerprint not in {key.fingerprint for key in keys_of(descriptor)}:
            raise BadVault(f"the descriptor holds no key of {fingerprint}")
        one, found = self._plugged(fingerprint), {}
        branch = branches_of(descriptor)[0]
        for number in range(first, first + count):
            asked = ("displayaddress", "--desc", with_checksum(branch.replace("/*", f"/{number}")))
            said = self._word(asked, "address", fingerprint, PERSON_S_MAX)
            try:
                found[str(number)] = addresses.check(said, self.network).address
            except BitcoinError as error:
                raise UsbSignerRefuses(f"it shows no address: {error}") from error
        return {"signer": fingerprint, "implementation": one.way, "addresses": found}

    def sign(self, fingerprint: str, psbt: str) -> str:
        """Have a device sign, once its holder has read it there; return our PSBT, now signed.

        Raises `BadPsbt` before anything is asked, `UsbSignerRefuses`, and `Differs` for anything
        that came back changed, or signed by another key.
        """
        ours = psbts.read(psbt)
        back = self._word(("signtx", ours.text()), "psbt", fingerprint, PERSON_S_MAX)
        joined = signing.join(ours.text(), [back])
        new = sorted(set(joined.signers) - set(signing.signers_of(ours)))
        if not new:
            raise UsbSignerRefuses("it signed nothing: refused there, or this form it cannot sign")
        if new != [fingerprint]:
            raise Differs(f"signed by {', '.join(new)}, asked was {fingerprint}")
        return joined.psbt

    def _plugged(self, fingerprint: str) -> Plugged:
        for one in self.plugged():
            if one.fingerprint == fingerprint:
                if one.trouble:
                    raise UsbSignerRefuses(f"{one.maker} {fingerprint}: {one.trouble}")
                return one
        raise UsbSignerRefuses(f"no device {fingerprint} is plugged in and unlocked")

    def _word(self, asked: Sequence[str], name: str, fingerprint: str, seconds: int) -> str:
        said = self._ask(asked, seconds, fingerprint)
        word = said.get(name) if isinstance(said, dict) else None
        if not isinstance(word, str) or not word:
            raise UsbSignerRefuses(f"HWI's answer to {asked[0]} holds no {name}")
        return word

    def _ask(self, asked: Sequence[str], seconds: int, fingerprint: str = "") -> Any:
        """Run HWI once. What is asked goes in by standard input, one word on each line."""
        which = ("--fingerprint", fingerprint) if fingerprint else ()
        command = [self.command, "--chain", CHAINS[self.network], *which, "--stdin"]
        lines = "".join(f"{_quoted(word)}\n" for word in asked) + "\n"
        try:
            done = subprocess.run(
                command, input=lines.encode(), capture_output=True, timeout=seconds, check=False
            )
        except FileNotFoundError as error:
            raise UsbSignerRefuses(f"{self.command} is not installed: pip install hwi") from error
        except subprocess.TimeoutExpired as error:
            raise UsbSignerRefuses(f"no answer within {seconds} s") from error
        if len(done.stdout) > ANSWER_BYTES_MAX:
            raise UsbSignerRefuses(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        try:
            said = msgspec.json.decode(done.stdout)
        except msgspec.DecodeError as error:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise UsbSignerRefuses(f"HWI ended with {done.returncode}: {''.join(last)}") from error
        if isinstance(said, dict) and "error" in said:
            raise UsbSignerRefuses(f"HWI says: {str(said['error'])[:200]}")
        return said


def _quoted(word: str) -> str:
    """Quote a word for HWI, which splits each line as a shell does; an h for a hardened step."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _trouble(one: _Seen) -> str:
    if one.needs_pin_sent:
        return "locked: enter its PIN first (hwi promptpin, hwi sendpin)"
    if one.needs_passphrase_sent:
        return "wants its passphrase first"
    return one.error[:200]
