"""The operator's console: what happens, what waits for a person, and whether the books agree."""
