"""Made-up licences in the AAMVA form, of several versions: nobody's real ones.

Written after the AAMVA DL/ID Card Design Standard, annex D, from a table of elements: the header,
the table of subfiles, and each element on a line of its own.
"""

from __future__ import annotations

HEAD = "@\n\x1e\r"


def licence(
    version: int = 8,
    issuer: str = "636014",
    kind: str = "DL",
    extra: str = "",
    **elements: str,
) -> str:
    """Return the text of a code: the header, one place, one subfile."""
    given = BASE | elements if version >= 4 else OLD[version] | elements
    lines = "\n".join(f"{key}{value}" for key, value in given.items() if value)
    body = f"{kind}{lines}\r"
    own = "00" if version > 1 else ""
    start = len(HEAD) + len("ANSI ") + 6 + 2 + len(own) + 2 + 10
    places = f"{kind}{start:04d}{len(body):04d}"
    return f"{HEAD}ANSI {issuer}{version:02d}{own}01{places}{body}{extra}"


BASE = {
    "DAQ": "D1234567",
    "DCS": "SAMPLEWORTH",
    "DAC": "JOAN",
    "DAD": "MARIE",
    "DBB": "02111955",
    "DBA": "02112031",
    "DBD": "02112023",
    "DBC": "2",
    "DAG": "2300 WEST EXAMPLE ROAD",
    "DAI": "ANYTOWN",
    "DAJ": "CT",
    "DAK": "061030000",
    "DCG": "USA",
}
OLD: dict[int, dict[str, str]] = {
    1: {
        "DAA": "SAMPLEWORTH,JOAN,MARIE",
        "DAQ": "D1234567",
        "DBB": "19550211",
        "DBA": "20310211",
        "DAG": "2300 WEST EXAMPLE ROAD",
        "DAI": "ANYTOWN",
        "DAJ": "CT",
        "DAK": "06103",
    },
    2: {
        "DAQ": "D1234567",
        "DCS": "SAMPLEWORTH",
        "DCT": "JOAN,MARIE",
        "DBB": "02111955",
        "DBA": "02112031",
        "DAJ": "CT",
        "DCG": "USA",
    },
}
OLD[3] = OLD[2]
