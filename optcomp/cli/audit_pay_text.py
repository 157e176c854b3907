"""What `optcomp audit` prints about pay: steps, its spread, the book, and whether the best are the best paid."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from optcomp.cli.layout import paragraph, table
from optcomp.learn.audit.audit import Audit
from optcomp.learn.audit.book import FAIR_R2
from optcomp.learn.audit.cliffs import Cliff
from optcomp.learn.audit.equal_effort import FAIR_SPREAD
from optcomp.learn.audit.inference import Slope
from optcomp.plan import METRICS
from optcomp.words import million, money, plural


def lines(title: str, *texts: str) -> str:
    """A title and paragraphs below it."""
    return "\n".join([title, *(paragraph("", text, indent=2, hang=2) for text in texts if text)])


def percent(share: float) -> str:
    """A share in whole per cent, a dash where it is not known."""
    return "-" if share != share else f"{100 * share:.0f} %"


# ---- steps ----------------------------------------------------------------------------------------------------------


def steps(found: Audit) -> str:
    """Every step of pay, with the chance to be on its paid side."""
    if not found.cliffs:
        return ""
    currency = found.problem.instance.currency
    rows: list[tuple[str, ...]] = []
    for title, group in groupby(found.cliffs, step_title):
        rows.append((title,))
        rows += [_step(c, currency) for c in group]
    header = ("", "due", "weak", "mean", "good", "seen", "a year", "stake", "to weak", "luck?")
    text = (
        "Chance to be on the paid side in a quarter with the book as dealt, for a weak, an average and a good CSM (one "
        "sd of skill apart); seen: how often it was. A year: the chance for a whole year of today's books. Stake: what "
        "hangs on it, a year. To weak: of all full payments to a weak and a good CSM, those that go to the weak one; "
        "50 % is a lottery. Luck: chance moves it more than skill does."
    )
    return "\n".join(["Pay that hangs on a step", table(header, rows), paragraph("", text, indent=2, hang=2)])


def step_title(step: Cliff) -> str:
    """For example ``Logo retention: all or nothing at 90 %``."""
    return f"{METRICS[step.metric].title}: {step.kind} at {100 * step.threshold:g} %"


def _step(c: Cliff, currency: str) -> tuple[str, ...]:
    due = "-" if np.isnan(c.due) else f"{c.due:g}"
    chances = (percent(share) for share in (c.weak, c.average, c.good, c.seen, c.year))
    return (c.segment, due, *chances, million(c.at_stake, currency), percent(c.to_weak), "yes" if c.is_luck else "no")


# ---- spread ---------------------------------------------------------------------------------------------------------


def spread(found: Audit) -> str:
    """What was paid, by segment."""
    rows = [
        (
            s.segment, str(s.years), percent(s.mean), percent(s.low), percent(s.median), percent(s.high),
            percent(s.below_half), percent(s.zero), percent(s.full), _ratio(s.gini),
        )
        for s in found.spread
    ]  # fmt: skip
    if not rows:
        return ""
    header = ("", "years", "mean", "10 %", "median", "90 %", "< 50 %", "zero", "at cap", "Gini")
    text = (
        "Of years of CSMs, three quarters or more known: mean, percentiles, share below half of target, Gini (0: all "
        "the same). Of quarters: share that paid nothing (zero), and the most that the plan can pay (at cap)."
    )
    title = "How pay was spread (payout over target)"
    return "\n".join([title, table(header, rows), paragraph("", text, indent=2, hang=2)])


def next_year(found: Audit) -> str:
    """What today's plans would pay."""
    currency = found.problem.instance.currency
    rows = [
        (
            a.segment, str(a.people), percent(a.mean), percent(a.below_half), percent(a.zero), _ratio(a.gini),
            million(a.cost, currency), million(a.cost_high, currency), percent(a.convexity),
        )
        for a in found.ahead
    ]  # fmt: skip
    if not rows:
        return ""
    header = ("", "CSMs", "mean", "< 50 %", "zero", "Gini", "cost", "1 in 10", "steep")
    text = (
        "By the response model, with today's books, the year measured as a whole. Cost: expected variable pay; "
        "1 in 10: what one year in ten exceeds. Steep: share of what more work pays that sits in steps and "
        f"accelerators; the more, the more gaming pays. {_leaks(found)}"
    )
    return "\n".join(["Next year under today's plans", table(header, rows), paragraph("", text, indent=2, hang=2)])


def _leaks(found: Audit) -> str:
    known = [a.leak for a in found.ahead]
    most = max(known)
    if most <= 0.0:
        return "Expansion is not paid, so none of it is expected to be lost again to gaming."
    low = f"{100 * min(known):.0f} to " if round(100 * min(known)) != round(100 * most) else ""
    return f"Expected to be lost again to gaming: {low}{100 * most:.0f} % of expansion."


def _ratio(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"


# ---- the book -------------------------------------------------------------------------------------------------------


def book(found: Audit) -> str:
    """Dollars for the book, what it predicts before and after fair targets, inherited risk, equal effort."""
    return "\n".join([lines("Paid for the book", _dollars(found)), *_explained(found), *_unequal(found)])


def _dollars(found: Audit) -> str:
    currency, paid = found.problem.instance.currency, found.book_pay
    over, under = paid.usd[paid.usd > 0.5], paid.usd[paid.usd < -0.5]
    if not len(over) and not len(under):
        return "Nobody's pay can be told to have moved with the book: what differs may be luck."
    largest = float(np.abs(paid.usd).max())
    return (
        f"{plural(len(over), 'CSM')} got {million(float(over.sum()), currency)} a year more, and {len(under)} got "
        f"{million(-float(under.sum()), currency)} less, than the same work would have got with a usual book of "
        f"the segment; at most {money(largest, currency)} for one person. Who: see people.csv, written by --out."
    )


def _explained(found: Audit) -> list[str]:
    fair = found.fairness
    if fair.total.before != fair.total.before:
        few = f"Only {plural(fair.total.years, 'CSM-year')}: too few to say how well the book predicts pay."
        return [paragraph("", few, indent=2, hang=2)]
    named = [("all variable pay", fair.total)]
    if len(fair.by_metric) > 1:
        named += [(METRICS[metric].title, own) for metric, own in fair.by_metric.items()]
    rows = [
        (name, str(e.years), percent(max(e.before, 0.0)), percent(max(e.after, 0.0)))
        if e.before == e.before
        else (name, str(e.years), "-", "-")
        for name, e in named
    ]
    text = (
        "Share of the differences in a year's payout that the book as dealt predicts (R², adjusted for the number of "
        f"columns), and had every target been what the book led to expect; fair: {100 * FAIR_R2:.0f} % or less."
    )
    header = ("the book predicts", "CSM-years", "as paid", "fair targets")
    return [table(header, rows), paragraph("", text, indent=2, hang=2)]


def _unequal(found: Audit) -> list[str]:
    fair, equal = found.fairness, found.equal_effort
    texts = []
    if fair.inherited:
        after = f"; with fair targets {_per_ten(fair.inherited_after)}" if fair.inherited_after else ""
        texts.append(
            "Whoever took over 10 points more of the book's ARR in bad health was paid "
            f"{_per_ten(fair.inherited)} points of target{after}."
        )
    if equal.book == equal.book:
        texts.append(
            f"At equal effort (everybody of average skill, the history played again) the book alone puts "
            f"{100 * equal.book:.0f} % of target between the best and the worst dealt tenth of CSMs; fair: "
            f"{100 * FAIR_SPREAD:.0f} % or less, with fair targets {100 * equal.book_after:.0f} %. Luck alone moves "
            f"one person's year by {100 * equal.luck:.0f} % of target (sd)."
        )
    return [paragraph("", text, indent=2, hang=2) for text in texts]


def _per_ten(slope: Slope | None) -> str:
    """Points of target for ten points of the book's ARR."""
    return f"{10 * slope.value:+.1f} [{10 * slope.low:+.1f}, {10 * slope.high:+.1f}]" if slope else "-"


def best_paid(found: Audit) -> str:
    """Pay by quarter of performance."""
    q = found.quartiles
    if np.isnan(q.pay).any():
        return ""
    names = ("best", "second", "third", "last")
    rows = [
        (names[n], f"{q.score[n]:+.1f}", percent(float(q.pay[n])), percent(float(q.best_paid[n]))) for n in range(4)
    ]
    header = ("quarter of CSMs", "score", "payout over target", "in the best-paid quarter")
    known = q.correlation == q.correlation
    text = (
        f"Rank correlation {q.correlation:+.2f} [{q.low:+.2f}, {q.high:+.2f}] over {plural(q.people, 'CSM')}. "
        if known
        else ""
    )
    text += "Pay is that of other quarters than the score: in the same ones both share their luck."
    title = "Are the best the best paid? (score: points of ARR a year against the book)"
    return "\n".join([title, table(header, rows), paragraph("", text, indent=2, hang=2)])
