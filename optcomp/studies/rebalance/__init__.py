"""Books after people and accounts have changed: who moves, when, and what each further move is worth."""
