"""Is there an assignment of at most some cost? Parts of the task are refused by bounds, or searched book by book.

Only pairs that raise the bound to at most that cost can be in it. A part is halved by a pair that is used or not; once
all books that can matter in it are few enough to be listed, they are searched as they are (`leaf`). Proving takes all
parts in turn. Diving fixes the pairs that the program over books uses most, many at a time, so that what is left can
be listed: that finds assignments where proving would take too long, and proves nothing.

Source: Sadykov and others 2019, "Primal heuristics for branch and price: the assets of diving methods".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from optcomp.types import IntArray
from tests.benchmarks.gap_core import leaf
from tests.benchmarks.gap_core.bounding import MORE, Bounding, Part, State
from tests.benchmarks.gap_core.columns import Pricing, near_best
from tests.benchmarks.gap_core.leaf import Leaf, Verdict
from tests.benchmarks.gap_core.task import Assignment

LISTED = 6_000  # books of a part that is searched as it is
LISTED_PAIRS = 400  # open pairs above which listing is not tried
LEAF_NODES = 100  # of a part searched after a dive: one that holds an assignment mostly shows it early
PROVE_LEAF_NODES = 3_000  # of a part searched to refuse it
FIXED = 0.05  # share of the open pairs that a step of a dive fixes
NOISE = 0.2  # added to how much a pair is used, so that no two dives are the same
LEAST_USE = 0.5  # of a pair that is fixed together with others


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a task has an assignment of at most this cost, and when to stop asking, on time.monotonic."""

    task: Assignment
    most_cost: float
    deadline: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A part of a question, and its share of the whole: one half of the part that it was cut from."""

    part: Part
    share: float


@dataclass(frozen=True, slots=True)
class Reply:
    """An assignment if one was found, parts that are still open, the share that was refused, and nodes it took."""

    owner: IntArray | None
    rest: tuple[Asked, ...]
    refused: float
    nodes: int


def prove(work: tuple[Question, tuple[Asked, ...], int]) -> Reply:
    """Refuse parts or find an assignment in one; stops after so many nodes. What a process does."""
    question, parts, most_nodes = work
    if not parts:
        return Reply(None, (), 0.0, 0)
    bounding = Bounding(question.task, parts[-1].part.price, question.deadline)
    stack, refused, nodes = list(parts), 0.0, 0
    stuck: list[Asked] = []
    while stack and nodes < most_nodes and time.monotonic() < question.deadline:
        asked = stack.pop()
        nodes += 1
        state = bounding.bound(asked.part, question.most_cost)
        if state is None:
            refused += asked.share
            continue
        listed = _leaf(bounding, state, question)
        if listed is not None:
            verdict, owner = listed.search(leaf.Effort(PROVE_LEAF_NODES, question.deadline))
            nodes += listed.nodes // 10
            if verdict is Verdict.FOUND:
                return Reply(owner, (), refused, nodes)
            if verdict is Verdict.NONE:
                refused += asked.share
                continue
        halves = _halves(question.task, state, asked.share / 2.0)
        if halves:
            stack += halves
        elif state.part.keep.sum() < asked.part.keep.sum():  # pairs were left out, so the bound may be better now
            stack.append(replace(asked, part=state.part))
        else:
            stuck.append(asked)
    return Reply(None, (*stuck, *stack), refused, nodes)


def dive(work: tuple[Question, Part, int]) -> IntArray | None:
    """An assignment of at most the cost asked for, or None; what a process does with a seed of its own."""
    question, part, seed = work
    random = np.random.default_rng(seed)
    bounding = Bounding(question.task, part.price, question.deadline)
    while time.monotonic() < question.deadline:
        state = bounding.bound(part, question.most_cost)
        if state is None:
            return None
        listed = _leaf(bounding, state, question)
        if listed is not None:
            return listed.search(leaf.Effort(LEAF_NODES, question.deadline))[1]
        part = _fixed(state, random)
    return None


def _leaf(bounding: Bounding, state: State, question: Question) -> Leaf | None:
    """All books that can be in an assignment of at most the cost asked for, if they are few."""
    if state.open_pairs > LISTED_PAIRS:
        return None
    task, part = question.task, state.part
    cost = np.where(part.keep, task.cost, np.inf)
    most = LISTED // 4
    want = Pricing(question.most_cost - state.least_cost + MORE, most)
    books, bound = near_best(task, cost, bounding.hours, bounding.paid(part), want, bounding.forced(part.keep))
    if bound < state.least_cost - MORE:  # the room would leave out books; fewer pairs never lower the bound
        return None
    if books.count > LISTED or (np.bincount(books.csm, minlength=task.num_csms) >= most).any():
        return None
    return Leaf(task, books, part.price, question.most_cost)


def _halves(task: Assignment, state: State, share: float) -> list[Asked]:
    """Without and with a pair that is close to being used half and takes many hours; nothing when none is open."""
    keep = state.part.keep
    pairs = state.undecided
    if not pairs.any():
        pairs = keep & (keep.sum(axis=0) > 1)
    if not pairs.any():
        return []
    hours = task.load / np.maximum(task.capacity, 1e-9)[:, None]
    weight = np.where(pairs, 0.1 * hours - np.abs(state.use - 0.5), -np.inf)
    j, a = np.unravel_index(int(weight.argmax()), weight.shape)
    without, only = keep.copy(), keep.copy()
    without[j, a] = False
    only[:, a] = False
    only[j, a] = True
    return [Asked(replace(state.part, keep=k), share) for k in (without, only)]


def _fixed(state: State, random: np.random.Generator) -> Part:
    """Some accounts that have a choice lose it: they stay where the program over books has them for the most part."""
    keep = state.part.keep.copy()
    choice = keep & (keep.sum(axis=0) > 1)
    weight = np.where(choice & (state.use > LEAST_USE), state.use + NOISE * random.random(keep.shape), -1.0)
    count = max(int(FIXED * state.open_pairs), 1)
    if weight.max() < 0.0:
        weight, count = np.where(choice, state.use, -1.0), 1
    for k in np.argsort(-weight, axis=None)[:count]:
        j, a = np.unravel_index(int(k), keep.shape)
        if weight[j, a] >= 0.0 and keep[j, a]:
            keep[:, a] = False
            keep[j, a] = True
    return replace(state.part, keep=keep)
