"""The one table from errors to exit codes, and how an error is shown."""

from __future__ import annotations

import sys

import orjson

from lenscat_backend import errors

OK = 0
FOUND_PROBLEMS = 1
INTERRUPTED = 130

EXIT_CODES: tuple[tuple[type[errors.LenscatError], int], ...] = (
    (errors.InvalidError, 2),
    (errors.NotFoundError, 3),
    (errors.ForbiddenError, 4),
    (errors.ConflictError, 5),
    (errors.TransientError, 6),
    (errors.UnsupportedError, 7),
    (errors.CorruptError, 7),
)
"""The first class that fits decides."""


def exit_code_of(error: errors.LenscatError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def show_error(error: errors.LenscatError, as_json: bool) -> int:
    """Write the error to standard error (as JSON to standard output too, for scripts); returns the exit code."""
    if as_json:
        sys.stdout.write(orjson.dumps({"error": str(error)}).decode() + "\n")
    sys.stderr.write(f"lenscat: {error}\n")
    return exit_code_of(error)
