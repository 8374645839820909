"""An attestation on paper: the same figures as the signed JSON, for people who read and file it.

The PDF adds nothing and is not what is signed; it says how to check the file that is. Made by
WeasyPrint from our own HTML with the shared fonts.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from tallystick.core.money import BTC, Amount
from tallystick.look import FOLDER
from tallystick.reserve.attest import Open

COINS_SHOWN_MAX: Final = 500
STYLE: Final = """
@page { size: A4; margin: 18mm 16mm 20mm;
  @bottom-right { content: counter(page) " of " counter(pages); font: 9pt "Tally Text"; } }
body { font: 10pt/1.45 "Tally Text"; color: #000; background: #fff; }
h1 { font-size: 20pt; margin: 0 0 3mm; }
h2 { font-size: 12.5pt; margin: 7mm 0 2mm; break-after: avoid; }
table { border-collapse: collapse; width: 100%; font-size: 9pt; }
th, td { text-align: left; padding: 1.2mm 2mm 1.2mm 0; border-bottom: .5pt solid #777;
  vertical-align: top; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.code { font-family: "Tally Mono"; font-size: 7.6pt; overflow-wrap: anywhere; }
"""


def _btc(sats: int) -> str:
    return Amount(sats, BTC).decimal()


def as_html(found: Open) -> str:
    """Return an attestation as one page of HTML."""
    said = found.statement
    facts = [
        ("Mandate", f"{said['mandate']['name']} ({said['mandate']['code']})"),
        ("Held by", said["holder"]),
        ("At block", f"{said['height']:,}, {said['block']}"),
        ("Stated", said["at"]),
        ("In the log", f"entry {found.entry} of {found.log_size}, root {found.log_root}"),
        ("Of the reserve", f"{_btc(said['totals']['reserve'])} BTC"),
        ("Other assets", f"{_btc(said['totals']['other'])} BTC, kept apart"),
        (
            "Owed to others",
            f"{_btc(said['owed']['sats'])} BTC" if said["owed"] else "nothing stated",
        ),
        ("Next proof by", str(said["limits"]["next_proof"])),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Proof of reserve {found.id}</title>"
        f'<link rel="stylesheet" href="tokens.css"><style>{STYLE}</style></head>'
        f"<body><h1>Proof of reserve</h1>{_facts(facts)}"
        f"{_vaults(said)}{_lots(said)}{_coins(said)}{_how(found)}</body></html>"
    )


def _facts(rows: list[tuple[str, str]]) -> str:
    body = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows)
    return f"<table>{body}</table>"


def _table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    body = "".join(
        "<tr>" + "".join(f"<td class='{_look(cell)}'>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<h2>{escape(title)}</h2><table><thead><tr>{top}</tr></thead>{body}</table>"


def _look(cell: str) -> str:
    if cell.replace(",", "").replace(".", "").isdigit():
        return "n"
    return "code" if len(cell) > 40 and " " not in cell else ""


def _vaults(said: dict[str, Any]) -> str:
    rows = [
        (v["name"], f"{v['quorum']} of {v['keys']}", v["state"], v["descriptor"])
        for v in said["vaults"]
    ]
    return _table("Vaults", ("Name", "Quorum", "State", "Descriptor"), rows)


def _lots(said: dict[str, Any]) -> str:
    rows = [
        (
            one["deposited"],
            one["origin"]["kind"],
            one["origin"].get("case") or one["origin"].get("source") or "",
            _btc(one["came_in_sats"]),
            _btc(one["held_sats"]),
            one["no_sale_before"] or "–",
        )
        for one in said["lots"]
    ]
    heads = ("Deposited", "Origin", "Case or source", "Came in", "Held", "No sale before")
    return _table("Lots", heads, rows)


def _coins(said: dict[str, Any]) -> str:
    shown = said["coins"][:COINS_SHOWN_MAX]
    rows = [(one["address"], one["coin"], _btc(one["sats"])) for one in shown]
    more = len(said["coins"]) - len(shown)
    title = f"Coins{f' (and {more} more in the file)' if more else ''}"
    return _table(title, ("Address", "Output", "BTC"), rows)


def _how(found: Open) -> str:
    messages = "".join(f"<p class='code'>{escape(p.request.message)}</p>" for p in found.parts)
    return (
        "<h2>What was signed</h2><p>Each vault's quorum signed its message over every coin above "
        f"(BIP-322, proof of funds). The proofs are in attestation-{found.id.lower()}.json.</p>"
        f"{messages}<h2>How to check it</h2><p class='code'>tallystick verify URL/log --chain "
        "bitcoind+http://USER:PASSWORD@127.0.0.1:8332</p><p>It cannot show that nobody "
        "else has a copy of the keys, nor that no promise was made outside the log.</p>"
    )


def as_pdf(found: Open) -> bytes:
    """Return an attestation as a PDF."""
    import weasyprint

    page: Any = weasyprint.HTML
    return bytes(page(string=as_html(found), base_url=f"{FOLDER}/").write_pdf())
