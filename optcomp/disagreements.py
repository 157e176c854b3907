"""Where the five texts give figures that cannot both be right: a declared list, with the arithmetic done here.

Figures are read from the shipped model files, so that a corrected file corrects or ends the disagreement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from optcomp.catalog import find_model, load_benchmarks, load_sayings, load_service, model_names, numbers
from optcomp.contradictions import Contradiction, find_contradictions

Facts = Mapping[str, float]
Check = Callable[[Facts, Facts], Contradiction | None]


@dataclass(frozen=True, slots=True)
class Range:
    """A figure from low to high."""

    low: float
    high: float

    def meets(self, other: Range) -> bool:
        """The two have a figure in common."""
        return self.low <= other.high and other.low <= self.high


def all_contradictions() -> list[Contradiction]:
    """Everything in which the shipped source texts contradict each other or themselves."""
    sayings = [load_sayings(name) for name in model_names("rules")]
    return [*find_contradictions(sayings), *find_disagreements()]


def find_disagreements() -> list[Contradiction]:
    """Figures of the shipped model files that cannot both be right (REQUIREMENTS section 3)."""
    guide, design = _facts("guide-000"), _facts("design-002")
    checks: tuple[Check, ...] = (_book_arr, _mid_market_book, _pay_mix, _share_of_what)
    return [found for check in checks if (found := check(guide, design)) is not None]


def _facts(pack: str) -> dict[str, float]:
    """The numbers of a pack by their key, without ``facts.``."""
    every = numbers(find_model("rules", pack, None))
    return {n.key.removeprefix("facts."): n.value for n in every if n.key.startswith("facts.")}


def _book_arr(guide: Facts, design: Facts) -> Contradiction | None:
    accounts = design["accounts.enterprise"]
    contract = Range(design["contract.enterprise_low"], design["contract.enterprise_high"])
    stated = Range(design["book_arr.enterprise_low"], design["book_arr.enterprise_high"])
    follows = Range(accounts * contract.low, accounts * contract.high)
    if follows.meets(stated):
        return None
    sentence = (
        f"design-002 contradicts itself: {accounts:g} enterprise accounts [002-18] at {_usd(contract)} each are "
        f"{_usd(follows)} a CSM, but its limit is {_usd(stated)} [002-20], which needs "
        f"{_usd(Range(stated.low / accounts, stated.high / accounts))} an account."
    )
    way_out = "Accounts and ARR per CSM are separate inputs of a segment; neither is derived from the other."
    return Contradiction(("design-002",), (), sentence, ("002-18", "002-20"), way_out)


def _mid_market_book(guide: Facts, design: Facts) -> Contradiction | None:
    count = guide["accounts.mid_market"]
    stated = Range(design["accounts.mid_market_low"], design["accounts.mid_market_high"])
    if Range(count, count).meets(stated):
        return None
    service = load_service("tiers-2024", None)
    hours = service.calendar_hours * (1 - service.overhead)
    sentence = (
        f"guide-000 gives a mid-market CSM {count:g} accounts [000-39], "
        f"design-002 {stated.low:g}-{stated.high:g} [002-19]: of {hours:,.0f} h that is {hours / count:.0f} h "
        f"against {hours / stated.high:.0f}-{hours / stated.low:.0f} h an account."
    )
    way_out = "Limits on accounts are the instance's, and hours come from the service model."
    return Contradiction(("guide-000", "design-002"), (), sentence, ("000-39", "002-19"), way_out)


def _pay_mix(guide: Facts, design: Facts) -> Contradiction | None:
    bands = load_benchmarks("us-2024", None).bands.values()
    shares = [1 - base / ote for b in bands for base, ote in ((b.base_low, b.ote_low), (b.base_high, b.ote_high))]
    market, example = Range(min(shares), max(shares)), guide["example_plan.variable"]
    if Range(example, example).meets(market):
        return None
    sentence = (
        f"guide-000's example pays {100 * example:.0f} % of OTE as variable [000-22], design-002's bands imply "
        f"{100 * market.low:.0f}-{100 * market.high:.0f} % [002-7], and guide-000's own team has "
        f"{100 * guide['example_team.variable']:.0f} % [000-38]."
    )
    way_out = "The standard rules allow up to 40 % of OTE; the example is shipped as weights only."
    return Contradiction(("guide-000", "design-002"), (), sentence, ("000-22", "000-38", "002-7"), way_out)


def _share_of_what(guide: Facts, design: Facts) -> Contradiction | None:
    people, base, share = (guide[f"example_team.{name}"] for name in ("people", "base", "variable"))
    rise = guide["example_team_budget.increase"]
    of_base, of_ote = base * share, base * share / (1 - share)
    budgets = [people * (base + variable) for variable in (of_base, of_ote)]
    if budgets[0] == budgets[1]:
        return None
    sentence = (
        f"guide-000 does not say of what its {100 * share:.0f} % variable is a share [000-38]: of base it is "
        f"{of_base:,.0f} USD each and {budgets[0]:,.0f} USD in all, of OTE {of_ote:,.0f} and {budgets[1]:,.0f}; "
        f"a budget {100 * rise:.0f} % larger [000-31] means {rise * budgets[0]:,.0f} or {rise * budgets[1]:,.0f} USD "
        "more."
    )
    way_out = "An instance states base and variable in money; a variable share is always of OTE."
    return Contradiction(("guide-000",), (), sentence, ("000-38", "000-31"), way_out)


def _usd(amount: Range) -> str:
    if amount.low >= 500_000:
        return f"{amount.low / 1e6:.3g}-{amount.high / 1e6:.3g}M USD"
    return f"{amount.low:,.0f}-{amount.high:,.0f} USD"
