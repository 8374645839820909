"""The public page: who runs this, what it costs now, and whether a receipt is in our journal."""
