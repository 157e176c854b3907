"""The pay budget and the worst case."""

from __future__ import annotations

import numpy as np

from optcomp.formulation.frame import Frame, Term


def add_budget(frame: Frame) -> None:
    r"""Base pay plus expected variable pay stays within the pay budget.

    .. math:: \sum_{sp} z_{sp} \sum_{j \in s} \text{cost}_{jp} + \sum_{jp} \text{cost}_{jp} \, w_{jp} \le B

    cost_jp  base plus expected variable of CSM j under plan p, USD in the plan year; w_jp = o_j · z_sp for open
    positions
    """
    _add_total(frame, "budget", frame.problem.pay_cost, frame.problem.instance.pay_budget)


def add_exposure(frame: Frame) -> None:
    r"""Pay if everybody hits the cap stays within a multiple of the pay budget.

    .. math:: \sum_{jp} \text{worst}_{jp} \, z_{sp} \le \text{ratio} \cdot B
    """
    ratio = frame.problem.rules["exposure"]["max_ratio"]
    _add_total(frame, "exposure", frame.problem.exposure, ratio * frame.problem.instance.pay_budget)


def _add_total(frame: Frame, rule_id: str, tables: tuple[np.ndarray, ...], limit: float) -> None:
    rule, problem = frame.problem.rules[rule_id], frame.problem
    terms: list[Term] = []
    fixed = 0.0
    for segment in range(len(problem.segments)):
        always = (problem.csms.segment == segment) & ~problem.csms.is_open
        plan_terms, constant = frame.plan_terms(segment, tables[segment][always].sum(axis=0).tolist())
        terms += plan_terms
        fixed += constant
    for j in sorted(frame.scope.optional):
        segment = int(problem.csms.segment[j])
        for p in frame.scope.plans[segment]:
            terms.append((float(tables[segment][j, p]), _filled_under(frame, j, p)))
    frame.limit(rule, terms, limit - fixed, scale=max(limit, 1.0))


def add_filled_under(frame: Frame) -> None:
    r"""Which plan a filled position is paid by.

    .. math:: \sum_p w_{jp} = o_j, \qquad w_{jp} \le z_{sp}
    """
    model, problem = frame.model, frame.problem
    keys = [
        (j, p)
        for j in sorted(frame.scope.optional)
        for p in frame.scope.plans[int(problem.csms.segment[j])]
        if frame.has_choice(int(problem.csms.segment[j]))
    ]
    model.w = frame.variables(keys)
    for j in sorted({j for j, _ in keys}):
        segment = int(problem.csms.segment[j])
        frame.row([*((1.0, model.w[j, p]) for p in frame.scope.plans[segment]), (-1.0, model.o[j])], 0.0, 0.0)
        for p in frame.scope.plans[segment]:
            frame.row([(1.0, model.w[j, p]), (-1.0, model.z[segment, p])], None, 0.0)


def _filled_under(frame: Frame, csm: int, plan: int) -> object:
    segment = int(frame.problem.csms.segment[csm])
    return frame.model.w[csm, plan] if frame.has_choice(segment) else frame.model.o[csm]
