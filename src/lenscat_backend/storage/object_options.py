"""How to reach an object store: region, endpoint, keys, timeouts, retries; values that settings fill in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from lenscat_backend.errors import SettingsError
from lenscat_backend.storage.cloud_variables import Config, azure_config, google_config

DEFAULT_REGION = "us-east-1"
_REGION = re.compile(r"[A-Za-z0-9_-]*")
_URL = re.compile(r"[A-Za-z0-9:/?#\[\]@!$&'()*+,;=._~%-]+")
"""The characters of RFC 3986: the client library does not bear others."""

_ROLE_VARIABLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Where one is set, the surroundings give a role, which the client library takes up by itself."""


@dataclass(frozen=True, slots=True)
class ObjectOptions:
    """All options; what is left empty is left to the client library, which knows instance roles.

    `endpoint` is the address of a server other than the provider's own, without the bucket; `endpoint_for` is the one
    scheme that it is for, "" for any. `virtual_host` puts the bucket into the host name, else it is in the path.
    `anonymous` sends unsigned requests, for public buckets. Without keys, a `profile` gives them, or if
    `default_profile` that of the name ``default``, or else an instance role, asked for at `metadata_endpoint`.
    `account` is Azure's; `azure` and `google` are what else their clients are told. `timeout_s` is the longest silence
    within a request; `retries` are those of one request, after which the store counts as unreachable, and none is begun
    later than `window_s` after the first attempt. `concurrency` bounds `ObjectStore.read_many`.
    """

    region: str = ""
    endpoint: str = ""
    endpoint_for: str = ""
    virtual_host: bool = False
    anonymous: bool = False
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    profile: str = ""
    default_profile: bool = True
    credentials_file: str = "~/.aws/credentials"
    config_file: str = "~/.aws/config"
    metadata_endpoint: str = ""
    account: str = ""
    azure: Config = field(default=(), repr=False)
    google: Config = field(default=(), repr=False)
    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
    retries: int = 5
    first_delay_s: float = 0.1
    longest_delay_s: float = 5.0
    window_s: float = 20.0
    concurrency: int = 16

    def __post_init__(self) -> None:
        """`SettingsError` for values that cannot work."""
        if self.endpoint and not _host(self.endpoint):
            raise SettingsError("The endpoint cannot be used: give http://host:port or https://host.")
        if urlsplit(self.endpoint).query or "@" in urlsplit(self.endpoint).netloc:
            raise SettingsError("The endpoint has a query or a user: give only http://host:port or https://host.")
        if not _REGION.fullmatch(self.region):
            raise SettingsError("The region cannot be used: give a name such as eu-central-1.")
        if self.concurrency < 1 or self.retries < 0 or min(self.timeout_s, self.connect_timeout_s) <= 0:
            raise SettingsError("Concurrency and timeouts of an object store must be positive, retries not negative.")

    @property
    def allow_http(self) -> bool:
        """Whether requests may go unencrypted: only where the endpoint says ``http:``."""
        return urlsplit(self.endpoint).scheme == "http"

    def endpoint_of(self, scheme: str) -> str:
        """The endpoint, where it is for stores of this scheme, else ""."""
        return self.endpoint if self.endpoint_for in ("", scheme) else ""

    def with_environment(self, environment: Mapping[str, str]) -> ObjectOptions:
        """These options, with what they leave open from the standard variables: Amazon's, Azure's and Google's.

        As in Amazon's own tools, keys of the environment win over a profile of the environment, and both over the
        default profile; a profile among the options wins over all.
        """

        def first(*names: str) -> str:
            return next((environment[name] for name in names if environment.get(name)), "")

        own_keys = bool(self.access_key_id or self.profile or self.anonymous)
        key = "" if own_keys else first("AWS_ACCESS_KEY_ID")
        return replace(
            self,
            region=self.region or first("AWS_REGION", "AWS_DEFAULT_REGION"),
            endpoint=self.endpoint or first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
            endpoint_for=self.endpoint_for if self.endpoint else "s3",
            anonymous=self.anonymous or (not own_keys and first("AWS_SKIP_SIGNATURE").lower() == "true"),
            access_key_id=self.access_key_id or key,
            secret_access_key=first("AWS_SECRET_ACCESS_KEY") if key else self.secret_access_key,
            session_token=first("AWS_SESSION_TOKEN") if key else self.session_token,
            profile=self.profile if own_keys or key else first("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
            default_profile=self.default_profile and not first(*_ROLE_VARIABLES),
            credentials_file=first("AWS_SHARED_CREDENTIALS_FILE") or self.credentials_file,
            config_file=first("AWS_CONFIG_FILE") or self.config_file,
            azure=self.azure or azure_config(environment),
            google=self.google or google_config(environment),
        )


def s3_address(bucket: str, options: ObjectOptions) -> str:
    """The address of a bucket, without a slash at its end."""
    endpoint = (options.endpoint or f"https://s3.{options.region or DEFAULT_REGION}.amazonaws.com").rstrip("/")
    if not options.virtual_host:
        return f"{endpoint}/{bucket}"
    scheme, _, rest = endpoint.partition("://")
    return f"{scheme}://{bucket}.{rest}"


def _host(endpoint: str) -> str:
    """The host of an address, "" where it is none of a web server."""
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        return ""
    is_usable = parts.scheme in ("http", "https") and _URL.fullmatch(endpoint)
    return parts.hostname or "" if is_usable else ""
