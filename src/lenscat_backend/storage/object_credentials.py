"""Keys from a profile of Amazon's shared credentials and config files, which the client library does not read.

Profiles with keys in them are read here. Those that lead elsewhere (single sign-on, assumed roles, a program to ask)
are left to botocore, where it is installed: `pip install 'lenscat-backend[aws]'`. The format is described at
https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from configparser import ConfigParser
from configparser import Error as ConfigError
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenscat_backend.errors import SettingsError
from lenscat_backend.storage.object_options import ObjectOptions

if TYPE_CHECKING:
    from obstore.store import S3Credential

Provider = Callable[[], "S3Credential"]

_LIFETIME = timedelta(minutes=10)
"""How long keys are used before they are asked for again: files change, and roles expire."""
_LEADS_ELSEWHERE = ("sso_session", "sso_start_url", "role_arn", "credential_process", "credential_source")


def profile_region(options: ObjectOptions) -> str:
    """The region that the profile names, "" where it names none."""
    return _read_profile(options).get("region", "")


def profile_provider(options: ObjectOptions) -> Provider | None:
    """What gives the profile's keys, again and again; None for the default profile where it has none.

    `SettingsError` where a profile that was asked for does not exist or cannot be used.
    """
    profile = _read_profile(options)
    if "aws_access_key_id" in profile and "role_arn" not in profile:
        return lambda: _static_keys(options)
    if any(name in profile for name in _LEADS_ELSEWHERE):
        return _botocore_provider(options)
    if options.profile:
        raise SettingsError(f"The AWS profile {options.profile!r} does not exist or has no keys: check its name.")
    return None


def _static_keys(options: ObjectOptions) -> S3Credential:
    profile = _read_profile(options)
    return {
        "access_key_id": profile.get("aws_access_key_id", ""),
        "secret_access_key": profile.get("aws_secret_access_key", ""),
        "token": profile.get("aws_session_token") or None,
        "expires_at": datetime.now(UTC) + _LIFETIME,
    }


def _read_profile(options: ObjectOptions) -> dict[str, str]:
    """The profile of both files in one; the credentials file wins, and a default profile need not exist."""
    name = options.profile or "default"
    config = _read(options.config_file)
    found: dict[str, str] = {}
    for section in (f"profile {name}", name if name == "default" else ""):
        if config.has_section(section):
            found.update(config[section])
    credentials = _read(options.credentials_file)
    if credentials.has_section(name):
        found.update(credentials[name])
    return found


def _read(file: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, default_section="\0", strict=False)
    try:
        parser.read(Path(file).expanduser(), encoding="utf-8")
    except (ConfigError, OSError, UnicodeError, RuntimeError) as error:
        raise SettingsError("The AWS credentials or config file cannot be read: check its form.") from error
    return parser


def _botocore_provider(options: ObjectOptions) -> Provider:
    try:
        session_module: Any = importlib.import_module("botocore.session")
    except ImportError as error:
        raise SettingsError(
            f"The AWS profile {options.profile or 'default'!r} needs single sign-on, a role or a program: "
            "pip install 'lenscat-backend[aws]'."
        ) from error
    session = session_module.Session(profile=options.profile or None)
    session.set_config_variable("credentials_file", options.credentials_file)
    session.set_config_variable("config_file", options.config_file)
    credentials = session.get_credentials()
    if credentials is None:
        raise SettingsError(f"The AWS profile {options.profile or 'default'!r} gives no keys: sign in first.")
    return lambda: _frozen(credentials)


def _frozen(credentials: Any) -> S3Credential:
    keys = credentials.get_frozen_credentials()
    return {
        "access_key_id": keys.access_key,
        "secret_access_key": keys.secret_key,
        "token": keys.token,
        "expires_at": datetime.now(UTC) + _LIFETIME,
    }
