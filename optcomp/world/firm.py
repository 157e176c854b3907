"""The visible facts of an invented company: who there is, what they pay and need, who looks after whom.

Pools are region × segment; hours needed are at most `MOST_LOAD` of the hours of every pool, so books that fit exist.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from optcomp.types import BoolArray, FloatArray, IntArray
from optcomp.world.names import INDUSTRIES, region_languages

SEGMENTS = ("enterprise", "mid-market", "growth")
LEVELS = ("associate", "csm", "senior")
HOURS_OF_A_PERSON = 1560.0  # 1,950 contract hours less 20 % overhead (002-17)
# Hours needed over hours of a pool; the rest is what a company keeps free for absence and new customers.
LEAST_LOAD, MOST_LOAD = 0.86, 0.95
# Accounts of a typical book, whose ratio decides how accounts fall on segments (SCIENCE 1.2: 14, 49, 130).
_BOOK = np.array([14.0, 49.0, 107.0])
_ARR_LOW, _ARR_HIGH = np.array([200e3, 50e3, 10e3]), np.array([1000e3, 180e3, 50e3])
_ARR_SKEW = np.array([1.8, 1.4, 1.2])  # above 1 puts more accounts at the low end
_COMPLEXITY = np.array([3.8, 3.0, 2.1])
_TERM_MONTHS = np.array([12, 24, 36])
_TERM_CHANCE = np.array([[0.65, 0.15, 0.20], [0.82, 0.18, 0.0], [0.95, 0.05, 0.0]])
# Chance of each level by segment, and base pay of a level: the middle of the us-2024 bands, USD a year.
_LEVEL_CHANCE = np.array([[0.0, 0.4, 0.6], [0.1, 0.7, 0.2], [0.5, 0.5, 0.0]])
_BASE = np.array([66e3, 85e3, 106e3])
_VARIABLE_PER_BASE = 0.15  # 13 % of OTE, as in the guide's example (000-38)
# How contract ends fall on calendar quarters: most companies buy at the end of their year.
_SEASON = np.array([0.22, 0.21, 0.20, 0.37])
_FAMILY_SHARE, _LOCK_SHARE = 0.02, 0.02


@dataclass(frozen=True, slots=True)
class Accounts:
    """Arrays of shape (accounts,); industry and language are indices into the region's and the common lists.

    next_renewal : months from the reference date to the next end of term, 0 to term - 1
    family : number of the family, -1 for none; owner : index of the CSM who has it
    """

    pool: IntArray
    segment: IntArray
    region: IntArray
    arr: FloatArray
    hours: FloatArray
    complexity: FloatArray
    term: IntArray
    next_renewal: IntArray
    industry: IntArray
    language: IntArray
    owner: IntArray
    family: IntArray
    locked: BoolArray


@dataclass(frozen=True, slots=True)
class Csms:
    """Arrays of shape (csms,); `industries` and `languages` are (csms, …) flags."""

    pool: IntArray
    segment: IntArray
    region: IntArray
    hours: FloatArray
    base: FloatArray
    variable: FloatArray
    market_ote: FloatArray
    level: IntArray
    tenure: FloatArray
    industries: BoolArray
    languages: BoolArray


@dataclass(frozen=True, slots=True)
class Firm:
    """Accounts and CSMs; the month (1 to 12) of the reference date."""

    accounts: Accounts
    csms: Csms
    month: int


def draw_firm(csms: int, accounts: int, pools: int, *, month: int, rng: np.random.Generator) -> Firm:
    """A company of this size whose reference date lies in `month`.

    Raises
    ------
    ValueError
        When there are fewer CSMs than pools or fewer accounts than CSMs.
    """
    if not 1 <= pools <= csms <= accounts:
        raise ValueError(f"1 <= pools ({pools}) <= CSMs ({csms}) <= accounts ({accounts}) must hold.")
    segment_of_pool = np.arange(pools) % len(SEGMENTS)
    heads = _shared(csms, np.ones(pools))
    people = _draw_csms(np.repeat(np.arange(pools), heads), segment_of_pool, rng)
    counts = _shared(accounts - csms, heads * _BOOK[segment_of_pool]) + heads
    return Firm(_draw_accounts(np.repeat(np.arange(pools), counts), people, month, rng), people, month)


def _shared(total: int, weights: FloatArray) -> IntArray:
    """Whole numbers that add up to the total, in proportion to the weights, by largest remainder."""
    exact = total * weights / weights.sum()
    shares = np.floor(exact).astype(np.int64)
    left = total - int(shares.sum())
    shares[np.argsort(shares - exact, kind="stable")[:left]] += 1
    return np.asarray(shares)


def _draw_csms(pool: IntArray, segment_of_pool: IntArray, rng: np.random.Generator) -> Csms:
    count, segment, region = len(pool), segment_of_pool[pool], pool // len(SEGMENTS)
    level = _pick(_LEVEL_CHANCE[segment], rng)
    base = np.round(_BASE[level] * np.exp(rng.normal(0.0, 0.05, count)), -2)
    variable = np.round(base * _VARIABLE_PER_BASE, -2)
    industries = rng.random((count, len(INDUSTRIES))).argsort(axis=1) < 2  # two each
    languages = np.zeros((count, 3), dtype=bool)
    languages[:, 0] = True  # everyone speaks the main language of the region
    known = np.array([len(region_languages(int(r))) for r in region])
    second = 1 + (rng.random(count) * (known - 1)).astype(np.int64)
    languages[np.arange(count), second] = rng.random(count) < 0.6
    return Csms(
        pool=pool,
        segment=segment,
        region=region,
        hours=np.round(HOURS_OF_A_PERSON * np.where(rng.random(count) < 0.1, 0.8, 1.0)),
        base=base,
        variable=variable,
        market_ote=np.round((base + variable) * np.exp(rng.normal(0.0, 0.06, count)), -2),
        level=level,
        tenure=np.asarray(np.round(np.minimum(rng.gamma(1.5, 2.0, count), 15.0), 1), dtype=np.float64),
        industries=industries,
        languages=languages,
    )


def _draw_accounts(pool: IntArray, people: Csms, month: int, rng: np.random.Generator) -> Accounts:
    pool = rng.permutation(pool)  # ids follow the rows, and must not tell the pool
    count, segment, region = len(pool), pool % len(SEGMENTS), pool // len(SEGMENTS)
    position = rng.random(count) ** _ARR_SKEW[segment]
    arr = np.round(_ARR_LOW[segment] * (_ARR_HIGH[segment] / _ARR_LOW[segment]) ** position, -2)
    complexity = np.clip(np.round(_COMPLEXITY[segment] + rng.normal(0, 0.8, count) + 1.5 * (position - 0.4)), 1, 5)
    raw = (0.55 + 0.15 * complexity) * np.exp(rng.normal(0.0, 0.12, count))
    hours = _fitted_hours(raw, pool, people, rng)
    owner = _spread(hours, pool, people, rng)
    family = _families(owner, rng)
    term = _TERM_MONTHS[_pick(_TERM_CHANCE[segment], rng)]
    return Accounts(
        pool=pool,
        segment=segment,
        region=region,
        arr=arr,
        hours=hours,
        complexity=complexity,
        term=term,
        next_renewal=_renewal_months(term, month, rng),
        industry=_like_owner(people.industries, owner, 0.30, family, rng),
        language=_like_owner(people.languages, owner, 0.15, family, rng, otherwise_first=True),
        owner=owner,
        family=family,
        locked=(rng.random(count) < _LOCK_SHARE) & (family < 0),
    )


def _pick(chances: FloatArray, rng: np.random.Generator) -> IntArray:
    """For each row of chances the index drawn."""
    return np.asarray((rng.random(len(chances))[:, None] >= chances.cumsum(axis=1)[:, :-1]).sum(axis=1))


def _fitted_hours(raw: FloatArray, pool: IntArray, people: Csms, rng: np.random.Generator) -> FloatArray:
    """Hours in proportion to `raw` that fill each pool to a load between LEAST_LOAD and MOST_LOAD."""
    pools = int(people.pool.max()) + 1
    have = np.bincount(people.pool, people.hours, pools)
    need = np.bincount(pool, raw, pools)
    # The rounding down to tenths keeps the load below its draw.
    per_unit = rng.uniform(LEAST_LOAD, MOST_LOAD, pools) * have / need
    return np.asarray(np.maximum(np.floor(10.0 * raw * per_unit[pool]) / 10.0, 0.1))


def _spread(hours: FloatArray, pool: IntArray, people: Csms, rng: np.random.Generator) -> IntArray:
    """An owner for each account: books of one pool differ in load by about a quarter, largest accounts first."""
    room = people.hours * rng.uniform(0.86, 1.10, len(people.pool))
    load = np.zeros(len(room))
    owner = np.empty(len(hours), dtype=np.int64)
    queues: dict[int, list[tuple[float, int]]] = {}
    for j, p in enumerate(people.pool.tolist()):
        queues.setdefault(p, []).append((0.0, j))
    for a in np.argsort(-hours, kind="stable").tolist():
        queue = queues[int(pool[a])]
        j = queue[0][1]
        owner[a] = j
        load[j] += hours[a]
        heapq.heapreplace(queue, (float(load[j] / room[j]), j))
    return owner


def _families(owner: IntArray, rng: np.random.Generator) -> IntArray:
    """Family of each account: pairs within one book, for a small share of the accounts."""
    family = np.full(len(owner), -1)
    order = rng.permutation(len(owner))
    order = order[np.argsort(owner[order], kind="stable")]
    first = order[:-1:2]
    second = order[1::2]
    joined = (owner[first] == owner[second]) & (rng.random(len(first)) < _FAMILY_SHARE)
    family[first[joined]] = family[second[joined]] = np.arange(joined.sum())
    return family


def _renewal_months(term: IntArray, month: int, rng: np.random.Generator) -> IntArray:
    """Months to the next renewal: the calendar month by season, the year within the term evenly."""
    calendar_month = 3 * rng.choice(4, size=len(term), p=_SEASON) + rng.integers(0, 3, len(term))  # 0 = January
    ahead = (calendar_month - (month - 1)) % 12
    return np.asarray(ahead + 12 * (rng.random(len(term)) * (term // 12)).astype(np.int64))


def _like_owner(
    known: BoolArray,
    owner: IntArray,
    share: float,
    family: IntArray,
    rng: np.random.Generator,
    *,
    otherwise_first: bool = False,
) -> IntArray:
    """An industry or language for each account: with chance `share` one that the owner has, else any, or the first."""
    count, kinds = len(owner), known.shape[1]
    scores = rng.random((count, kinds)) * known[owner]
    other = np.zeros(count, dtype=np.int64) if otherwise_first else rng.integers(0, kinds, count)
    value = np.where(rng.random(count) < share, scores.argmax(axis=1), other)
    head = np.full(int(family.max(initial=-1)) + 1, 0)
    head[family[family >= 0]] = value[family >= 0]
    return np.where(family >= 0, head[np.maximum(family, 0)] if len(head) else value, value)
