"""The page on peers: one table a case, whether the goal is met, and what could not be loaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import record

GAP_PP = 0.01  # the gap that is waited for
GOAL = 10.0  # times faster, or times closer
WRONG = 1e-4  # points by which a bound may lie below a choice that holds before it counts as wrong
SHOWN = 5e-5  # points; what is less reads 0.0000
MOST_TIMES = 1_000
LEAST_GAP = 1e-6  # points; what is closer than this is equal, so ratios of gaps stay finite

WORDS = {
    "optcomp": "optcomp, decomposed, asked for 0.01 points",
    "optcomp-close": "optcomp, decomposed, asked for the optimum",
    "highs": "HiGHS on the joint program",
    "joint": "optcomp, method joint (HiGHS with optcomp's starts)",
    "cpsat": "CP-SAT on the joint program",
    "scip": "SCIP on the exported program",
    "greedy": "greedy with local search",
    "pay-first": "pay first, then books",
}
OWN = ("optcomp", "optcomp-close")
HEADER = (
    "peer", "within 0.01 pp, s", "proves it, s", "gap at the limit, pp", "gap that it proves, pp", "NRR",
    "net of bent rules", "ran, s", "peak MiB", "how it ended",
)  # fmt: skip
GOAL_FROM = ("mid", "large-few", "large")  # the goal is set from `mid` upwards


def write(cases: Sequence[dict[str, Any]]) -> Path:
    """Keep the page."""
    measured = [case for case in cases if "peers" in case]
    parts = [_ABOUT]
    for case in measured:
        parts += [f"## {case['case']}", _facts(case), _table(case)]
        if case["case"] in GOAL_FROM:
            parts.append(goal(case))
    if any("missed by what is found" in part for part in parts):
        parts.append(_WHY)
    parts += ["## What cannot be loaded", _not_loaded(cases)]
    return record.write("peers", "Peers", "python -m tests.benchmarks.peers", parts, more=("ortools", "PySCIPOpt"))


_ABOUT = (
    "Every peer gets the same instance, the same time and the same judge: whatever it chooses is worth what "
    "`evaluate` says, and a choice that breaks a hard rule counts as none. The menu is one for which a joint program "
    "can exist, and not the full one. Clocks start when the instance is read; a joint program is built beforehand and"
    " costs its peers nothing, and what they need to load it counts. HiGHS, CP-SAT and SCIP run as somebody would run"
    " them who has the program, and begin with today's plans and books. CP-SAT gets it in whole numbers, rounded so "
    "that its bounds hold (a test lays points into its rows), and leaves out two steps of its presolving that took "
    "half of it. A bound below a choice that holds is called wrong and counts for nothing. The greedy deals "
    "accounts, picks plans by enumeration, moves and swaps accounts, and goes on from random kicks until the time is "
    "over. Pay first, then books is what many teams do; the books are found by optcomp's own engine. Gaps are points "
    "of NRR net of bent rules below the lowest bound that any peer proved; *proves* is by a peer's own bound, where "
    "it has one. Peak memory is that of the largest process."
)


_WHY = (
    "Where a heuristic finds as good a choice in about the same time, deciding pay and books in turn loses little in "
    "these generated companies, and the books of *pay first* come from optcomp's own engine. A heuristic does not know "
    "that its choice is good: that is what the bound is for."
)


def best_bound(case: dict[str, Any]) -> float:
    """The lowest bound that any peer proved and that no choice refutes, in points."""
    ran = case["peers"].values()
    best = max((p["value"] for p in ran if p.get("value") is not None), default=-math.inf)
    bounds = [p["bound"] for p in ran if p.get("bound") is not None and p["bound"] >= best - WRONG]
    return max(min(bounds, default=math.inf), best)


def seconds_to(peer: dict[str, Any], bound: float, gap: float = GAP_PP) -> float:
    """Seconds until a peer's choice was within a gap of a bound; inf where it never was."""
    return next((at for at, value in peer.get("track", ()) if value >= bound - gap), math.inf)


def gap_of(peer: dict[str, Any], bound: float) -> float:
    """Points between a bound and the best choice; inf without one."""
    return math.inf if peer.get("value") is None else max(bound - peer["value"], 0.0)


def seconds_to_prove(peer: dict[str, Any], gap: float = GAP_PP) -> float:
    """Seconds until a peer's own bound was within a gap of its own choice; inf where it never was, or is wrong."""
    if own_gap(peer) > gap:
        return math.inf
    bounds, track = peer["bounds"], peer["track"]
    for at in sorted(at for at, _ in (*bounds, *track)):
        low = max((value for seen, value in track if seen <= at), default=-math.inf)
        high = min((bound for seen, bound in bounds if seen <= at), default=math.inf)
        if high - low <= gap:
            return float(at)
    return math.inf


def own_gap(peer: dict[str, Any]) -> float:
    """Points between a peer's own bound and its own choice; inf where it lacks one, or its bound is wrong."""
    if peer.get("bound") is None or peer.get("value") is None or peer["bound"] < peer["value"] - WRONG:
        return math.inf
    return max(float(peer["bound"] - peer["value"]), 0.0)


def goal(case: dict[str, Any]) -> str:
    """Whether optcomp is ten times faster to the gap, or ten times closer, than the best peer.

    Once by what is found, against everybody; once by what is proved, against those that prove.
    """
    bound = best_bound(case)
    found = {name: (seconds_to(p, bound), gap_of(p, bound)) for name, p in case["peers"].items()}
    proved = {name: (seconds_to_prove(p), own_gap(p)) for name, p in case["peers"].items()}
    lines = [
        f"- **{_verdict(reached, case['limit'])} by what is {how}**: {_compared(reached, what)}"
        for how, what, reached in (
            ("found", "comes within 0.01 pp of the bound", found),
            ("proved", "proves a gap of 0.01 pp", proved),
        )
    ]
    return "\n".join(lines)


Reached = dict[str, tuple[float, float]]  # peer → seconds to the gap, gap at the limit; inf for never and none


def _best(reached: Reached, *, own: bool) -> tuple[tuple[float, str], tuple[float, str]]:
    """The fastest and the closest of optcomp's own rows, or of the others."""
    names = [name for name in reached if (name in OWN) == own]
    fastest, closest = (min((reached[name][k], name) for name in names) for k in (0, 1))
    return fastest, closest


def _verdict(reached: Reached, limit: float) -> str:
    (fast, _), (close, _) = _best(reached, own=True)
    (their_seconds, _), (their_gap, _) = _best(reached, own=False)
    # Who never gets there needs longer than the limit, so the limit is the least that can be said.
    is_faster = math.isfinite(fast) and min(their_seconds, limit) >= GOAL * fast
    is_closer = math.isfinite(close) and their_gap >= GOAL * max(close, LEAST_GAP)
    return "Goal met" if is_faster or is_closer else "Goal missed"


def _compared(reached: Reached, what: str) -> str:
    (fast, _), (close, _) = _best(reached, own=True)
    (their_seconds, fastest), (their_gap, closest) = _best(reached, own=False)
    words = [f"optcomp {what} in {fast:.1f} s" if math.isfinite(fast) else f"optcomp never {what}"]
    if math.isinf(their_seconds):
        words.append("no peer does in time")
    else:
        ratio = f", {their_seconds / fast:.1f} times the time" if math.isfinite(fast) else ""
        words.append(f"the fastest peer ({WORDS[fastest]}) in {their_seconds:.1f} s{ratio}")
    words.append(f"at the limit optcomp's gap is {close:.4f} pp" if math.isfinite(close) else "optcomp has no gap")
    if math.isinf(their_gap):
        words.append("no peer has one")
    else:
        words.append(f"that of the closest peer ({WORDS[closest]}) {their_gap:.4f} pp, {_ratio(their_gap, close)}")
    return "; ".join(words) + "."


def _ratio(theirs: float, own: float) -> str:
    """How their gap compares with optcomp's; gaps that read 0.0000 are equal, and a thousand times is enough said."""
    if max(theirs, own) < SHOWN:
        return "as close"
    times = theirs / max(own, LEAST_GAP)
    return f"more than {MOST_TIMES:,} times as much" if times > MOST_TIMES else f"{times:.1f} times as much"


def _facts(case: dict[str, Any]) -> str:
    plans = " + ".join(str(n) for n in case["plans"])
    words = [
        f"{case['counts']} CSMs × accounts, {case['pairs']:,} pairs of a CSM and an account or family, {plans} plans, "
        f"{case['limit']:.0f} s each; measured on {case['date']} at commit {case['commit']}."
    ]
    matrix, export = case["programs"].get("matrix"), case["programs"].get("export")
    if matrix and matrix["is_whole"]:
        notes = matrix["notes"]
        words.append(
            f"The joint program has {notes['columns']:,} columns, {notes['rows']:,} rows and {notes['entries']:,} "
            f"coefficients; building it took {matrix['seconds']:.0f} s and {matrix['peak_mib']:,.0f} MiB."
        )
    if export and export["is_whole"]:
        words.append(
            f"Exporting it took {export['seconds']:.0f} s and {export['peak_mib']:,.0f} MiB; the file has "
            f"{export['notes']['megabytes']:,.0f} MB."
        )
    return " ".join(words)


def _table(case: dict[str, Any]) -> str:
    bound = best_bound(case)
    return record.table(HEADER, [_row(name, peer, bound) for name, peer in case["peers"].items()])


def _row(name: str, peer: dict[str, Any], bound: float) -> list[str]:
    if "refused" in peer:
        return [WORDS[name], *["-"] * (len(HEADER) - 2), f"not loaded: {peer['refused']}"]
    at, proved, value, own = seconds_to(peer, bound), seconds_to_prove(peer), peer["value"], peer["bound"]
    proves = "no bound" if own is None else "-" if value is None else f"{own - value:.4f}"
    if own is not None and value is None:
        proves = f"bound {own:.2f} %"
    if own is not None and value is not None and own < value - WRONG:
        proves = f"wrong bound, by {value - own:.4f}"
    broken = f"; {peer['broken']} choices broke {', '.join(peer['rules'])}" if peer["broken"] else ""
    return [
        WORDS[name],
        "never" if math.isinf(at) else f"{at:.1f}",
        "never" if math.isinf(proved) else f"{proved:.1f}",
        "no choice" if value is None else f"{gap_of(peer, bound):.4f}",
        proves,
        "-" if value is None else f"{peer['nrr']:.4f} %",
        "-" if value is None else f"{value:.4f} %",
        f"{peer['seconds']:.1f}",
        f"{peer['peak_mib']:,.0f}",
        peer["ending"] + broken + (f"; at commit {peer['commit']}" if "commit" in peer else ""),
    ]


def _not_loaded(cases: Sequence[dict[str, Any]]) -> str:
    words = []
    built = [c["programs"]["matrix"] for c in cases if c.get("programs", {}).get("matrix", {}).get("is_whole")]
    for case in cases:
        program = case.get("programs", {}).get("matrix")
        if program and not program["is_whole"]:
            words.append(f"- `{case['case']}`: the joint program was not built ({program['ending']}).{_size(case)}")
    largest = max(built, key=lambda program: program["notes"]["columns"], default=None)
    for case in cases:
        if "peers" not in case:
            words.append(f"- `{case['case']}`: not tried.{_size(case, largest)}")
    return "\n".join(words) if words else "Nothing."


_PRUNED = ", what optcomp's exact pruning leaves of 102,000 that the rules allow in each segment,"


def _size(case: dict[str, Any], largest: dict[str, Any] | None = None) -> str:
    size = case["size"]
    plans = " + ".join(f"{n:,}" for n in case["plans"])
    words = (
        f" With {plans} plans{_PRUNED if largest else ''} the joint program has at least "
        f"{size['columns']:,} columns, {size['rows']:,} rows and {size['entries']:,} coefficients"
    )
    if largest is None:
        return words + "."
    each = largest["peak_mib"] / largest["notes"]["columns"]
    return words + (
        f"; at the {1024 * each:.1f} KiB a column that the largest program above took to build, that is "
        f"{each * size['columns'] / 1024:,.0f} GiB."
    )
