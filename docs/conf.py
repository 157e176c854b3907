"""How the documentation is built: Markdown by Sphinx and MyST, formulas as MathML, nothing fetched from a network."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

project = "optcomp"
author = "the optcomp contributors"
release = metadata.version("optcomp")
html_title = f"optcomp {release}"
html_theme = "furo"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False

# ``h_uj  hours the unit needs``: a symbol, two blanks, its meaning. How a rule's docstring lists its letters.
_SYMBOL = re.compile(r"^(?P<name>[A-Za-z][\w ,/]*?)(?:  +|\s+:\s)(?P<meaning>\S.*)$")
_logger = logging.getLogger(__name__)


def _mathml(text: str, *, is_block: bool, node: nodes.Node) -> str:
    try:
        return str(tex2mathml(text, as_block=is_block))
    except MathError as error:
        _logger.warning("formula that MathML cannot show: %s (%s)", text, error, location=node)
        return f"<code>{text}</code>"


def _visit_inline(translator: Any, node: nodes.Element) -> None:
    translator.body.append(_mathml(node.astext(), is_block=False, node=node))
    raise nodes.SkipNode


def _visit_block(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<div class="math">{_mathml(node.astext(), is_block=True, node=node)}</div>')
    raise nodes.SkipNode


def _list_symbols(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turn the lines that explain symbols into a list; a line without two blanks goes on with the one before."""
    result: list[str] = []
    in_symbols = False
    for line in lines:
        match = _SYMBOL.match(line)
        if match:
            if not in_symbols:
                result.append("")
            names = ", ".join(f"``{part.strip()}``" for part in match["name"].split(","))
            result.append(f"* {names}: {re.sub(r'  +', ' · ', match['meaning'])}")
            in_symbols = True
        elif in_symbols and line.strip():
            result.append(f"  {line.strip()}")
        else:
            in_symbols = False
            result.append(line)
    lines[:] = result


def setup(app: Sphinx) -> dict[str, bool]:
    """Formulas as MathML, which browsers show by themselves, and lists of symbols."""
    app.add_html_math_renderer("mathml", inline_renderers=(_visit_inline, None), block_renderers=(_visit_block, None))
    app.connect("autodoc-process-docstring", _list_symbols, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
