"""What an object store's errors mean to a caller: the one place that translates them.

The client library tells most errors apart only by their text, which quotes the store's reply: the HTTP status, and the
`Code` of S3's error document (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). That text is read
here and never shown, because it may hold keys and addresses.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from obstore.exceptions import (
    AlreadyExistsError as ObjectExistsError,
)
from obstore.exceptions import (
    BaseError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.exceptions import (
    InvalidPathError as OddKeyError,
)

from lenscat_backend.errors import (
    AlreadyExistsError,
    ForbiddenError,
    InvalidPathError,
    LenscatError,
    NotFoundError,
    SettingsError,
    UnreachableError,
    UnsupportedError,
    VersionMismatchError,
)
from lenscat_backend.models.paths import LibraryPath

CLIENT_ERRORS = (BaseError, FileNotFoundError, NotImplementedError, ValueError)
"""All that the client library raises; a missing object is the builtin `FileNotFoundError`."""

LATER_S = 30.0
"""When to look again at what needs somebody's hand first, such as a bucket that does not exist."""

_STATUS = re.compile(r"status code: (\d{3})")
_OTHER_BODY = re.compile(r"status code: 404[^:]*: (?!\s*(?:$|Debug source:))")
"""Of a 404 that has a body at all; where it is the store's own, there is a code in it."""
_CODE = re.compile(r"<Code>(\w+)</Code>")
_REGION = re.compile(r"<Region>([a-z0-9-]+)</Region>")
_RETRIED = frozenset((408, 429, 500, 502, 503, 504))
_TURNED_AWAY = frozenset((429, 503))
"""Statuses that say that nothing was done."""
_REDIRECT = "redirect without LOCATION"
_CANNOT_SIGN = "Generating SAS keys"
NO_STORE = "not an object store's reply"
"""What our own checks of replies put into the error's text."""
_NOT_ITS_OWN = (NO_STORE, "non-partial response", "extract metadata from headers")
"""In the texts about replies that no object store gives."""

_AZURE_KEYS = "does not accept the account's key or token: check AZURE_STORAGE_KEY, its rights and this machine's clock"
_AZURE_RIGHTS = "does not permit this: give the key, token or role the right to read, list and write blobs"
_NO_CONTAINER = "has no such container, or hides it from these keys: check its name, the account and the keys"
"""Azure's codes: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes."""

_ADVICE: dict[str, tuple[type[LenscatError], str]] = {
    "AccessDenied": (ForbiddenError, "does not permit this: give the credentials the right to read, list and write"),
    "AllAccessDisabled": (ForbiddenError, "has disabled all access to the bucket: ask its owner"),
    "AccountProblem": (ForbiddenError, "reports a problem with the account: ask its owner"),
    "InvalidAccessKeyId": (ForbiddenError, "does not know the access key: check AWS_ACCESS_KEY_ID or the profile"),
    "SignatureDoesNotMatch": (ForbiddenError, "does not accept the secret key: check AWS_SECRET_ACCESS_KEY"),
    "InvalidToken": (ForbiddenError, "does not accept the session token: renew the credentials"),
    "ExpiredToken": (ForbiddenError, "says that the credentials have expired: renew them"),
    "ExpiredTokenException": (ForbiddenError, "says that the credentials have expired: renew them"),
    "TokenRefreshRequired": (ForbiddenError, "says that the credentials have expired: renew them"),
    "InvalidObjectState": (ForbiddenError, "has archived this object: restore it there first"),
    "RequestTimeTooSkewed": (UnreachableError, "refuses requests because this machine's clock is off: set the clock"),
    "RequestExpired": (UnreachableError, "refuses requests because this machine's clock is off: set the clock"),
    "NoSuchBucket": (UnreachableError, "has no such bucket: check the bucket's name, the region and the endpoint"),
    "InvalidBucketName": (UnreachableError, "has no such bucket: check the bucket's name, the region and the endpoint"),
    "SlowDown": (UnreachableError, "asks for fewer requests: try again in a moment, or lower the concurrency"),
    "KeyTooLongError": (InvalidPathError, "does not take names as long as this: use a shorter path"),
    "NotImplemented": (UnsupportedError, "cannot do this: choose another store, or use the library read-only"),
    "AuthenticationFailed": (ForbiddenError, _AZURE_KEYS),
    "AuthorizationFailure": (ForbiddenError, _AZURE_KEYS),
    "AuthorizationPermissionMismatch": (ForbiddenError, _AZURE_RIGHTS),
    "InsufficientAccountPermissions": (ForbiddenError, _AZURE_RIGHTS),
    "AccountIsDisabled": (ForbiddenError, "reports that the account is disabled: ask its owner"),
    "BlobArchived": (ForbiddenError, "has archived this object: restore it there first"),
    "ContainerNotFound": (UnreachableError, _NO_CONTAINER),
    "ContainerBeingDeleted": (UnreachableError, _NO_CONTAINER),
    "ResourceNotFound": (UnreachableError, _NO_CONTAINER),
    "PublicAccessNotPermitted": (ForbiddenError, "does not answer unsigned requests: give it the account's key"),
    "QuotaExceeded": (ForbiddenError, "is full: free some space, or raise the quota"),
}
_WRONG_REGION = frozenset(("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"))
_WORDS: tuple[tuple[str, str], ...] = (
    (
        "api/token",
        "gets no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or ask anonymously",
    ),
    ("metadata.google", "gets no credentials: set GOOGLE_APPLICATION_CREDENTIALS, or ask anonymously"),
    ("TimedOut", "does not answer in time: check the network, or raise the timeout"),
    ("ConnectionRefused", "refuses connections: check the endpoint, and whether the server runs"),
    ("dns error", "is not known by that name: check the endpoint and the network"),
    ("certificate", "shows a certificate that is not trusted: check the endpoint"),
    ("response body error", "cut the connection in the middle of a reply: try again"),
)
_FOREIGN = (
    "The endpoint answers, but not as an object store does: check the endpoint, and what stands before the store."
)


class RequestFailedError(UnreachableError):
    """The store fails with this one object, as with a damaged disk of its own: it may well give others."""


class Trouble(NamedTuple):
    """What can be learned from an error: `status` 0 means that no reply came, `code` and `region` may be empty."""

    error: Exception
    status: int
    code: str
    region: str

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a moment later."""
        silent = self.status == 0 and isinstance(self.error, BaseError) and "HTTP error: " in str(self.error)
        unsent = "builder error" in str(self.error)
        return self.status in _RETRIED or self.code in ("RequestTimeout", "SlowDown") or (silent and not unsent)

    @property
    def is_cut(self) -> bool:
        """Whether the reply broke off; the client library reads on with an object, but not with a listing."""
        return "response body" in str(self.error)

    @property
    def is_foreign(self) -> bool:
        """Whether something else answered, a web server for example: its 404 does not mean that the object is missing.

        A 404 without any body is believed, for that is how the reply to a HEAD looks.
        """
        text = str(self.error)
        odd = any(words in text for words in _NOT_ITS_OWN)
        return odd or (self.status == 404 and not self.code and bool(_OTHER_BODY.search(text)))

    @property
    def is_uncertain(self) -> bool:
        """Whether the request may have been carried out although it failed."""
        return self.is_passing and self.status not in _TURNED_AWAY and "ConnectionRefused" not in str(self.error)

    @property
    def is_beyond_end(self) -> bool:
        """Whether a range begins where the object has ended already."""
        return self.status == 416 or "Wanted range starting at" in str(self.error)

    @property
    def is_wrong_region(self) -> bool:
        """Whether the bucket lies in another region; `region` says in which, if the reply did."""
        return self.code in _WRONG_REGION or _REDIRECT in str(self.error)


def understand(error: Exception) -> Trouble:
    """Read the text of an error that the client library raised."""
    text = str(error)
    status, code, region = (pattern.search(text) for pattern in (_STATUS, _CODE, _REGION))
    return Trouble(error, int(status[1]) if status else 0, code[1] if code else "", region[1] if region else "")


def is_unsupported(error: Exception) -> bool:
    """Whether the store cannot do this at all."""
    return isinstance(error, NotImplementedError | NotSupportedError) or understand(error).status == 501


def translate(error: Exception, path: LibraryPath) -> LenscatError:
    """The error of ours that says what `error` means for `path`, to be raised ``from error``."""
    trouble, text = understand(error), str(error)
    if trouble.is_wrong_region:
        return wrong_region(trouble.region)
    if trouble.code in _ADVICE:
        return advise(trouble.code)
    if trouble.is_foreign:
        return UnreachableError(_FOREIGN, LATER_S)
    if isinstance(error, OddKeyError):
        return UnsupportedError("The bucket holds an object whose key has no name, or one of dots only: rename it.")
    if isinstance(error, ValueError):
        return InvalidPathError(f"Object stores do not take the name of {path!r}: leave out control characters.")
    if isinstance(error, FileNotFoundError) or trouble.status == 404:
        return NotFoundError(f"There is no {path!r} in the library.")
    if isinstance(error, ObjectExistsError):
        return AlreadyExistsError(f"{path!r} exists already: nothing was written.")
    if isinstance(error, PreconditionError):
        return VersionMismatchError(f"{path!r} was changed meanwhile: read it again, merge and retry.")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or trouble.status in (401, 403):
        return ForbiddenError(
            "The object store refuses access: check the keys, their permissions, and this machine's clock."
        )
    if is_unsupported(error):
        return advise("NotImplemented")
    if _CANNOT_SIGN in text:
        return UnsupportedError("These Azure credentials cannot sign addresses: give the account's key, or stream.")
    return _unreachable(trouble)


def unusable(error: Exception) -> SettingsError:
    """What is wrong with settings that the client library does not take."""
    if "MissingAccount" in str(error):
        return SettingsError("Which Azure account? Set LENSCAT_AZURE_ACCOUNT, or AZURE_STORAGE_CONNECTION_STRING.")
    return SettingsError("The object store's settings cannot be used: check region, endpoint and keys.")


def advise(code: str) -> LenscatError:
    """The error for one of S3's codes that have a line of advice."""
    kind, advice = _ADVICE[code]
    message = f"The object store {advice}."
    return UnreachableError(message, LATER_S) if kind is UnreachableError and code != "SlowDown" else kind(message)


def wrong_region(region: str) -> UnreachableError:
    """The error for a bucket that lies elsewhere; `region` may be empty."""
    where = f"in the region {region}: set S3_REGION={region}" if region else "in another region: set S3_REGION"
    return UnreachableError(f"The bucket lies {where}.", LATER_S)


def _unreachable(trouble: Trouble) -> LenscatError:
    text = str(trouble.error)
    if "builder error" in text:
        return SettingsError("The endpoint cannot be used: give http://host:port or https://host.")
    if trouble.status:
        return _answered(trouble)
    for word, advice in _WORDS:
        if word in text:
            return UnreachableError(f"The object store {advice}.")
    return UnreachableError("The object store cannot be reached: check the endpoint and the network.")


def _answered(trouble: Trouble) -> UnreachableError:
    answer = f"{trouble.status} {trouble.code}".rstrip()
    if 400 <= trouble.status < 500 and not trouble.is_passing:
        message = f"The object store refuses the request ({answer}): check the endpoint and the settings."
        return UnreachableError(message, LATER_S)
    message = f"The object store answers with an error ({answer}): try again later."
    return RequestFailedError(message) if trouble.status == 500 else UnreachableError(message)
