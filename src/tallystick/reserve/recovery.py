"""The recovery paper: how to get a vault's coins with Bitcoin Core alone, without us.

It is filled in for one vault and printed at the ceremony. A test takes the commands from the paper
and runs them against a real bitcoind, so what is printed is what works. It holds no secret: whoever
finds it can watch the vault and spend nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final

from tallystick.bitcoin.descriptor import body_of
from tallystick.reserve.signer.way import account_of
from tallystick.reserve.vault import Path, Vault, VaultKey
from tallystick.reserve.vaults import address_at

RANGE: Final = 1_000
"""Addresses of each branch that the paper has Bitcoin Core look at, beyond the highest issued."""
DAY: Final = dt.timedelta(days=1)
FEE_SAT_PER_VB: Final = 10
CHAIN_FLAGS: Final = {
    "bitcoin": "",
    "testnet": " -testnet",
    "signet": " -signet",
    "regtest": " -regtest",
}
WORDS_TO_KEY: Final = """\
python3 - <<'END'
import getpass, hashlib, hmac
words = " ".join(getpass.getpass("words: ").split()).encode()
seed = hashlib.pbkdf2_hmac("sha512", words, b"mnemonic", 2048)
node = hmac.new(b"Bitcoin seed", seed, "sha512").digest()
raw = bytes.fromhex("{version}") + bytes(9) + node[32:] + b"\\0" + node[:32]
raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
number, text = int.from_bytes(raw, "big"), ""
while number:
    number, rest = divmod(number, 58)
    text = letters[rest] + text
print(text)
END
"""
"""BIP-39 and the root of BIP-32, which need no curve: every Python can do it."""


def paper(
    vault: Vault, made_at: dt.datetime, highest: int = 0, record: str = "", beyond: int = RANGE
) -> str:
    """Return the paper of a vault as Markdown.

    ``highest`` is the highest address number issued, and so many ``beyond`` it are looked at;
    ``record`` is the digest of the ceremony's own record.
    """
    parts = [
        _head(vault, made_at, record),
        _what_you_need(vault),
        _keys(vault),
        _watch(vault, made_at, highest + beyond),
        _sign(vault, Path.QUORUM, highest + beyond),
    ]
    if vault.older_blocks:
        parts.append(_sign(vault, Path.RECOVERY, highest + beyond))
    return "\n".join((*parts, _afterwards(vault)))


def blocks_of(text: str) -> dict[str, str]:
    """Return the paper's commands by the name that the line above each block gives it."""
    found = re.findall(r"<!-- (\S+) -->\n```sh\n(.*?)```", text, re.S)
    return dict(found)


def _block(name: str, commands: str) -> str:
    return f"<!-- {name} -->\n```sh\n{commands.rstrip()}\n```\n"


def _head(vault: Vault, made_at: dt.datetime, record: str) -> str:
    named = f" The ceremony's record has the digest `{record}`." if record else ""
    return f"""\
# Recovery of the vault “{vault.name}”

This paper gets the coins of one vault out with Bitcoin Core alone. It needs no other program, no
server and nobody's help but that of enough key holders. It holds no secret: with it one can watch
the vault and spend nothing. Keep it with each key's backup, and where a court would find it.

- Network: {vault.network}. Written on {made_at:%d %B %Y}.{named}
- Way out at any time: {_who(vault, Path.QUORUM)}.
{_later(vault)}- First address, to compare with your devices: `{address_at(vault, 0, 0)}`
"""


def _later(vault: Vault) -> str:
    if not vault.older_blocks:
        return "- There is no other way out: fewer keys than that, and the coins are lost.\n"
    return (
        f"- Way out of a coin that has lain still for {vault.older_blocks:,} blocks"
        f" (about {vault.older_blocks // 144} days): {_who(vault, Path.RECOVERY)}.\n"
    )


def _who(vault: Vault, path: Path) -> str:
    if path is Path.RECOVERY and vault.with_role("recovery"):
        return f"{vault.recovery_quorum} of the {len(vault.with_role('recovery'))} recovery keys"
    return f"{vault.signatures_needed(path)} of the {len(vault.with_role('quorum'))} quorum keys"


def _what_you_need(vault: Vault) -> str:
    version = "0488ade4" if vault.network == "bitcoin" else "04358394"
    return f"""\
## 1. What you need

1. Bitcoin Core 28 or newer, its chain in step, on a computer that you trust: the coins are only as
   safe as it is while private keys are on it. Better, let each holder do step 4 on a computer of
   their own that has never been online, and carry the PSBT text there and back.
2. Of each key used, the master key from the backup card: it begins with `xprv` or `tprv`. A card
   that has only 24 words is turned into it by this, which asks for them (a passphrase, where there
   is one, goes behind `mnemonic`):

{_block("words", WORDS_TO_KEY.replace("{version}", version))}
3. An address to send the coins to. Check it twice; nothing can be called back.

Type the commands as they stand, in one terminal from first to last. A line that fails changes
nothing: read what it says and try again.
"""


def _keys(vault: Vault) -> str:
    rows = [
        f"| {at + 1} | {key.role} | `{key.fingerprint}` | `m{key.origin}` | {_made(key)} "
        f"| {key.custodian} | {key.place} |"
        for at, key in enumerate(vault.keys)
    ]
    xpubs = "\n".join(f"{at + 1}. `{key.xpub}`" for at, key in enumerate(vault.keys))
    return f"""\
## 2. The keys

| key | role | fingerprint | path | made by | holder | place |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

{xpubs}

The vault itself is this one line. Every public key above is in it; **without this line enough
words do not suffice**, for a script needs the keys of all.

{_block("vault", _variables(vault))}
"""


def _made(key: VaultKey) -> str:
    return " ".join(part for part in (key.maker, key.model, key.firmware) if part)


def _variables(vault: Vault) -> str:
    flag, name = CHAIN_FLAGS[vault.network], vault.descriptor.partition("#")[2]
    return f"cli() {{ bitcoin-cli{flag} \"$@\"; }}\nWALLET={name}\nVAULT='{vault.descriptor}'"


def _watch(vault: Vault, made_at: dt.datetime, last: int) -> str:
    since = int((made_at - DAY).timestamp())
    commands = f"""\
cli -named createwallet wallet_name="watch-$WALLET" disable_private_keys=true blank=true
cli -rpcwallet="watch-$WALLET" importdescriptors \\
  "[{{\\"desc\\":\\"$VAULT\\",\\"timestamp\\":{since},\\"active\\":true,\\"range\\":[0,{last}]}}]"
cli -rpcwallet="watch-$WALLET" getbalances
"""
    return f"""\
## 3. See the coins

This makes a wallet that can see and not spend. It reads the chain since the day before the vault
was made, which can take hours.

{_block("watch", commands)}
If the balance is not what you expect, a higher address may have been used: raise {last:,}.
"""


def _sign(vault: Vault, path: Path, last: int) -> str:
    quorum = path is Path.QUORUM
    keys = vault.with_role("quorum" if quorum or not vault.with_role("recovery") else "recovery")
    needed = vault.signatures_needed(path)
    number = 4 if quorum else 5
    title = "with the quorum" if quorum else f"after {vault.older_blocks:,} blocks"
    intro = (
        f"Any {needed} of these keys: {', '.join(f'`{key.fingerprint}`' for key in keys)}."
        if quorum
        else f"Only for coins that have lain still for {vault.older_blocks:,} blocks; the others "
        f"are left where they are. Any {needed} of: "
        f"{', '.join(f'`{key.fingerprint}`' for key in keys)}."
    )
    return f"""\
## {number}. Get them out {title}

{intro} First it asks where the coins go. The fee is {FEE_SAT_PER_VB} satoshis for one virtual byte;
for another, write `FEE=25` before it.

{_block(f"{path}-make", _make(vault, path))}
Then this, once for each of {needed} keys. It asks for the key's fingerprint and its master key,
which is not shown as it is typed. The wallet that it makes holds that one key; delete it later.

{_block(f"{path}-sign", _sign_commands(vault, path, last))}
When {needed} have signed, join what they signed, look at it, and send it. `decodepsbt` shows where
every coin goes; stop if it is not where you mean.

{_block(f"{path}-send", _send(path))}
"""


def _make(vault: Vault, path: Path) -> str:
    start = '[ -n "${DESTINATION:-}" ] || read -rp "destination: " DESTINATION\n'
    start += f'FEE="${{FEE:-{FEE_SAT_PER_VB}}}"\nSIGNED=""\n'
    sequence = vault.sequence(path)
    depth = vault.older_blocks if path is Path.RECOVERY else 1
    return (
        start
        + rf"""INPUTS="$(cli -rpcwallet="watch-$WALLET" listunspent {depth} | sed -n \
  -e 's/.*"txid": "\(.*\)",/{{"txid":"\1",/p' \
  -e 's/.*"vout": \(.*\),/"vout":\1,"sequence":{sequence}}},/p' | tr -d '\n' | sed 's/,$//')"
PSBT="$(cli -rpcwallet="watch-$WALLET" -named sendall recipients="[\"$DESTINATION\"]" \
  fee_rate="$FEE" options="{{\"psbt\":true,\"inputs\":[$INPUTS]}}" \
  | sed -n 's/.*"psbt": "\([^"]*\)".*/\1/p')"
echo "$PSBT"
"""
    )


def _sign_commands(vault: Vault, path: Path, last: int) -> str:
    account = account_of(vault.network)
    return rf"""[ -n "${{FINGERPRINT:-}}" ] || read -rp "fingerprint: " FINGERPRINT
[ -n "${{MASTER:-}}" ] || read -rsp "master key: " MASTER
OWN="$(printf '%s' "${{VAULT%#*}}" \
  | sed "s#\[$FINGERPRINT/[0-9h/]*\][a-zA-Z0-9]*#$MASTER/{account}#")"
SUM="$(cli getdescriptorinfo "$OWN" | sed -n 's/.*"checksum": "\([^"]*\)".*/\1/p')"
cli -named createwallet wallet_name="key-$FINGERPRINT-$WALLET-{path}" blank=true
cli -rpcwallet="key-$FINGERPRINT-$WALLET-{path}" importdescriptors \
  "[{{\"desc\":\"$OWN#$SUM\",\"timestamp\":\"now\",\"active\":true,\"range\":[0,{last}]}}]"
ONE="$(cli -rpcwallet="key-$FINGERPRINT-$WALLET-{path}" -named walletprocesspsbt psbt="$PSBT" \
  finalize=false | sed -n 's/.*"psbt": "\([^"]*\)".*/\1/p')"
SIGNED="$SIGNED${{SIGNED:+,}}\"$ONE\""
unset FINGERPRINT MASTER OWN
"""


def _send(path: Path) -> str:
    return r"""JOINED="$(cli combinepsbt "[$SIGNED]")"
cli decodepsbt "$JOINED"
RAW="$(cli finalizepsbt "$JOINED" | sed -n 's/.*"hex": "\([^"]*\)".*/\1/p')"
cli testmempoolaccept "[\"$RAW\"]"
cli sendrawtransaction "$RAW"
"""


def _afterwards(vault: Vault) -> str:
    return f"""\
## Afterwards

Wait for six confirmations. Remove the wallets `watch-…` and `key-…` with `unloadwallet` and
delete their folders: they held private keys. Keep this paper for as long as anybody may still pay
to an address of this vault: such a coin is got out in the same way.

The line of the vault again, without its checksum, to be read aloud:
`{body_of(vault.descriptor)}`
"""


def papers(vaults: Sequence[tuple[Vault, dt.datetime]]) -> str:
    """Return the papers of several vaults in one text, as for a reserve with retired vaults."""
    return "\n\n".join(paper(vault, made_at) for vault, made_at in vaults)
