"""Proof by pools: where books do not couple, each pool of accounts and CSMs is solved for each plan of its segment.

`pools` splits the problem, `programs` builds a pool's program under any plan, `master` picks plans and filled positions
under the budget, `search` tightens what the master picks until the proof is good enough.
"""
