"""The fitted outcomes: one mode an outcome and feature map, and what they say about single numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optcomp.learn.design import Design
from optcomp.learn.maps import MAPS, MapName
from optcomp.learn.newton import Mode, Rows, clustered_sd, find_mode, fit_rows
from optcomp.learn.panel import Panel
from optcomp.types import FloatArray

# Log sizes of expansions: sd where there are none, and the number of expansions that it is worth.
SIZE_NOISE = 0.50
SIZE_NOISE_WEIGHT = 5.0


@dataclass(frozen=True)
class Fitted:
    """One outcome: its design and its posterior mode."""

    design: Design
    mode: Mode

    @cached_property
    def sd(self) -> FloatArray:
        """Posterior sd: Laplace's, or the one clustered by CSM where that is larger (SCIENCE 3.3)."""
        return np.maximum(self.mode.sd, clustered_sd(self.mode))

    @property
    def widening(self) -> FloatArray:
        """Factor of 1 or more from Laplace's sd to `sd`."""
        return np.asarray(self.sd / self.mode.sd)

    def position(self, name: str) -> int:
        """Column of a coefficient."""
        return self.design.names.index(name)

    def value(self, name: str) -> float:
        """Posterior mode of a coefficient; 0 where theory forbids the sign that the data gave it."""
        column = self.position(name)
        found = float(self.mode.beta[column])
        return max(found, 0.0) if column in self.design.signed else found


@dataclass(frozen=True)
class Posterior:
    """All outcomes: renewals and expansions under both feature maps, and those that have none or one."""

    renew: Mapping[MapName, Fitted]
    expand: Mapping[MapName, Fitted]
    contract: Fitted
    size: Fitted
    quits: Fitted

    @property
    def all(self) -> tuple[Fitted, ...]:
        """Every fitted outcome."""
        return (*self.renew.values(), *self.expand.values(), self.contract, self.size, self.quits)

    def of(self, outcome: str, which: MapName) -> Fitted:
        """A fitted outcome by name."""
        single = {"contract": self.contract, "size": self.size, "quit": self.quits}
        return single[outcome] if outcome in single else {"renew": self.renew, "expand": self.expand}[outcome][which]

    def with_plan_prior(self, multiple: float) -> Posterior:
        """Renewals and expansions again, with the prior means of all plan effects multiplied; sigma_u stays."""
        return replace(
            self,
            renew={m: _scaled(f, multiple) for m, f in self.renew.items()},
            expand={m: _scaled(f, multiple) for m, f in self.expand.items()},
        )


def is_plan_effect(name: str) -> bool:
    """The coefficient says what pay does to an outcome."""
    return name.startswith(("hill.", "outcome.renew.", "outcome.expand.", "outcome.contract."))


def fit_posterior(panel: Panel) -> Posterior:
    """Every outcome of a panel, fitted."""
    return Posterior(
        renew={which: fitted_outcome(panel, panel.renewals(which)) for which in MAPS},
        expand={which: fitted_outcome(panel, panel.expansions(which)) for which in MAPS},
        contract=fitted_outcome(panel, panel.contractions()),
        size=_fitted_size(panel.sizes()),
        quits=fitted_outcome(panel, panel.quits()),
    )


def fitted_outcome(panel: Panel, design: Design) -> Fitted:
    """One outcome, with the spread of CSMs that the panel's prior expects."""
    return Fitted(design, fit_rows(design.rows, max(panel.priors.mean("fitting.sigma_u", 0.30), 1e-3)))


def _fitted_size(design: Design) -> Fitted:
    """Expansion sizes: lognormal, with the noise from the residuals of a first pass."""
    first = find_mode(_size_rows(design, SIZE_NOISE), 1.0)
    squares = float(((first.rows.y - first.expected) ** 2).sum())
    variance = (SIZE_NOISE_WEIGHT * SIZE_NOISE**2 + squares) / (SIZE_NOISE_WEIGHT + len(first.rows.y))
    rows = _size_rows(design, float(np.sqrt(variance)))
    return Fitted(replace(design, rows=rows), find_mode(rows, 1.0))


def _size_rows(design: Design, noise: float) -> Rows:
    # Priors speak of the mean share; the mean of a lognormal is exp(location + noise² / 2).
    is_level = np.array([name.startswith("level.") for name in design.names])
    return replace(design.rows, noise=noise, mean=design.rows.mean - is_level * noise**2 / 2.0)


def _scaled(fitted: Fitted, multiple: float) -> Fitted:
    design = fitted.design
    factor = np.where([is_plan_effect(name) for name in design.names], multiple, 1.0)
    rows = replace(design.rows, mean=design.rows.mean * factor)
    mode = find_mode(rows, fitted.mode.spread, fitted.mode)
    return Fitted(replace(design, rows=rows), mode)
