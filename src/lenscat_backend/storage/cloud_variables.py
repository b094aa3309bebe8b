"""Azure's and Google's standard variables, as the client library's configuration.

The client library reads most of them from the process's environment by itself, but not from a `.env` file, and not
``AZURE_STORAGE_ACCOUNT`` and ``AZURE_STORAGE_KEY`` of Azure's command line (https://learn.microsoft.com/cli/azure/storage),
nor connection strings: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from lenscat_backend.errors import SettingsError

Config = tuple[tuple[str, str], ...]
"""Names and values, as `AzureStore` and `GCSStore` of the client library take them."""

_AZURE: Mapping[str, tuple[str, ...]] = {
    "account_name": ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"),
    "account_key": ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY"),
    "sas_key": ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"),
    "endpoint": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "tenant_id": ("AZURE_TENANT_ID", "AZURE_STORAGE_TENANT_ID"),
    "client_id": ("AZURE_CLIENT_ID", "AZURE_STORAGE_CLIENT_ID"),
    "client_secret": ("AZURE_CLIENT_SECRET", "AZURE_STORAGE_CLIENT_SECRET"),
    "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
    "authority_host": ("AZURE_AUTHORITY_HOST",),
    "skip_signature": ("AZURE_SKIP_SIGNATURE",),
    "use_azure_cli": ("AZURE_USE_AZURE_CLI",),
    "use_emulator": ("AZURE_STORAGE_USE_EMULATOR",),
}
_GOOGLE: Mapping[str, tuple[str, ...]] = {
    "application_credentials": ("GOOGLE_APPLICATION_CREDENTIALS",),
    "service_account": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"),
    "service_account_key": ("GOOGLE_SERVICE_ACCOUNT_KEY",),
    "bearer_token": ("GOOGLE_BEARER_TOKEN",),
    "base_url": ("GOOGLE_BASE_URL",),
    "skip_signature": ("GOOGLE_SKIP_SIGNATURE",),
}
_CONNECTION = {
    "accountname": "account_name",
    "accountkey": "account_key",
    "sharedaccesssignature": "sas_key",
    "blobendpoint": "endpoint",
}


def azure_config(environment: Mapping[str, str]) -> Config:
    """How to reach Azure Blob Storage; what a connection string says goes before single variables.

    `SettingsError` for a connection string that is none.
    """
    text = environment.get("AZURE_STORAGE_CONNECTION_STRING", "")
    return tuple({**_found(environment, _AZURE), **_connection(text)}.items())


def google_config(environment: Mapping[str, str]) -> Config:
    """How to reach Google Cloud Storage. With ``STORAGE_EMULATOR_HOST``, unsigned, as in Google's own tools."""
    found = _found(environment, _GOOGLE)
    host = environment.get("STORAGE_EMULATOR_HOST", "")
    if host and "base_url" not in found:
        url = host if "://" in host else f"http://{host}"
        found = {"skip_signature": "true", **found, "base_url": url.rstrip("/")}
    return tuple(found.items())


def may_be_plain(config: Config, endpoint: str) -> bool:
    """Whether requests may go unencrypted: only where the `endpoint`, or else that of `config`, begins ``http:``."""
    told = dict(config)
    address = endpoint or told.get("endpoint") or told.get("base_url") or ""
    return urlsplit(address).scheme == "http"


def _found(environment: Mapping[str, str], names: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, known in names.items():
        given = next((environment[name] for name in known if environment.get(name)), "")
        found.update({key: given} if given else {})
    return found


def _connection(text: str) -> dict[str, str]:
    if not text:
        return {}
    parts = [part.partition("=") for part in text.strip().strip(";").split(";")]
    told = {name.strip().lower(): value.strip() for name, _, value in parts}
    if told.get("usedevelopmentstorage", "").lower() == "true":
        return {"use_emulator": "true"}
    found = {ours: told[theirs] for theirs, ours in _CONNECTION.items() if told.get(theirs)}
    if "account_name" in found and "endpoint" not in found and told.get("endpointsuffix"):
        protocol = told.get("defaultendpointsprotocol") or "https"
        found["endpoint"] = f"{protocol}://{found['account_name']}.blob.{told['endpointsuffix']}"
    account = (urlsplit(found.get("endpoint", "")).hostname or "").partition(".")[0]
    if not found.setdefault("account_name", account):
        raise SettingsError("AZURE_STORAGE_CONNECTION_STRING names no account: copy it whole from the account's keys.")
    return found
