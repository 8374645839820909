"""Reading raw transactions: what they spend and what they pay. Pure, for audit and signer alike."""

from __future__ import annotations

from bdkpython import bdk

from tallystick.bitcoin.address import NETWORKS, check
from tallystick.bitcoin.errors import ChainRejects


def decode(raw: bytes) -> bdk.Transaction:
    """Parse a serialised transaction; raise `ChainRejects`."""
    try:
        return bdk.Transaction(raw)
    except bdk.TransactionError as error:
        raise ChainRejects(f"TX decode failed: {error}") from error


def outputs_of(raw: bytes) -> list[tuple[bytes, int]]:
    """Return each output's script and satoshis."""
    return [
        (bytes(out.script_pubkey.to_bytes()), out.value.to_sat()) for out in decode(raw).output()
    ]


def spent_by(raw: bytes) -> list[tuple[str, int]]:
    """Return the coins it spends, as transaction id and output number."""
    return [(str(i.previous_output.txid), i.previous_output.vout) for i in decode(raw).input()]


def txid_of(raw: bytes) -> str:
    """Return its identifier."""
    return str(decode(raw).compute_txid())


def script_of(address: str, network: str) -> bytes:
    """Return the script that an address stands for."""
    return check(address, network).script


def vsize_of(raw: bytes) -> int:
    """Return its virtual size in bytes (BIP-141), by which fees are reckoned."""
    return int(decode(raw).vsize())


def address_of(script: bytes, network: str) -> str:
    """Return the address that a script stands for, or the script in hex where there is none."""
    try:
        return str(bdk.Address.from_script(bdk.Script(script), NETWORKS[network]))
    except bdk.FromScriptError:
        return script.hex()
