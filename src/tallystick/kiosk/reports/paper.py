"""Reports as files: CSV with plain columns, and PDF made from HTML with our own fonts.

A cell that a spreadsheet would take for a formula is written as text. What is confidential says so
on every page.
"""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tallystick.core.money import Amount, asset
from tallystick.kiosk.particulars import Particulars
from tallystick.kiosk.reports.model import Draft, Kind
from tallystick.look import FOLDER

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
STYLE: Final = """
@font-face { font-family: Body; src: url("fonts/tally-text-latin.woff2"); }
@page { size: A4; margin: 22mm 18mm; @bottom-left { content: string(foot); font: 9pt Body; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 9pt Body; } }
body { font: 10.5pt/1.45 Body, sans-serif; color: #111; }
h1 { font-size: 19pt; margin: 0 0 4mm; } .foot { string-set: foot content(); font-size: 0; }
.secret { border: 1.2pt solid #111; padding: 2mm 3mm; font-weight: 700; }
table { width: 100%; border-collapse: collapse; margin: 4mm 0; }
th, td { text-align: left; padding: 1.6mm 2mm; border-bottom: .4pt solid #999; }
th, td { vertical-align: top; }
td { overflow-wrap: anywhere; } th[scope=row] { width: 42%; font-weight: 600; }
"""
NOT_TO_TELL: Final = (
    "Confidential. That this report exists may be told to nobody outside compliance, and least of "
    "all to the person it is about (31 U.S.C. 5318(g)(2))."
)

NOT_STATED: Final = "not stated in the operator's file"

Rows = Sequence[Mapping[str, Any]]


def as_csv(rows: Rows) -> str:
    """Return rows as CSV with a heading; nothing for no rows but their heading, if there is one."""
    out = io.StringIO()
    heads = list(rows[0]) if rows else []
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow([_cell(row[head]) for head in heads])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = str(value)
    harmless = isinstance(value, int) or not text.startswith(FORMULA)
    return text if harmless else f"'{text}"


def filer(who: Particulars | None) -> dict[str, str]:
    """Return the filing institution by the names of FinCEN's fields; what is missing says so."""
    if who is None:
        return {"Filing institution": NOT_STATED}
    filing = who.filing
    parts = {
        "Filing institution": who.name + (" (a sample, nobody)" if who.sample else ""),
        "Alternate name": who.trading_as or "none",
        "EIN": filing.ein,
        "Address": who.address.line,
        "Country": who.address.country,
        "Type of financial institution": "Money services business",
        "MSB registration": filing.msb_registration,
        "Contact office": filing.office,
        "Contact telephone": filing.telephone or who.telephone,
    }
    return {name: value or NOT_STATED for name, value in parts.items()}


def fields(
    draft: Draft, who: Particulars | None = None, places: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a draft by the names of the form's fields, as FinCEN's CTR and SAR have them.

    ``who`` files it; ``places``: where each machine stands, by its id.
    """
    currency = asset(draft.currency)
    stood = [(places or {}).get(machine, machine) for machine in draft.machines]
    common = {
        "Person": draft.person,
        "Total cash in": str(Amount(draft.cash_in_minor, currency)),
        "Total cash in, whole units": f"{draft.cash_in_whole:,}",
        "Total cash out": str(Amount(draft.cash_out_minor, currency)),
        "Total cash out, whole units": f"{draft.cash_out_whole:,}",
        "Purchases": ", ".join(draft.purchases),
        "Machines where it took place": "; ".join(stood),
        "Provision": f"{draft.provision}, {draft.cite}",
        "File by": draft.due.isoformat(),
        **filer(who),
    }
    if draft.kind is Kind.CTR:
        return {
            "Type of filing": "Initial report",
            "Date of transaction": draft.first_day.isoformat(),
            "Aggregated transactions": "Yes" if draft.aggregated else "No",
            "Where: type": "Self-service kiosk, money services business",
            **common,
        }
    return {
        "Type of filing": "Initial report",
        "Required": f"No: filed voluntarily ({draft.voluntary})" if draft.voluntary else "Yes",
        "Filing institution note to FinCEN": draft.note_to_fincen,
        "Suspicious activity from": draft.first_day.isoformat(),
        "Suspicious activity to": draft.last_day.isoformat(),
        "Amount involved, whole units": f"{draft.cash_in_whole + draft.cash_out_whole:,}",
        "Suspicious activity": ", ".join(draft.activity),
        "Instrument": "Currency; convertible virtual currency",
        "Narrative": "in the vault" if draft.narrative_digest else "not written yet",
        **common,
    }


def as_pdf(title: str, rows: Rows, secret: bool = False) -> bytes:
    """Return a page with a table: two columns for one row of many fields, else one row a line."""
    from weasyprint import HTML

    note = f'<p class="secret">{html.escape(NOT_TO_TELL)}</p>' if secret else ""
    foot = "Tallystick · confidential" if secret else "Tallystick"
    body = _tall(rows[0]) if len(rows) == 1 else _wide(rows)
    page = (
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><p class=foot>{foot}</p>"
        f"<h1>{html.escape(title)}</h1>{note}{body}</body></html>"
    )
    drawn: Any = HTML
    made: bytes = drawn(string=page, base_url=f"{FOLDER}/").write_pdf()
    return made


def _tall(row: Mapping[str, Any]) -> str:
    lines = (
        f"<tr><th scope=row>{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in row.items()
    )
    return f"<table>{''.join(lines)}</table>"


def _wide(rows: Rows) -> str:
    if not rows:
        return "<p>Nothing to report.</p>"
    heads = "".join(f"<th scope=col>{html.escape(str(name))}</th>" for name in rows[0])
    lines = (
        f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row.values())}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
