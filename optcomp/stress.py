"""A world that differs from the predicted one: growth stage, customers or market (000-33)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stress:
    """Multiples of the mean chances at today's plans and books; 1 leaves them as predicted.

    churn : of not renewing; expansion : of expanding in a quarter; turnover : of a CSM at market pay leaving in a year
    """

    name: str
    title: str
    churn: float
    expansion: float
    turnover: float
