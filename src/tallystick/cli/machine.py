"""A machine's side of one purchase, over the signed machine API, for the demo and the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from tallystick.core.clock import Clock, new_id
from tallystick.core.errors import TallystickError
from tallystick.core.identity import machines
from tallystick.core.identity.keys import load_or_make_key, public_text
from tallystick.core.identity.signatures import sign_request
from tallystick.kiosk import wire

POLL_S: Final = 0.02
TIMEOUT_S: Final = 10


class Refused(TallystickError):
    """The server refused a step; its own words follow."""

    code, money, say = 6302, "as the server says", ""


class Machine:
    """One paired machine; ``refused`` lists the notes that were not permitted."""

    def __init__(self, api: str, key_path: Path, clock: Clock) -> None:
        self.clock, self.key = clock, load_or_make_key(key_path)
        self.http = httpx.Client(base_url=api, timeout=TIMEOUT_S)
        self.key_id = machines.key_name(self.key.public_key())
        self.refused: list[int] = []
        self.seq = 0
        self.now: dict[str, Any] = {}

    @classmethod
    def paired(cls, folder: Path, api: str, clock: Clock) -> Machine:
        """Return the folder's machine, pairing it the first time."""
        from tallystick.cli.serve import database_of
        from tallystick.core.store import Store

        machine = cls(api, folder / "machine.key", clock)
        paired = folder / "machine.paired"
        if paired.exists():
            return machine
        store = Store.open(database_of(folder, ""))
        with store.transact() as tx:
            token = machines.invite_machine(tx, "Kiosk 0142", clock.now(), clock)
        store.close()
        public = public_text(machine.key.public_key())
        body = msgspec.json.encode(wire.PairRequest(token=token, public_key=public))
        machine._checked(machine.http.post("/v1/pair", content=body))
        paired.touch()
        return machine

    def _checked(self, reply: httpx.Response) -> dict[str, Any]:
        found: dict[str, Any] = reply.json()
        if reply.status_code != 200:
            raise Refused(f"{found.get('title')} {found.get('detail')} ({found.get('code')})")
        return found

    def say(self, path: str, message: wire.Message | None = None) -> dict[str, Any]:
        """Sign and send one request; raise `Refused`."""
        method = "GET" if message is None else "POST"
        body = b"" if message is None else msgspec.json.encode(message)
        now, nonce = self.clock.now(), new_id(self.clock)
        headers = sign_request(method, path, {}, body, self.key, self.key_id, now, nonce)
        return self._checked(self.http.request(method, path, content=body, headers=headers))

    def quote(self, address: str, purchase: str) -> dict[str, Any]:
        """Read the offer, acknowledge its warnings, and get a signed quote."""
        offer = self.say("/v1/offer")
        if not offer["open"]:
            raise Refused(offer["closed_because"])
        request = wire.QuoteRequest(
            purchase=purchase,
            address=address,
            language="en",
            acknowledged=[warning["id"] for warning in offer["warnings"]],
        )
        self.current = self.say("/v1/purchases", request)
        self.path = f"/v1/purchases/{purchase}"
        return self.current

    def insert(self, minor: int) -> None:
        """Ask for a note, and report it stacked when it is permitted."""
        self.seq += 1
        note, seq, currency = new_id(self.clock), self.seq, self.current["currency"]
        ask = wire.NoteAsk(
            note=note, seq=seq, minor=minor, currency=currency, quote=self.current["digest"]
        )
        if self.say(f"{self.path}/notes", ask)["answer"] != "permit":
            self.refused.append(minor)
            return
        told = wire.NoteStacked(note=note, seq=seq, minor=minor, currency=currency, recovered=False)
        self.now = self.say(f"{self.path}/stacked", told)

    def finish(self) -> dict[str, Any]:
        """Touch Send, with the sums as the server said them last."""
        if not self.now:
            raise Refused("no note was permitted")
        request = wire.FinishRequest(
            quote=self.current["digest"],
            notes=self.now["notes"],
            cash_minor=self.now["cash_minor"],
            sats=self.now["sats"],
        )
        return self.say(f"{self.path}/finish", request)

    def wait_for(self, states: tuple[str, ...], seconds: float) -> dict[str, Any]:
        """Watch the purchase until it is in one of these states; raise `Refused` if never."""
        end = self.clock.monotonic_s() + seconds
        while self.clock.monotonic_s() < end:
            self.now = self.say(self.path)
            if self.now["state"] in states:
                return self.now
            self.clock.sleep(POLL_S)
        raise Refused(f"still {self.now['state']} after {seconds} s")
