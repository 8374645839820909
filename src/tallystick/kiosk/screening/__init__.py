"""Names, dates and wallets against the published sanctions lists: read, match, review, decide."""
