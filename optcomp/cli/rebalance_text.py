"""What `optcomp rebalance` prints, for 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from optcomp.cells import printable
from optcomp.cli.layout import paragraph, table
from optcomp.cli.solve_text import short
from optcomp.studies.rebalance import rows
from optcomp.studies.rebalance.study import Rebalanced
from optcomp.words import million, money, percent, plural

Summary = Mapping[str, Any]

# Rows of a kind that are named one by one; the files hold them all.
MOST_SHOWN = 5


def rebalance_text(done: Rebalanced, summary: Summary, out: Path) -> str:
    """The report of a rebalance with books."""
    blocks = [
        list(_heading(done, summary)),
        list(_ladder(done, summary)),
        list(_books(done, summary)),
        list(_locks(done)),
        list(_waves(done)),
        list(_short_months(summary)),
        list(_protection(summary)),
        list(_warnings(summary)),
        list(_files(summary, out)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def nothing_text(done: Rebalanced, summary: Summary) -> str:
    """The report where no books were found on the rung that was asked for."""
    head = "Nothing fits: it is proved that no books keep every hard rule after these changes."
    if summary["status"] != "infeasible":
        head = "Nothing that fits was found in the time there was; it is not proved that nothing does."
    wished = done.prepared.wishes.moves
    of_rung = [reason for rung in done.ladder.rungs if rung.limit == wished for reason in rung.reasons]
    reasons = dict.fromkeys([*of_rung, *summary["reasons"]])
    lines = [paragraph("-", reason, indent=2, hang=4) for reason in reasons]
    if summary["status"] == "infeasible":
        advice = []
        enough = done.ladder.optimum
        if wished is not None and enough is not None and wished < enough:
            advice.append(f"with at most {plural(wished, 'move')}; {enough} are enough")
        elif wished is not None and enough is None:
            advice.append("leave --no-ladder out: the ladder says how many moves are enough")
        kept = sum(lock.is_kept for lock in done.prepared.locks)
        if kept:
            advice.append(
                f"{plural(kept, 'account')} {'is' if kept == 1 else 'are'} locked by rule: try --lock-off renewal"
            )
        if done.prepared.wishes.slack:
            advice.append("keep less slack")
        lines += [paragraph("-", text, indent=2, hang=4) for text in advice]
    return "\n".join([paragraph("", head, hang=0), *lines, "Nothing was written."])


def _heading(done: Rebalanced, summary: Summary) -> Iterator[str]:
    instance = done.view.problem.instance
    facts = summary["rebalance"]
    changes = "; ".join(facts["changes"]) or "nothing changes"
    yield paragraph("", f"{short(instance.name)}, as of {instance.as_of}: {changes}", hang=0)
    new, counted = facts["new"], done.view.evaluation.moves_counted
    first = f", {new} {'gets its' if new == 1 else 'get their'} first CSM" if new else ""
    families = f" ({plural(counted, 'move')}: families count once)" if counted != facts["chosen"] else ""
    text = (
        f"{plural(facts['must_move'], 'account')} must move, {facts['chosen']} more should{families}{first}. "
        f"NRR {percent(summary['nrr'])}, at most {summary['gap_pp']:.4f} points below the best possible with these "
        "moves."
    )
    yield paragraph("", text, hang=0)


def _ladder(done: Rebalanced, summary: Summary) -> Iterator[str]:
    currency, taken = summary["currency"], summary["rebalance"]["rung"]
    cells = []
    for row in rows.ladder_rows(done.ladder):
        marks = [str(row["mark"])] if row["mark"] else []
        marks += ["taken"] if row["moves_allowed"] == taken else []
        net, each = row["net_arr"], row["net_arr_per_further_move"]
        cells.append(
            [
                str(row["moves_allowed"]),
                "" if net is None else million(_number(net), currency),
                "" if each is None else money(_number(each), currency),
                str(row["gap_pp"] or ""),
                ", ".join(marks),
            ]
        )
    yield "What further moves are worth, beyond those that must be"
    yield table(["moves", "ARR, year end", "each brings", "gap, points", ""], cells, left=(4,))
    for row in rows.ladder_rows(done.ladder):
        if row["remark"]:
            yield paragraph("", f"{row['moves_allowed']} moves: {row['remark']}.", indent=2, hang=0)
    if done.ladder.price:
        text = f"A move counts as paying when it brings more than {money(done.ladder.price, currency)} (rules.moves)."
        yield paragraph("", text, indent=2, hang=0)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _books(done: Rebalanced, summary: Summary) -> Iterator[str]:
    """The books that change most, before and after."""
    books_by_csm: dict[str, tuple[float, ...]] = {}
    for row in rows.book_rows(done):
        for side in ("from", "to"):
            if row[side]:
                keys = ("accounts_before", "accounts_after", "arr_before", "arr_after", "load_before", "load_after")
                books_by_csm[str(row[side])] = tuple(_number(row[f"{side}_{key}"]) for key in keys)
    if not books_by_csm:
        return
    most = sorted(books_by_csm.items(), key=lambda item: (-abs(item[1][1] - item[1][0]), item[0]))[:MOST_SHOWN]
    currency = summary["currency"]
    cells = [
        [
            short(name),
            f"{b:.0f} → {a:.0f}",
            f"{million(ab, currency)} → {million(aa, currency)}",
            f"{percent(lb, 0)} → {percent(la, 0)}",
        ]
        for name, (b, a, ab, aa, lb, la) in most
    ]
    yield "Books that change most"
    yield table(["CSM", "accounts", "ARR", "load"], cells)
    yield from _and_more(len(books_by_csm), "books_before_after.csv")


def _and_more(count: int, file: str) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f"  … and {count - MOST_SHOWN} more in {file}"


def _locks(done: Rebalanced) -> Iterator[str]:
    kept = [lock for lock in done.prepared.locks if lock.is_kept]
    if not done.prepared.locks:
        return
    counts: dict[str, int] = {}
    for lock in kept:
        for reason in lock.reasons:
            kind = reason.split(" on ")[0].split(":")[0]
            counts[kind] = counts.get(kind, 0) + 1
    said = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    given_up = len(done.prepared.locks) - len(kept)
    verb = "stays" if len(kept) == 1 else "stay"
    often = "; some by more than one" if sum(counts.values()) > len(kept) else ""
    text = f"{plural(len(kept), 'account')} {verb} by rule ({said}{often})" if kept else "No account stays by rule"
    more = f"; {given_up} more would, but must move or come to their family" if given_up else ""
    yield paragraph("", f"{text}{more}: locks.csv.", hang=0)


def _waves(done: Rebalanced) -> Iterator[str]:
    groups: dict[int, list[Any]] = {}
    for h in done.handovers:
        groups.setdefault(h.wave, []).append(h)
    if not groups:
        return
    cells = []
    for wave, members in sorted(groups.items()):
        days = sorted({str(h.effective) for h in members})
        when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        colours = [sum(h.colour == c for h in members) for c in ("green", "yellow", "red")]
        cells.append(["at once" if wave == 0 else str(wave), when, str(len(members)), *(str(n) for n in colours)])
    yield "Waves"
    yield table(["wave", "when", "accounts", "green", "yellow", "red"], cells, left=(0, 1))
    uncovered = sum(any("name a cover" in note for note in h.notes) for h in done.handovers)
    if uncovered:
        text = f"{plural(uncovered, 'account')} would have nobody until a new CSM starts: name a cover (moves.csv)."
        yield paragraph("", text, indent=2, hang=0)


def _short_months(summary: Summary) -> Iterator[str]:
    """Who cannot do with the hours of a month, the most hours first."""
    months = summary["rebalance"]["short_months"]
    if not months:
        return
    yield "Months with fewer hours than a book needs: name a cover (hours.csv)"
    cells = [
        [short(row["csm_id"]), _span(row["from"], row["to"]), f"{row['hours']:,.0f}", row["why"]]
        for row in months[:MOST_SHOWN]
    ]
    yield table(["CSM", "months", "hours missing", ""], cells, left=(0, 1, 3))
    yield from _and_more(len(months), "summary.json")


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"


def _protection(summary: Summary) -> Iterator[str]:
    amounts = summary["rebalance"]["pay_protection"]
    if amounts:
        total = money(sum(amounts.values()), summary["currency"])
        text = (
            f"Pay protection: {plural(len(amounts), 'CSM')} would lose {total} of variable pay at target because their "
            "books are cut in mid-year: pay_protection.csv."
        )
        yield paragraph("", text, hang=0)


def _warnings(summary: Summary) -> Iterator[str]:
    warnings = summary["warnings"]
    if warnings:
        yield plural(len(warnings), "warning").capitalize()
        yield from (paragraph("!", text, indent=2, hang=4) for text in warnings[:MOST_SHOWN])
        yield from _and_more(len(warnings), "summary.json")


def _files(summary: Summary, out: Path) -> Iterator[str]:
    names = [n for n in summary["files"] if not n.startswith("handover-")]
    sheets = len(summary["files"]) - len(names)
    text = f"Written to {printable(str(out))}: {', '.join(names)}, and {plural(sheets, 'hand-over sheet')}"
    yield paragraph("", text, hang=0)
