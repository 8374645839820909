"""What a visit can ask of the rest of the machine: the server's word, and paper."""

from __future__ import annotations

from typing import Protocol

from tallystick.kiosk import wire


class Outside(Protocol):
    """What a visit can ask of the rest of the machine."""

    def ask_quote(self, request: wire.QuoteRequest) -> None:
        """Ask for a signed quote."""

    def ask_renewal(self, purchase: str) -> None:
        """Ask for a new quote of an open purchase."""

    def ask_offer(self) -> None:
        """Ask what a purchase costs now."""

    def ask_care(self, purchase: str, ask: wire.CareAsk) -> None:
        """Ask what the screen must show against a scam."""

    def ask_identity(self, purchase: str, name: str, message: wire.Message) -> None:
        """Send what a customer shows: phone, code, document or source."""

    def ask_slip(self, step: str, number: str) -> None:
        """Ask where the purchase of a paper stands, or to stop it, or to claim it back.

        ``step``: nothing, ``stop`` or ``claim``.
        """

    def print_standing(self) -> None:
        """Print where the purchase of the paper on screen stands."""

    def take_picture(self, ticket: int) -> None:
        """Take a picture; `Identify.taken` hears of it with the ticket."""

    def ask_picture(self, purchase: str, item: str, jpeg: bytes) -> None:
        """Seal a picture for the server and send it."""

    def print_half(self) -> None:
        """Print the receipt of the purchase on screen."""

    def print_slip(self) -> None:
        """Print the slip for cash that is kept or goes back."""
