"""Conditional writes that know what became of them, even where a reply was lost."""

from __future__ import annotations

import secrets
from typing import Literal, NamedTuple

from obstore.exceptions import AlreadyExistsError as ObjectExistsError
from obstore.exceptions import PreconditionError

from lenscat_backend.errors import UnreachableError
from lenscat_backend.storage.object_bucket import Bucket
from lenscat_backend.storage.object_errors import CLIENT_ERRORS, Trouble, is_unsupported, understand
from lenscat_backend.storage.object_patience import Patience

_REFUSED = (ObjectExistsError, PreconditionError)


class ConditionalPuts(NamedTuple):
    """Which conditions a store really keeps: of a first write, and of a change."""

    create_only: bool
    if_version: bool


def put_on_condition(bucket: Bucket, patience: Patience, key: str, data: bytes, condition: str | Literal[True]) -> str:
    """Write where the object has the version `condition` (True: where there is none); gives the new version.

    A request whose reply was lost may have been carried out: then its repetition is refused, as our own write changed
    the object. So each write carries a random mark, and after such a loss a refusal is doubted: where the object has
    our mark, the write took place. (Equal bytes would not prove it, as another may have written the same.) radosgw also
    answers 500 to whoever loses a race. Errors come as the client library raises them, but `UnreachableError` where it
    stays unknown whether the write took place.
    """
    in_doubt, mark = False, secrets.token_hex(8)

    def may_pass(trouble: Trouble) -> bool:
        nonlocal in_doubt
        in_doubt = in_doubt or trouble.is_uncertain
        return trouble.is_passing

    try:
        return patience.persist(lambda: bucket.put_once(key, data, condition, mark), may_pass)
    except _REFUSED:
        version = _version_if(bucket, key, mark) if in_doubt else ""
        if not version:
            raise
        return version
    except CLIENT_ERRORS as error:
        if in_doubt or understand(error).is_uncertain:
            raise UnreachableError(
                "The object store does not answer: whether the change was saved is not known."
            ) from error
        raise


def probe(bucket: Bucket, key: str) -> ConditionalPuts:
    """Try the conditions on `key`, which must not exist, and remove it again; errors as the library raises them."""
    try:
        version = bucket.put_once(key, b"1", True, "probe")
    except CLIENT_ERRORS as error:
        if is_unsupported(error):
            return ConditionalPuts(False, False)
        raise
    try:
        create_only = _is_refused(bucket, key, True)
        wrong = _is_refused(bucket, key, "1" if bucket.dialect.generations else "0" * 32)
        return ConditionalPuts(create_only, wrong and not _is_refused(bucket, key, version))
    finally:
        bucket.delete(key)


def _is_refused(bucket: Bucket, key: str, condition: str | Literal[True]) -> bool:
    try:
        bucket.put_once(key, b"1", condition, "probe")
    except CLIENT_ERRORS as error:
        if isinstance(error, _REFUSED) or is_unsupported(error):
            return True
        raise
    return False


def _version_if(bucket: Bucket, key: str, mark: str) -> str:
    """The object's version where it has the mark, else ""."""
    try:
        found, version = bucket.find_mark(key)
    except FileNotFoundError:
        return ""
    return version if found == mark else ""
