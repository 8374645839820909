"""A stand-in for HWI and one device: its command line as of 3.2.0, a software signer behind it.

It reads its arguments as HWI does with ``--stdin``. ``HWI_DOES`` makes the device misbehave. What
the key shows of itself lies beside it, so that only what derives or signs must read the signer.
"""

import json
import os
import shlex
import sys
from argparse import ArgumentParser
from pathlib import Path

HERE = Path(sys.argv[0]).parent


def parsed():
    parser = ArgumentParser()
    parser.add_argument("--chain", choices=["main", "test", "regtest", "signet", "testnet4"])
    parser.add_argument("--fingerprint")
    parser.add_argument("--stdin", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("enumerate")
    commands.add_parser("signtx").add_argument("psbt")
    commands.add_parser("getxpub").add_argument("path")
    commands.add_parser("displayaddress").add_argument("--desc")
    words = sys.argv[1:]
    for line in sys.stdin:
        if line == "\n":
            break
        words += shlex.split(line)
    return parser.parse_args(words)


def answer(asked, does):
    about = json.loads((HERE / "about.json").read_text())
    if asked.command == "enumerate":
        seen = {"type": "trezor", "model": "trezor_safe 3", "path": "webusb:1", "label": "a"}
        locked = {"needs_pin_sent": does == "locked", "needs_passphrase_sent": False}
        return [{**seen, **locked, "fingerprint": about["fingerprint"]}]
    if asked.fingerprint != about["fingerprint"] or asked.chain != "regtest":
        return {"error": "Could not find device with specified fingerprint or type", "code": -3}
    if does == "refuse":
        return {"error": "signtx canceled", "code": -14}
    if asked.command == "getxpub":
        assert asked.path == f"m{about['origin']}"
        return {"xpub": about["xpub"]}
    if does == "nothing":
        return {"psbt": asked.psbt, "signed": False}
    return derived(asked.desc) if asked.command == "displayaddress" else signed(asked.psbt, does)


def derived(descriptor):
    from tallystick.reserve.signer.device import Device

    return {"address": Device(HERE).way.derive(descriptor, "regtest", 0)[0]}


def signed(given, does):
    from tallystick.bitcoin import psbt as psbts
    from tallystick.reserve.signer.device import Device

    device = Device(HERE)
    maps = psbts.read(device.sign(given, device.show(given)["digest"]))
    if does == "change":
        raw = bytearray(maps.globals[b"\0"])
        raw[-13] ^= 1
        maps.globals[b"\0"] = bytes(raw)
    return {"psbt": maps.text(), "signed": True}


if os.environ.get("HWI_DOES") == "fail":
    sys.exit("usb1: cannot find a suitable libusb-1.0")
print(json.dumps(answer(parsed(), os.environ.get("HWI_DOES"))))
