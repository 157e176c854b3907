"""Learning from history: the panel of quarters that a company has lived through, and what can be told from it."""
