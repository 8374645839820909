"""Bitcoin: addresses, the chain by URL, the watch-only wallet, the signer, an embedded chain."""
