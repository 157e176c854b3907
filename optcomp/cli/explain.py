"""`optcomp explain`: why a solution is as it is, in sentences that are each computed again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from optcomp.reopen import Reopened
    from optcomp.studies.claims import Claim


@click.command()
@click.argument("solution", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--account", metavar="ACCOUNT", help="Why this account is with its CSM.")
@click.option("--csm", metavar="CSM", help="Why this book is as it is.")
@click.option("--plan", metavar="SEGMENT", help="Why this segment is paid by its plan.")
@click.option("--move", metavar="ACCOUNT:CSM", help="What happens when this account must be with this CSM.")
@click.option(
    "--hook", "hooks", multiple=True, type=click.Path(path_type=Path), help="The constraints of your own of the solve."
)
@click.option("--instance", type=click.Path(path_type=Path), help="Where the instance is, if it has moved since.")
@click.option(
    "--time-limit",
    default=60.0,
    show_default=True,
    metavar="S",
    type=click.FloatRange(0.0),
    help="Seconds for every question that is solved again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(
    solution: Path,
    account: str | None,
    csm: str | None,
    plan: str | None,
    move: str | None,
    hooks: tuple[Path, ...],
    instance: Path | None,
    time_limit: float,
    as_json: bool,
) -> int:
    """Explain one decision of the solution in DIR, with numbers.

    What one move changes comes from the evaluator. What is possible at best is solved again and given as a range that
    is proved on both sides. Name one of --account, --csm, --plan and --move.

    \b
    Example:
      optcomp explain out --account A
      optcomp explain out --move A:C1

    Exit codes: 0 explained, 3 it cannot be read or has no such account, CSM or segment, 7 it holds no decision of its
    instance, or breaks a hard rule.
    """
    import json

    from optcomp.cli.layout import paragraph
    from optcomp.reopen import reopen

    asked = {"account": account, "csm": csm, "plan": plan, "move": move}
    named = {kind: value for kind, value in asked.items() if value is not None}
    if len(named) != 1:
        raise click.UsageError("Name exactly one of --account, --csm, --plan and --move.")
    kind, value = next(iter(named.items()))
    if kind == "move" and not all(value.rpartition(":")):
        raise click.UsageError(f"--move takes ACCOUNT:CSM, for example A:C1; {value!r} was found.")
    claims = _claims(reopen(solution, instance=instance, hooks=hooks), kind, value, time_limit)
    if as_json:
        content = {"schema": "optcomp/explain/1", "asked": {kind: value}, "claims": [c.summary() for c in claims]}
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(paragraph("-", c.sentence, hang=2) for c in claims))
    return 0


def _claims(opened: Reopened, kind: str, value: str, seconds: float) -> list[Claim]:
    from optcomp.engine import Engine
    from optcomp.errors import CheckFailed
    from optcomp.hooks import hook_violations
    from optcomp.solve import Engines
    from optcomp.studies.explain import Explainer
    from optcomp.studies.explain_csm import explain_csm
    from optcomp.studies.explain_plan import PlanExplainer
    from optcomp.studies.resolve import Resolver

    if opened.evaluation.violations:
        broken = sorted({b.rule_id for b in opened.evaluation.violations})
        raise CheckFailed(f"The solution breaks {', '.join(broken)}; `optcomp evaluate` says more.")
    if said := hook_violations(opened.hooks, opened.problem, opened.solution):
        raise CheckFailed(f"The solution breaks a constraint of your own: {said[0]}.")
    with Engine(1) as main, Engine(1) as helper:
        resolver = Resolver(opened.problem, opened.solution, main, seconds, hooks=opened.hooks)
        explainer = Explainer(opened.problem, opened.solution, resolver)
        if kind == "account":
            return explainer.account(value)
        if kind == "csm":
            return explain_csm(explainer, value)
        if kind == "plan":
            bound = opened.bound * opened.problem.total_arr
            return PlanExplainer(explainer, bound, Engines(main, helper), seconds).explain(value)
        account, _, csm = value.rpartition(":")
        return explainer.insist(account, csm)
