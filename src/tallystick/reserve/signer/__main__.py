"""Run one software signer: ``python -m tallystick.reserve.signer --data DIR VERB``.

Files in, files out; each answer is one JSON object. ``sign`` needs the digest that ``show`` gave:
the holder confirms what was shown, and nothing else is signed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.reserve.signer.device import WAYS, Device, make


def arguments() -> argparse.ArgumentParser:
    """Return the signer's verbs."""
    parser = argparse.ArgumentParser(description="A software signer that holds one key.")
    parser.add_argument("--data", type=Path, required=True, help="the signer's own folder")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("make", help="make a key from recorded dice")
    verb.add_argument("--network", default="regtest")
    verb.add_argument("--implementation", choices=sorted(WAYS), default="bdk")
    verb.add_argument("--dice-file", type=Path, required=True, help="digits 1 to 6; - reads stdin")
    verbs.add_parser("describe", help="print the public key and how it was made")
    verbs.add_parser("backup", help="print what the holder writes on paper: secret")
    verb = verbs.add_parser("register", help="register a vault by its descriptor")
    verb.add_argument("name")
    verb.add_argument("descriptor")
    verb = verbs.add_parser("addresses", help="derive a vault's addresses alone")
    verb.add_argument("name")
    verb.add_argument("--first", type=int, default=0)
    verb.add_argument("--count", type=int, default=20)
    verb = verbs.add_parser("show", help="print what a PSBT would do")
    verb.add_argument("psbt", type=Path)
    verb = verbs.add_parser("sign", help="sign what was shown and confirmed")
    verb.add_argument("psbt", type=Path)
    verb.add_argument("--confirm", required=True, metavar="DIGEST")
    verb.add_argument("--out", type=Path, required=True)
    return parser


def _text(path: Path) -> str:
    return sys.stdin.read() if str(path) == "-" else path.read_text()


def answer(asked: argparse.Namespace) -> dict[str, Any]:
    """Do one verb and return its answer."""
    if asked.verb == "make":
        dice = "".join(_text(asked.dice_file).split())
        device = make(asked.data, asked.network, asked.implementation, dice, SystemClock())
        return device.describe()
    device = Device(asked.data)
    match asked.verb:
        case "describe":
            return device.describe()
        case "backup":
            return dict(device.backup())
        case "register":
            return device.register(asked.name, asked.descriptor)
        case "addresses":
            return device.addresses(asked.name, asked.first, asked.count)
        case "show":
            return device.show(_text(asked.psbt))
        case _:
            asked.out.write_text(device.sign(_text(asked.psbt), asked.confirm))
            return {"signed": str(asked.out), "signer": device.account.fingerprint}


def main() -> None:
    """Answer one request on standard output, or say on standard error why not and exit 1."""
    try:
        sys.stdout.write(json.dumps(answer(arguments().parse_args()), indent=1) + "\n")
    except TallystickError as error:
        sys.exit(f"{type(error).code} {type(error).__name__}: {error} (coins: {error.money})")
    except OSError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
