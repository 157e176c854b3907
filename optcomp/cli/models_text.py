"""What `optcomp models` prints."""

from __future__ import annotations

from collections.abc import Sequence

from optcomp.cli.layout import paragraph, table
from optcomp.contradictions import Contradiction
from optcomp.model_files import Number
from optcomp.model_texts import ModelText, by_place, figure, interval


def model_text(model: ModelText) -> str:
    """A model with all its numbers."""
    head = {
        "source": model.source,
        "origin": model.origin,
        "extends": model.extends,
        "purpose": model.purpose,
        "remark": model.remark,
        "asked by": ", ".join(model.requirements),
    }
    lines = [paragraph(f"{model.kind} {model.name}:", model.title, hang=len(model.kind) + len(model.name) + 3)]
    lines += [paragraph(label, text, indent=2) for label, text in head.items() if text]
    lines += [paragraph(state, rules, indent=2) for state, rules in model.states if rules]
    lines += [paragraph("" if i else "risks", risk, indent=2) for i, risk in enumerate(model.risks)]
    return "\n".join(lines + (["", _numbers(model.numbers)] if model.numbers else []))


def _numbers(numbers: tuple[Number, ...]) -> str:
    """Each number on a line, under the place where it stands, its origin and its source."""
    rows: list[list[str]] = []
    for heading, group in by_place(numbers):
        rows.append([heading])
        for number in group:
            name = number.key.rpartition(".")[2]
            rows.append([f"  {name}", figure(number.value), interval(number), number.unit])
    return table(["number (origin; source)", "value", "90 % interval", "unit"], rows, left=(0, 3))


def contradictions_text(found: Sequence[Contradiction]) -> str:
    """Each contradiction with what would end it."""
    blocks = []
    for i, contradiction in enumerate(found, start=1):
        block = [paragraph(f"{i}.", contradiction.sentence, hang=4)]
        if contradiction.way_out:
            block.append(paragraph("", contradiction.way_out, indent=4, hang=0))
        blocks.append("\n".join(block))
    return "\n\n".join(blocks)
