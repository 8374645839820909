"""What each event and state means, and each setting without a docstring of its own in the code.

A name that the code has and these tables have not, or the other way round, fails a test.
"""

SERVER = {
    "data": "The folder of the server's key and the watch-only wallet, and of SQLite.",
    "database": "`sqlite:///path` or `postgresql+psycopg://user@host:port/name`; else in `data`.",
    "chain": "Where the chain is: `embedded:`, `esplora+https:`, `electrum+ssl:`, `cbf:`.",
    "signer": "The signer's Unix socket.",
    "network": "Which addresses are right: bitcoin, testnet, signet or regtest.",
    "law": "The jurisdiction: the name of a file under `src/tallystick/law/`.",
    "rates": "`exchanges` asks several and takes the median; `offline` is a fixed sample price.",
    "machine_port": "Port of the machine API on loopback; 0 takes a free one.",
}
POLICY = {
    "fee_bp": "The fee, in basis points of the cash.",
    "fee_min_minor": "The least fee, in minor units.",
    "purchase_min_minor": "The smallest purchase, in minor units.",
    "machine_day_max_minor": "The most one machine may take in a day: what a stolen one could lie.",
    "denominations": "The notes taken, in minor units.",
    "confirmations_needed": "How deep a payout must be to count as settled.",
    "bump_after_s": "Seconds after which an unconfirmed payout is replaced by one with more fee.",
    "float_low_sats": "Below this the hot wallet is called low.",
    "host_bp": "The host's part of the fee, in basis points.",
    "quote_ttl_s": "Seconds for which a quote is good.",
}
SIGNER = {
    "per_transaction_sats_max": "The most that leaves in one transaction, with its fee.",
    "hour_sats_max": "The most within an hour.",
    "day_sats_max": "The most within a day.",
    "fee_sats_max": "The highest network fee of one transaction.",
    "machine_hour_sats_max": "The most within an hour for one machine.",
    "fee_rate_sat_per_kvb_max": "The highest fee rate, in satoshis for 1,000 virtual bytes.",
    "paused": "True signs nothing. What is set here cannot be lifted through the socket.",
    "allow_list": "Where coins may go. Empty: anywhere.",
}
SETTINGS = {
    "web.server.Settings": SERVER,
    "kiosk.quote.Policy": POLICY,
    "bitcoin.signer.policy.Policy": SIGNER,
}
"""By module and class. A docstring below a field, in the code, takes the place of words here."""

SETTINGS_TITLES = {
    "web.server.Settings": "A server\nEach is an option of `tallystick serve`.",
    "kiosk.quote.Policy": (
        "What the operator decides about purchases, within the law\n"
        "In this version the values are those of the code."
    ),
    "bitcoin.signer.policy.Policy": (
        "The signer's policy\n"
        "`policy.toml` in the signer's folder, in satoshis; read again for each request. A file\n"
        "that cannot be read, or holds an unknown word, pauses the signer. The file of the first\n"
        "start has values of its own."
    ),
    "edge.settings.Settings": "A kiosk\nEach is an option of `tallystick edge`.",
}
"""The heading of each table, then a sentence. Without one it has the class's name and docstring."""

EVENTS = {
    "quoted": "The server promised a price, and signed it.",
    "waiting": "The operator's check holds the payout; until when, or until a person releases it.",
    "care": "What the scam desk showed and asked has ended; the digest of its record.",
    "called_back": "An officer called the enrolled number about a held purchase; what was said.",
    "released": "A person let a payout that waited go on; who and why.",
    "held": "The law lets nothing be sent before a moment; by which provisions.",
    "note_asked": "A note lay in escrow: the answer, and the provisions that gave it.",
    "note_stacked": "The note is in the cash box and credited; `recovered` if power-up proved it.",
    "note_returned": "The note went back to the customer.",
    "paid_in": "The customer finished: notes, fee, satoshis and quote are fixed.",
    "signed": "The payout's bytes are signed and stored; nobody has heard of them.",
    "sent": "The network has the transaction.",
    "settled": "The transaction is as deep as the policy wants.",
    "cancelled": "Ended before any note.",
    "kept": "Nobody finished; the cash is counted and waits.",
    "resumed": "A kept purchase goes on at a new price.",
    "called_off": "Ended before the payout was signed: all cash is owed back, the fee too.",
    "refund_due": "The cash is owed back.",
    "refunded": "A person gave the cash back.",
}
STATES = {
    "quoted": "A price is promised; no note yet.",
    "accepting": "At least one note is in the box.",
    "kept": "Notes are in the box and nobody finished: safe, and owed.",
    "paid_in": "Finished: the satoshis are fixed and owed.",
    "signed": "The payout's bytes are stored.",
    "sent": "The network has them.",
    "settled": "Confirmed. The end.",
    "cancelled": "Ended without a note. A note that a power cut hid opens it again.",
    "refund_due": "The cash is owed back.",
    "refunded": "The cash was given back. The end.",
}
HIT_STATES = {
    "hit": "Found, and nobody has proposed anything. Nothing is sold to the person.",
    "review": "One officer proposed a decision; another must approve it. Nothing is sold.",
    "cleared": "Two officers agreed that it is another person.",
    "confirmed": "Two officers agreed that it is the listed person. Nothing is sold.",
    "gone": "The entry left its list before anybody had confirmed the hit.",
}
REPORT_STATES = {
    "draft": "Made from the books, and follows them.",
    "proposed": "One officer proposed to file it as it stands; another must approve.",
    "filed": "Filed, under the authority's number. It does not change any more.",
    "dropped": "It must not be filed, and why is in its history.",
}
