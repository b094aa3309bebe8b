"""Settings: read once from the environment and a `.env` file, frozen, handed down. Nothing else reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from platformdirs import user_cache_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableSettingError

from lenscat_backend.errors import SettingsError

_PROVIDERS = ("AWS_", "AZURE_", "GOOGLE_", "STORAGE_EMULATOR_HOST")
"""How the variables of Amazon's, Azure's and Google's own tools begin."""


class Settings(BaseSettings):
    """Everything that can be configured; docs/settings.md explains each."""

    model_config = SettingsConfigDict(
        env_prefix="LENSCAT_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    storage_type: Literal["local", "s3"] = Field("local", validation_alias="STORAGE_TYPE")
    local_root: str = Field(".", validation_alias="LOCAL_ROOT")
    s3_bucket: str = Field("", validation_alias="S3_BUCKET")
    s3_prefix: str = Field("", validation_alias="S3_PREFIX")
    s3_region: str = Field("", validation_alias="S3_REGION")
    s3_endpoint: str = Field("", validation_alias="S3_ENDPOINT")
    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: int = Field(8000, ge=0, le=65535, validation_alias="PORT")
    reload: bool = Field(False, validation_alias="RELOAD")

    library: str | None = None
    auth: Literal["", "none"] = ""
    hosts: str = ""
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("lenscat"))
    derived: Literal["beside", "cache"] = "beside"
    overlay: str | None = None
    read_only: bool = False
    follow_links_outside: bool = False
    pointer_roots: str = ""
    pointer_endpoints: str = ""
    watch: bool = True
    poll_s: float = Field(60.0, ge=1)
    signed_urls_s: float = Field(0.0, ge=0, le=604_800)
    s3_virtual_host: bool = False
    s3_anonymous: bool = False
    azure_account: str = ""
    object_timeout_s: float = Field(30.0, gt=0)
    object_retries: int = Field(5, ge=0, le=20)
    object_concurrency: int = Field(16, ge=1, le=256)
    prices: dict[str, float] = Field(default_factory=dict)
    price_currency: str = "USD"
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    max_pixels: int = Field(100_000_000, ge=1)
    max_image_bytes: int = Field(512 * 1024 * 1024, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("cache_dir")
    @classmethod
    def _expand_home(cls, value: Path) -> Path:
        return value.expanduser()

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names in `hosts`, which are separated by commas."""
        return tuple(name.strip() for name in self.hosts.split(",") if name.strip())

    @property
    def location(self) -> str:
        """Where the library lies, as a folder or a URL."""
        if self.library is not None:
            return self.library
        if self.storage_type == "s3":
            if not self.s3_bucket:
                raise SettingsError("STORAGE_TYPE is s3, but no bucket is given: set S3_BUCKET.")
            return f"s3://{self.s3_bucket}/{self.s3_prefix}".rstrip("/")
        return self.local_root


def standard_variables() -> dict[str, str]:
    """The variables of the providers' own tools, from the environment or else from `.env`."""
    found = {**dotenv_values(".env"), **os.environ}
    return {name: value for name, value in found.items() if name.startswith(_PROVIDERS) and value}


def load_settings(**given: Any) -> Settings:
    """The settings from the environment, with those `given` (that are not None) on top.

    Raises `SettingsError` that names every setting that cannot be used, and why.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = [f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}" for found in error.errors()]
        raise SettingsError("Some settings cannot be used: " + "; ".join(problems)) from error
    except UnreadableSettingError as error:  # what should be JSON, and is none
        raise SettingsError(f"Some settings cannot be used: {error}; it takes JSON.") from error
