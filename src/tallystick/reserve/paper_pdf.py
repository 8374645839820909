"""The recovery paper to be printed: the same words as the Markdown, with the vault as a code.

WeasyPrint sets it with our own fonts, in black on white, so that it can be copied and typed off.
Its text holds no secret, and no picture of it is asked of anybody.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

import segno

from tallystick.look import FOLDER
from tallystick.reserve.vault import Vault

PAPER_LENGTH_MAX: Final = 200_000
STYLE: Final = """
@page { size: A4; margin: 18mm 16mm 20mm;
  @bottom-right { content: counter(page) " of " counter(pages); font: 9pt "Tally Text"; }
  @bottom-left { content: string(vault); font: 9pt "Tally Text"; } }
body { font: 10.5pt/1.45 "Tally Text"; color: #000; background: #fff; }
ul, ol { padding-left: 6mm; margin: 2mm 0; }
h1 { font-size: 20pt; line-height: 1.15; margin: 0 0 4mm; string-set: vault content(); }
h2 { font-size: 13pt; margin: 7mm 0 2mm; border-top: .6pt solid #000; padding-top: 2mm;
  break-after: avoid; }
code, pre { font-family: "Tally Mono"; font-size: 8.6pt; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; border: .6pt solid #000; padding: 2.5mm; background: #fff; }
table { border-collapse: collapse; width: 100%; font-size: 9pt; }
th, td { border: .6pt solid #000; padding: 1.2mm 1.6mm; text-align: left; vertical-align: top; }
th { background: #eee; }
li { margin: 1mm 0; } .code { float: right; width: 44mm; margin: 0 0 3mm 5mm; }
.code svg { width: 44mm; height: 44mm; } .code p { font-size: 8pt; margin: 1mm 0 0; }
"""


def as_html(text: str, vault: Vault) -> str:
    """Return the paper as one HTML page; the Markdown is our own, and of few forms."""
    body = "\n".join(_blocks(text[:PAPER_LENGTH_MAX]))
    picture = f'<div class="code">{_code(vault.descriptor)}<p>The line of the vault</p></div>'
    body = body.replace("</h1>", f"</h1>{picture}", 1)
    title = html.escape(f"Recovery of the vault {vault.name}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<link rel="stylesheet" href="tokens.css"><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>"
    )


def _code(text: str) -> str:
    out = BytesIO()
    segno.make(text, error="l", micro=False).save(out, kind="svg", xmldecl=False, omitsize=True)
    return out.getvalue().decode()


def _blocks(text: str) -> Iterator[str]:
    for part in re.split(r"(```sh\n.*?```)", re.sub(r"<!--.*?-->\n", "", text), flags=re.S):
        if part.startswith("```sh"):
            yield f"<pre>{html.escape(part[6:-3].rstrip())}</pre>"
            continue
        for paragraph in re.split(r"\n\s*\n", part.strip()):
            yield _paragraph(paragraph)


def _paragraph(text: str) -> str:
    lines = text.split("\n")
    if heading := re.match(r"(#+) (.*)", text):
        level = len(heading[1])
        rest = "\n".join(lines[1:])
        return f"<h{level}>{_inline(heading[2])}</h{level}>{_paragraph(rest) if rest else ''}"
    if text.startswith("|"):
        return _table([line for line in lines if not set(line) <= set("|-")])
    for mark, tag in ((r"- ", "ul"), (r"\d+\. ", "ol")):
        if re.match(mark, text):
            items = re.split(rf"\n(?={mark})", text)
            start = re.match(r"(\d+)", text)
            first = f' start="{start[1]}"' if start else ""
            rows = "".join(f"<li>{_inline(re.sub(mark, '', one, count=1))}</li>" for one in items)
            return f"<{tag}{first}>{rows}</{tag}>"
    return f"<p>{_inline(text)}</p>" if text else ""


def _table(lines: list[str]) -> str:
    rows = []
    for at, line in enumerate(lines):
        tag = "th" if at == 0 else "td"
        cells = "".join(f"<{tag}>{_inline(c.strip())}</{tag}>" for c in line.split("|")[1:-1])
        rows.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _inline(text: str) -> str:
    safe = html.escape(text, quote=False)
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", safe, flags=re.S)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)


def as_pdf(text: str, vault: Vault) -> bytes:
    """Return the paper as PDF."""
    import weasyprint

    page: Any = weasyprint.HTML
    return bytes(page(string=as_html(text, vault), base_url=f"{FOLDER}/").write_pdf())
