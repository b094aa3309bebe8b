"""From a location and options to an open `ObjectStore`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, MemoryStore, S3Store

from lenscat_backend.errors import SettingsError
from lenscat_backend.storage.cloud_variables import may_be_plain
from lenscat_backend.storage.location import Location, check_bucket
from lenscat_backend.storage.object_bucket import Bucket, Dialect
from lenscat_backend.storage.object_credentials import Provider, profile_provider, profile_region
from lenscat_backend.storage.object_errors import unusable
from lenscat_backend.storage.object_http import Timeouts, find_region
from lenscat_backend.storage.object_listing import FolderLister
from lenscat_backend.storage.object_options import DEFAULT_REGION, ObjectOptions, s3_address
from lenscat_backend.storage.object_pages import ClientPages, S3Pages
from lenscat_backend.storage.object_patience import Patience
from lenscat_backend.storage.object_requests import RequestCounter
from lenscat_backend.storage.object_store import ObjectStore

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config
    from obstore.store import ObjectStore as Client

_ALL_DAY = timedelta(days=1)
"""For a whole request: how long a large file takes is the reader's business; silence is bounded apart."""
_SIGNED = timedelta(minutes=5)
"""How long the address of a listing is good: it is asked at once, but clocks differ."""
_CLOUDS = ("s3", "gs", "az")
_DIALECTS = {
    "s3": Dialect(quoted=False),
    "gs": Dialect(quoted=True, generations=True),
    "az": Dialect(quoted=True, one_slash=True),
}


def open_object_store(
    location: Location,
    options: ObjectOptions | None = None,
    *,
    writable: bool = True,
    counter: RequestCounter | None = None,
) -> ObjectStore:
    """The store at an ``s3``, ``gs``, ``az`` or ``memory`` location; no request is made.

    `counter` lets several stores count together. `SettingsError` for options or a profile that cannot be used.
    """
    options, counter = options or ObjectOptions(), counter or RequestCounter()
    if location.scheme in _CLOUDS:
        check_bucket(location.scheme, location.bucket)
    patience = Patience(options.retries, options.first_delay_s, options.longest_delay_s, options.window_s)
    try:
        if location.scheme == "s3" or options.endpoint_of(location.scheme):
            _check_address(location, options)
        make = _maker(location, options)
        patient, once = make(options.retries), make(0)
    except (BaseError, ValueError, OSError) as error:
        raise unusable(error) from error
    if location.scheme == "memory":
        once = patient
    quick = ClientPages(patient, counter, patience)
    s3 = location.scheme == "s3"
    return ObjectStore(
        Bucket(patient, once, _DIALECTS.get(location.scheme, Dialect(quoted=True)), counter),
        FolderLister(
            quick, S3Pages(_signer(location, options), counter, patience, _timeouts(options)) if s3 else quick
        ),
        patience,
        label=location.url,
        prefix=location.prefix,
        writable=writable,
        concurrency=options.concurrency,
        find_region=partial(find_region, s3_address(location.bucket, options), options.connect_timeout_s),
    )


def _timeouts(options: ObjectOptions) -> Timeouts:
    return Timeouts(min(options.connect_timeout_s, options.timeout_s), options.timeout_s)


def _maker(location: Location, options: ObjectOptions) -> Callable[[int], Client]:
    """What makes a client that retries so often."""
    if location.scheme == "memory":
        return lambda retries: MemoryStore()
    if location.scheme == "s3":
        return partial(_s3_client, location.bucket, *_with_profile(options))
    if location.scheme == "gs":
        endpoint = options.endpoint_of("gs")
        google: Any = {**dict(options.google), **_given(base_url=endpoint, skip_signature=options.anonymous)}
        plain = may_be_plain(options.google, endpoint)
        return lambda retries: GCSStore(location.bucket, config=google, **_network(options, retries, plain=plain))
    if location.scheme == "az":
        endpoint = options.endpoint_of("az")
        given = _given(account_name=options.account, endpoint=endpoint, skip_signature=options.anonymous)
        azure: Any = {**dict(options.azure), **given}
        plain = may_be_plain(options.azure, endpoint)
        return lambda retries: AzureStore(location.bucket, config=azure, **_network(options, retries, plain=plain))
    raise SettingsError("This location is no object store.")


def _s3_client(
    bucket: str, options: ObjectOptions, provider: Provider | None, retries: int, query: str = ""
) -> S3Store:
    """A client, or with a `query` one that can only sign: the library signs what the endpoint holds besides a path."""
    address = s3_address(bucket, options)
    endpoint = address if options.virtual_host or query else address.removesuffix(f"/{bucket}")
    config: S3Config = {
        "region": options.region,
        "endpoint": f"{endpoint}?{query}" if query else endpoint,
        "virtual_hosted_style_request": options.virtual_host or bool(query),
        "disable_bulk_delete": True,  # one DELETE instead of a POST that is billed, and that not all servers know
        "skip_signature": options.anonymous,
    }
    if options.metadata_endpoint:
        config["metadata_endpoint"] = options.metadata_endpoint
    if options.access_key_id and not options.anonymous:
        config["access_key_id"] = options.access_key_id
        config["secret_access_key"] = options.secret_access_key
    if options.session_token:
        config["session_token"] = options.session_token
    network = _network(options, retries, plain=options.allow_http)
    return S3Store(bucket, config=config, credential_provider=provider, **network)


def _check_address(location: Location, options: ObjectOptions) -> None:
    """Have the client library read the address by signing one: its requests to one that it cannot read would panic."""
    no_keys = replace(options, anonymous=False, access_key_id="-", secret_access_key="-", session_token="")
    _signer(location, no_keys)("")


def _signer(location: Location, options: ObjectOptions) -> Callable[[str], str]:
    """See `S3Pages`."""
    bucket = location.bucket
    options, provider = _with_profile(options)
    if options.anonymous:
        return lambda query: f"{s3_address(bucket, options)}/?{query}/"

    def sign(query: str) -> str:
        client = _s3_client(bucket, options, provider, 0, query)
        return obstore.sign(client, "GET", "", _SIGNED)

    return sign


def _with_profile(options: ObjectOptions) -> tuple[ObjectOptions, Provider | None]:
    """The options with a region, and what gives keys where neither they nor the client library know any."""
    if options.anonymous or options.access_key_id or not (options.profile or options.default_profile):
        return replace(options, region=options.region or DEFAULT_REGION), None
    region = options.region or profile_region(options) or DEFAULT_REGION
    return replace(options, region=region), profile_provider(options)


def _network(options: ObjectOptions, retries: int, *, plain: bool) -> dict[str, Any]:
    client: ClientConfig = {
        "allow_http": plain,
        "connect_timeout": timedelta(seconds=options.connect_timeout_s),
        "read_timeout": timedelta(seconds=options.timeout_s),
        "timeout": _ALL_DAY,
        "user_agent": "lenscat",
    }
    retry: RetryConfig = {
        "max_retries": retries,
        "retry_timeout": timedelta(seconds=options.window_s),
        "backoff": {
            "init_backoff": timedelta(seconds=options.first_delay_s),
            "max_backoff": timedelta(seconds=options.longest_delay_s),
            "base": 2,
        },
    }
    return {"client_options": client, "retry_config": retry}


def _given(**values: Any) -> Any:
    """Only what is set, so that the environment decides over the rest."""
    return {name: value for name, value in values.items() if value}
