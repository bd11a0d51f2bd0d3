"""The browser's code of all grids: one function, which a page holds once."""

import hashlib
from functools import lru_cache
from typing import Any

import orjson

from jwstmq_widgets.widgets.panel import static

__all__ = ["calls", "code"]

_GIVEN = "view, gridOptions, gridDiv, root"


@lru_cache
def code(scripts: tuple[str, ...], styles: tuple[str, ...]) -> str:
    """Give the grid's code with its style sheet, as an expression whose value is a function.

    Parameters
    ----------
    scripts, styles
        File names in ``widgets/static``.

    Returns
    -------
    str
    """
    css = orjson.dumps(static(*styles).replace("\n", " ")).decode()
    return f'(function ({_GIVEN}) {{\n"use strict";\nconst css = {css};\n{static(*scripts)}\n}})'


def calls(whole: str, *, carried: bool) -> dict[str, Any]:
    """Give what ipyaggrid evaluates before and after it builds AG Grid.

    Parameters
    ----------
    whole
        What `code` gave.
    carried
        Whether it goes along, and is left in the page for others. Else it is taken from there, or asked for by a
        message ``{"type": "code"}``, so that a notebook with several grids is saved with one copy.

    Returns
    -------
    dict
        The arguments ``js_pre_grid`` and ``js_post_grid``.
    """
    name = orjson.dumps(hashlib.sha256(whole.encode()).hexdigest()[:16]).decode()
    if carried:
        kept = f"(window.jwstmqGridCode ||= new Map()).set({name}, {whole})"
        return {"js_pre_grid": [f"{kept}.get({name})(view, gridOptions, gridDiv, div);"], "js_post_grid": []}
    taken = f'(function ({_GIVEN}, name) {{\n"use strict";\n{static("gridcode.js")}\n}})'
    return {
        "js_pre_grid": [f"{taken}(view, gridOptions, gridDiv, div, {name});"],
        "js_post_grid": ["view.jwstmqGridClass = grid.constructor;"],
    }
