"""Settings to a library. With `application`, the only place that wires things together."""

from __future__ import annotations

from lenscat_backend.errors import SettingsError
from lenscat_backend.imaging.thumbnail import DecodeLimits
from lenscat_backend.library.library import Library
from lenscat_backend.library.options import LibraryOptions
from lenscat_backend.settings import Settings, standard_variables
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_requests import KINDS, Prices
from lenscat_backend.storage.targets import allowed_endpoints, allowed_roots


def library_options(settings: Settings, *, watch: bool = False) -> LibraryOptions:
    """How `settings` say that a library is to be opened."""
    return LibraryOptions(
        cache_dir=settings.cache_dir,
        derived=settings.derived,
        overlay=settings.overlay,
        read_only=settings.read_only,
        follow_links_outside=settings.follow_links_outside,
        pointer_roots=allowed_roots(settings.pointer_roots),
        pointer_endpoints=allowed_endpoints(settings.pointer_endpoints),
        watch=watch and settings.watch,
        threads=settings.threads,
        poll_s=settings.poll_s,
        signed_urls_s=settings.signed_urls_s,
        objects=object_options(settings),
        prices=prices(settings),
        limits=DecodeLimits(settings.max_pixels, settings.max_image_bytes),
    )


def object_options(settings: Settings) -> ObjectOptions:
    """How object stores are reached: our own settings first, then the usual variables, profiles and roles."""
    options = ObjectOptions(
        region=settings.s3_region,
        endpoint=settings.s3_endpoint,
        endpoint_for="s3",
        virtual_host=settings.s3_virtual_host,
        anonymous=settings.s3_anonymous,
        account=settings.azure_account,
        timeout_s=settings.object_timeout_s,
        retries=settings.object_retries,
        concurrency=settings.object_concurrency,
    )
    return options.with_environment(standard_variables())


def prices(settings: Settings) -> Prices:
    """The price table: the default one, with what the settings say instead."""
    given = {name.upper(): price for name, price in settings.prices.items()}
    unknown = set(given) - {*KINDS, "GB"}
    if unknown:
        raise SettingsError(
            f"LENSCAT_PRICES has no such entries: {', '.join(sorted(unknown))}. It knows LIST, GET, "
            "HEAD, PUT and DELETE (for 1,000 requests) and GB (sent out)."
        )
    default = Prices()
    per_1000 = {kind: given.get(kind, default.per_1000[kind]) for kind in KINDS}
    return Prices(per_1000, given.get("GB", default.per_gb_received), settings.price_currency)


def open_library(settings: Settings, *, watch: bool = False) -> Library:
    """The library that `settings` name, to be entered with ``async with``."""
    return Library.open(settings.location, library_options(settings, watch=watch))
