"""How long a fit takes, what it holds in memory, and how far its Laplace posterior is from a full sampler's.

    python -m tests.benchmarks.fit

Sizes are worlds with planted truth (15, 40 and 200 CSMs) with an eight-quarter pilot; every row is a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.benchmarks import record
from tests.benchmarks.fit_checks import BOOTSTRAPS, WARN_BELOW, alarm_rows, bootstrap_rows

SIZES = {"S": (15, 849), "M": (40, 2209), "L": (200, 10_000)}
BARS = {"M": (1.0, 2048.0), "L": (15.0, 2048.0)}
COMMAND = "python -m tests.benchmarks.fit"


def measure(size: str) -> dict[str, float]:
    """Fit one world in this process."""
    from optcomp.assemble import assemble
    from optcomp.learn.fit import fit
    from optcomp.learn.priors import load_priors
    from optcomp.world.world import make_world

    past = make_world(size, 1).live("pilot")
    problem, history = assemble(past.instance()), past.history()
    priors = load_priors("priors-v0", None)
    before = record.peak_memory_mib()
    runs = [fit(history, problem, priors) for _ in range(3)]
    started = time.perf_counter()
    found = runs[0]
    found.levers, found.identification, found.checks  # noqa: B018
    graded = time.perf_counter()
    found.sensitivity  # noqa: B018
    shaken = time.perf_counter()
    found.held_out  # noqa: B018
    return {
        "rows": len(history.account_quarters.account),
        "renewals": int(history.account_quarters.due.sum()),
        "coefficients": found.posterior.expand["hill"].mode.rows.x.shape[1],
        "fit": min(run.seconds for run in runs),
        "slowest": max(run.seconds for run in runs),
        "grades": graded - started,
        "sensitivity": shaken - graded,
        "foretold": time.perf_counter() - shaken,
        "before": before,
        "peak": record.peak_memory_mib(),
    }


def compare() -> tuple[list[list[object]], str]:
    """Laplace against Hamiltonian Monte Carlo on the renewals of one panel of 15 CSMs."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from full_sampler import sample
    from histories import make

    from optcomp.learn.newton import fit_rows
    from optcomp.learn.panel import Panel
    from optcomp.learn.priors import load_priors

    priors = load_priors("priors-v0", None)
    problem, history = make("pilot", csms=15, book=56)
    design = Panel(history, replace(problem, response=priors.response), priors).renewals("effort")
    started = time.perf_counter()
    mode = fit_rows(design.rows, 0.3)
    laplace = time.perf_counter() - started
    chains = [sample(mode, 0.3, count=4000, seed=seed) for seed in (1, 2)]
    seconds = time.perf_counter() - started - laplace
    draws = np.concatenate(chains)
    apart = (mode.beta - draws.mean(axis=0)) / draws.std(axis=0)
    sds, means = draws.std(axis=0), draws.mean(axis=0)
    rows: list[list[object]] = [
        [f"`{name}`", f"{mode.beta[k]:.3f}", f"{means[k]:.3f}", f"{apart[k]:+.3f}", f"{mode.sd[k] / sds[k]:.3f}"]
        for k, name in enumerate(design.names)
        if name.startswith(("outcome.", "level."))
    ]
    split = (np.abs(chains[0].mean(axis=0) - chains[1].mean(axis=0)) / sds).max()
    slopes = max(abs(apart[k]) for k, name in enumerate(design.names) if name.startswith("outcome."))
    text = (
        f"{len(design.rows.y):,} renewals, {len(design.names)} coefficients, 15 CSM effects and sigma_u. Two chains of "
        f"4,000 draws took {seconds:.1f} s, Newton and Laplace {1000 * laplace:.0f} ms. Largest distance of a slope: "
        f"**{slopes:.3f} posterior sd** (bar 0.15); the chains' means differ by at most "
        f"{split:.3f} sd. Levels are "
        "further apart, since a joint mode is not a mean; no bar is set for them."
    )
    return rows, text


def main() -> None:
    """Measure everything and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", metavar="SIZE")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one)))
        return
    rows = []
    for size in SIZES:
        command = [sys.executable, "-m", "tests.benchmarks.fit", "--one", size]
        alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        found = json.loads(subprocess.check_output(command, text=True, env=alone))
        rows.append(_row(size, found))
        print(*rows[-1])
    header = ("size", "account-quarters", "renewals", "coefficients", "fit, s (best to worst of 3)", "bar, s")
    header += ("grades, s", "sensitivity, s", "foretold, s", "MiB before the fit", "peak MiB (bar 2,048)")
    notes = (
        "*Fit* is everything from the history to the posterior of five outcomes, two of them under two maps at four "
        "values of sigma_u each, and 128 draws; *grades* are ranks, contractions, smallest effects and checks; "
        "*sensitivity* is eight refits and the light scorer over the menu under five scenarios; *foretold* is the last "
        "two quarters by a fit of those before, with 400 samples of luck. Histories are pilots of eight quarters. One "
        "BLAS thread, as the command sets it: a second one gains nothing on 30 columns and waits for its turn on a "
        "busy machine."
    )
    table, text = compare()
    apart = ("coefficient of renewal", "Laplace", "sampler", "apart, posterior sd", "sd, Laplace / sampler")
    parts = [record.table(header, rows), notes, "## Laplace against a full sampler", record.table(apart, table), text]
    parts += checked()
    print(record.write("fit", "Fitting a history", COMMAND, parts))


def checked() -> list[str]:
    """Sections on the clustered sd and on false alarms."""
    ratio = ("history", "outcome", "CSMs", "smallest", "median", "largest")
    alarms = ("check", "outcome", "history", "warns in worlds as they are", "warns where nothing drifts")
    return [
        "## Clustered sd against drawing CSMs anew",
        record.table(ratio, bootstrap_rows()),
        f"The closed form over the sd of {BOOTSTRAPS} bootstraps by CSM, for every slope, in worlds of 15 CSMs; the "
        "part of the prior is left out, which a bootstrap does not draw. The larger of this sd and Laplace's is "
        "reported.",
        "## False alarms",
        record.table(alarms, alarm_rows()),
        f"A check warns below p = {WARN_BELOW:.2f}, so one in ten warns by chance. Worlds as they are have no drift "
        "that a plan made, but some are gamed, and then sizes of expansions do change. Where nothing drifts, outcomes "
        "are drawn from the fit of a world and fitted again.",
    ]


def _row(size: str, r: dict[str, float]) -> list[object]:
    csms, accounts = SIZES[size]
    bar = f"{BARS[size][0]:.0f}" if size in BARS else "none"
    return [
        f"{size}: {csms} CSMs × {accounts:,} accounts", f"{r['rows']:,}", f"{r['renewals']:,}", r["coefficients"],
        f"{r['fit']:.2f} to {r['slowest']:.2f}", bar, f"{r['grades']:.2f}", f"{r['sensitivity']:.1f}",
        f"{r['foretold']:.1f}", f"{r['before']:.0f}", f"{r['peak']:.0f}",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
