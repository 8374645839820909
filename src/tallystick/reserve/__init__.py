"""A reserve of bitcoin under a mandate: law first, then enough people, then proof for anyone."""
