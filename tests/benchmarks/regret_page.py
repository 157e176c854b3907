"""The page of the regret benchmark, from its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from optcomp.types import FloatArray
from optcomp.uncertain import LIKELY
from tests.benchmarks import record

Record = dict[str, Any]
COMMAND = "python -m tests.benchmarks.regret"
# Bars of the issue: least capture of the oracle's gain under a sound prior, by size.
BARS = {"S": 0.70, "M": 0.80}
WAYS = {
    "likely": "plans are chosen as `solve` does by itself",
    "mean": "the best on average is always taken (`--risk mean`)",
    "cvar": "they are always chosen with caution (`--risk cvar`)",
}
SMALL_LOSS = 0.3  # points of NRR


def page(records: Sequence[Record], rivals: Sequence[Record], whole: Sequence[Record]) -> str:
    """Write docs/benchmarks/regret.md, and say where."""
    parts = [_protocol(), "## Choosing plans", record.table(_HEADER, _rows(records)), _legend()]
    parts += ["## Intervals, chances, flags", record.table(_CALIBRATED, _calibrated_rows(records)), _coverage_legend()]
    parts += ["## Rivals", record.table(_RIVALS, _rival_rows(records, rivals)), _rival_legend()]
    if whole:
        parts += ["## Plans and books together", record.table(_WHOLE, _whole_rows(whole)), _whole_legend()]
    parts += ["## Bars", "\n".join(f"- {line}" for line in bars(records)), _caveat()]
    return str(record.write("regret", "Regret of decisions, where the truth is known", COMMAND, parts))


def _protocol() -> str:
    return (
        "In worlds whose truth is planted (agents that best-respond, and game; a form that the fit does not have), a "
        "company lives through eight quarters, its history is fitted under a prior, and plans are chosen on 64 draws "
        "of both maps. The oracle chooses among the same plans within the same budget, with the same enumeration, on "
        "the true values, so regret is that of the prediction. The budget is 5 % above pay at target under today's "
        "plan, so that staying is always allowed. Plans are chosen at today's books. The columns *worlds* say what was "
        "run; the command goes on where a run was stopped, so cases may stem from several days, always from the same "
        "worlds and the same fit."
    )


# ---- choosing plans -----------------------------------------------------------------------------------------------

_HEADER = (
    "size", "prior", "history", "worlds", "oracle, pp", "capture, likely", "90 % interval", "worse than today",
    "worst, pp", "capture, mean", "worse", "worst, pp", "promised / true", "capture, cautious", "worse",
    "capture by the decision rule", "worse", "capture, mean, without guardrail",
)  # fmt: skip


def _groups(records: Iterable[Record]) -> dict[tuple[str, str, str], list[Record]]:
    found: dict[tuple[str, str, str], list[Record]] = {}
    for r in records:
        found.setdefault((r["size"], r["prior"], r["history"]), []).append(r)
    order = {"sound": 0, "wide": 1, "wrong": 2}
    return dict(sorted(found.items(), key=lambda kv: ("SML".index(kv[0][0]), order[kv[0][1]], kv[0][2])))


def _rows(records: Sequence[Record]) -> list[list[object]]:
    return [[*key[:3], len(rs), *_plan_cells(rs)] for key, rs in _groups(records).items()]


def _plan_cells(rs: list[Record]) -> list[object]:
    oracle = np.array([r["oracle"] for r in rs])
    true = {way: np.array([taken(r, way)["true"] for r in rs]) for way in ("likely", "mean", "cvar", "mean_free")}
    share = {way: f"{values.sum() / oracle.sum():.2f}" for way, values in true.items()}
    worst = {way: f"{min(float(values.min()), 0.0):.2f}" for way, values in true.items()}
    promised = np.array([taken(r, "likely")["promised"] for r in rs])
    ruled = np.where([taken(r, "likely")["adopted"] for r in rs], true["likely"], 0.0)
    low, high = interval(true["likely"], oracle)
    return [
        f"{oracle.mean():.2f}", f"**{share['likely']}**", f"{low:.2f} to {high:.2f}", worse(true["likely"]),
        worst["likely"], share["mean"], worse(true["mean"]), worst["mean"],
        ratio(promised.sum(), true["likely"].sum()), share["cvar"], worse(true["cvar"]),
        f"{ruled.sum() / oracle.sum():.2f}", worse(ruled), share["mean_free"],
    ]  # fmt: skip


def taken(record: Record, way: str) -> Record:
    """What a way of choosing takes; `likely` is the mean where that is likely better than today, else caution."""
    if way != "likely":
        return dict(record["ways"][way])
    return taken(record, "mean" if record["ways"]["mean"]["chance"] >= LIKELY else "cvar")


def worse(true: FloatArray) -> int:
    """Worlds in which the choice is worse than today."""
    return int((true < -1e-9).sum())


def ratio(top: float, bottom: float) -> str:
    """A ratio, where there is anything to divide by."""
    return f"{top / bottom:.2f}" if bottom > 0.05 else "no gain"


def interval(true: FloatArray, oracle: FloatArray) -> tuple[float, float]:
    """90 % bootstrap interval of the ratio of means over worlds."""
    rng, count = np.random.default_rng(0), len(true)
    rows = rng.integers(0, count, (2000, count))
    values = true[rows].sum(axis=1) / oracle[rows].sum(axis=1)
    return float(np.quantile(values, 0.05)), float(np.quantile(values, 0.95))


def _legend() -> str:
    return (
        "*Capture* is the true gain over the oracle's, sums over worlds. *Mean* is the best on average over draws, "
        "*cautious* blends the mean with the worst fifth, and *likely*, which `solve` does by itself, is the mean "
        "where P(better) is at least 0.8 and cautious elsewhere. The *decision rule* changes nothing unless the "
        "history identifies plan effects, P(better) is at least 0.8 and the worst fifth loses at most 1 point; it "
        "leaves a one-plan history to a pilot, so its capture there is 0. The *guardrail* is the largest weight of 50 "
        "%."
    )


# ---- calibration --------------------------------------------------------------------------------------------------

_CALIBRATED = (
    "size", "prior", "history", "90 % interval holds the truth", "rmse, pp of segment NRR", "Brier of P(better)",
    "calibration error of held-out renewals", "renewals", "identification flag right", "held on the other half",
)  # fmt: skip


def _calibrated_rows(records: Sequence[Record]) -> list[list[object]]:
    return [[*key, *_calibrated_cells(rs)] for key, rs in _groups(records).items()]


def _calibrated_cells(rs: list[Record]) -> list[object]:
    def mean(value: Callable[[Record], float]) -> float:
        return float(np.mean([value(r) for r in rs]))

    error, count = calibration_error(rs)
    shares = [r["honest_share"] for r in rs if r["honest_share"] is not None]
    return [
        f"{mean(lambda r: r['coverage']):.2f}", f"{mean(lambda r: r['rmse']):.2f}", f"{mean(lambda r: r['brier']):.3f}",
        f"{error:.3f}", f"{count:,}", f"{sum(r['flag_right'] for r in rs)} of {len(rs)}",
        f"{np.mean(shares):.2f}" if shares else "",
    ]  # fmt: skip


def calibration_error(rs: Sequence[Record]) -> tuple[float, int]:
    """Expected calibration error pooled over worlds, and the number of renewals."""
    bins = [np.array(r["calibration"]) for r in rs if isinstance(r["calibration"], list)]
    if not bins:
        return float("nan"), 0
    count, renewed, predicted = np.sum(bins, axis=0)
    return float(np.abs(renewed - predicted).sum() / count.sum()), int(count.sum())


def _coverage_legend() -> str:
    return (
        "Intervals are of the gain of every plan on the menu over today's, segment by segment. Held-out renewals are "
        "those of the last two quarters, predicted from the quarters before, pooled over worlds (one world's bins hold "
        "40 renewals and 5 points of luck). They hardly differ between a sound and a wrong prior: predicting well does "
        "not certify a plan. *Held on the other half* is the share of a promised gain that survives on CSMs who had no "
        "say in the choice; the halves share the prior, so it certifies no prior."
    )


# ---- rivals -------------------------------------------------------------------------------------------------------

_RIVALS = ("size", "history", "way", "worlds", "true gain, pp", "of the oracle's", "worse than today", "promised, pp")


def _rival_rows(records: Sequence[Record], rivals: Sequence[Record]) -> list[list[object]]:
    rows: list[list[object]] = []
    others = {(r["size"], r["seed"], r["history"]): r["rivals"] for r in rivals}
    for (size, prior, history), rs in _groups(records).items():
        if prior != "sound":
            continue
        rows.append(_rival_row(size, history, "**optcomp, likely**", [taken(r, "likely") for r in rs], rs))
        met = [(r, others.get((size, r["seed"], history), {})) for r in rs]
        for name in dict.fromkeys(n for _, other in met for n in other):
            have = [(r, other[name]) for r, other in met if name in other]
            rows.append(_rival_row(size, history, name, [found for _, found in have], [r for r, _ in have]))
    return rows


def _rival_row(size: str, history: str, name: str, found: list[Record], rs: list[Record]) -> list[object]:
    true = np.array([f["true"] for f in found])
    promised = [f["promised"] for f in found if "promised" in f]
    return [
        size, history, name, len(rs), f"{true.mean():+.2f}", f"{true.sum() / sum(r['oracle'] for r in rs):.2f}",
        worse(true), f"{np.mean(promised):+.2f}" if promised else "",
    ]  # fmt: skip


def _rival_legend() -> str:
    return (
        "Status quo is 0 by definition. 40/40/20 pays renewals, expansion and satisfaction at 18 % variable in every "
        "segment and is not held to the budget; equal-ARR books deal the accounts of each pool anew under today's "
        "plans; best plan seen takes the plan with the best raw NRR in the segment's own history. Boosting is monotone "
        "in every dollar; both learners see what the fit sees, without its prior."
    )


# ---- plans and books ----------------------------------------------------------------------------------------------

_WHOLE = (
    "size", "prior", "history", "risk", "worlds", "true gain, pp", "of it by plans", "worse than today",
    "promised / true", "honest / true", "90 % interval holds the truth", "moves", "largest gap, pp", "s a solve",
)  # fmt: skip


def _whole_rows(whole: Sequence[Record]) -> list[list[object]]:
    found: dict[tuple[str, ...], list[Record]] = {}
    for r in whole:
        found.setdefault(tuple(r[k] for k in ("size", "prior", "history", "risk")), []).append(r)
    rows: list[list[object]] = []
    for key, rs in found.items():
        mean = {k: float(np.mean([r[k] for r in rs])) for k in ("true", "true_plans", "promised", "honest", "moves")}
        rows.append([
            *key, len(rs), f"{mean['true']:+.2f}", f"{mean['true_plans']:+.2f}",
            worse(np.array([r["true"] for r in rs])), ratio(mean["promised"], mean["true"]),
            ratio(mean["honest"], mean["true"]), f"{sum(r['inside'] for r in rs)} of {len(rs)}", f"{mean['moves']:.0f}",
            f"{max(r['gap'] for r in rs):.3f}", f"{np.mean([r['seconds'] for r in rs]):.0f}",
        ])  # fmt: skip
    return rows


def _whole_legend() -> str:
    return (
        "`optcomp.solve` over 64 draws, plans and books together; the truth is the world's exact expectation. "
        "*Promised* is the mean gain over draws, *honest* what `solve` calls likely to come true. No oracle of books "
        "is run: the truth does not fall apart into pairs."
    )


# ---- bars ---------------------------------------------------------------------------------------------------------


def bars(records: Sequence[Record]) -> list[str]:
    """Every bar of the issue with its figure, met or missed."""
    lines = []
    for size in BARS:
        sound = [r for r in records if r["size"] == size and r["prior"] == "sound"]
        if sound:
            lines += _size_bars(size, sound)
        wrong = [r for r in records if (r["size"], r["prior"], r["history"]) == (size, "wrong", "one-plan")]
        if wrong:
            gain = float(np.mean([taken(r, "likely")["true"] for r in wrong]))
            lines.append(f"{size}, wrong prior and one plan: {gain:+.2f} pp on average (bar 0): {_met(gain >= 0.0)}")
    flags = sum(r["flag_right"] for r in records)
    lines.append(f"Identification flag right in {flags} of {len(records)} (bar all): {_met(flags == len(records))}")
    return lines


def _size_bars(size: str, sound: list[Record]) -> list[str]:
    inside, (error, count) = float(np.mean([r["coverage"] for r in sound])), calibration_error(sound)
    chosen = [taken(r, "likely") for r in sound]
    ruled = worse(np.array([c["true"] if c["adopted"] else 0.0 for c in chosen]))
    return [
        *(line for way, words in WAYS.items() for line in _way_bars(size, sound, way, words)),
        f"{size}, sound prior: worse than today in {ruled} of {len(sound)} when a plan is changed only where `solve` "
        f"says adopt: {_met(ruled <= len(sound) / 20)}",
        f"{size}, sound prior: 90 % intervals hold the truth in {inside:.2f} (bar 0.80 to 0.98): "
        f"{_met(0.80 <= inside <= 0.98)}",
        f"{size}, sound prior: calibration error {error:.3f} on {count:,} held-out renewals (bar 0.02): "
        f"{_met(error <= 0.02)}",
    ]


def _way_bars(size: str, sound: list[Record], way: str, words: str) -> list[str]:
    """Capture, and worlds that end up worse than today, for one way of choosing."""
    true, oracle = np.array([taken(r, way)["true"] for r in sound]), np.array([r["oracle"] for r in sound])
    capture, (low, high) = float(true.sum() / oracle.sum()), interval(true, oracle)
    bad, deep = worse(true), int((true < -SMALL_LOSS).sum())
    return [
        f"{size}, sound prior, all histories: capture {capture:.2f} ({low:.2f} to {high:.2f}; bar {BARS[size]:.2f}) "
        f"when {words}: {_met(capture >= BARS[size])}",
        f"{size}, sound prior: worse than today in {bad} of {len(sound)}, by more than {SMALL_LOSS} pp in {deep} "
        f"(bar 1 in 20, none by more) when {words}: {_met(bad <= len(sound) / 20 and deep == 0)}",
    ]


def _met(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def _caveat() -> str:
    return (
        "The sound prior is centred on these worlds by construction; figures with the wrong prior are the honest lower "
        "bound. Simulated gains are no forecast for any company."
    )
