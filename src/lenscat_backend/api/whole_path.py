"""The rest of an address as a library path, whatever characters it holds.

Starlette's own ``path`` ends at a newline, which file names may contain. Routes write ``{path:whole}`` instead.
"""

from __future__ import annotations

from starlette.convertors import PathConvertor, register_url_convertor

WHOLE = "whole"


class WholePathConvertor(PathConvertor):
    """Like ``path``, newlines included."""

    regex = "(?s:.*)"


register_url_convertor(WHOLE, WholePathConvertor())
