"""Studies: what changes when one number changes, with a proof for every step."""
