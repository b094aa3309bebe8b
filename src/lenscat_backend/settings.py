"""Settings: read once from the environment and a `.env` file, frozen, handed down. Nothing else reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_cache_path
from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lenscat_backend.errors import SettingsError


class Settings(BaseSettings):
    """Everything that can be configured; docs/settings.md explains each."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, populate_by_name=True)

    storage_type: Literal["local", "s3"] = "local"
    local_root: str = "."
    s3_bucket: str = ""
    s3_prefix: str = ""
    s3_region: str = ""
    s3_endpoint: str = ""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    reload: bool = False

    library: str | None = Field(None, validation_alias=AliasChoices("library", "LENSCAT_LIBRARY"))
    auth: Literal["", "none"] = Field("", validation_alias=AliasChoices("auth", "LENSCAT_AUTH"))
    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path("lenscat"),
        validation_alias=AliasChoices("cache_dir", "LENSCAT_CACHE_DIR"),
    )
    derived: Literal["beside", "cache"] = Field("beside", validation_alias=AliasChoices("derived", "LENSCAT_DERIVED"))
    overlay: str | None = Field(None, validation_alias=AliasChoices("overlay", "LENSCAT_OVERLAY"))
    read_only: bool = Field(False, validation_alias=AliasChoices("read_only", "LENSCAT_READ_ONLY"))
    follow_links_outside: bool = Field(
        False, validation_alias=AliasChoices("follow_links_outside", "LENSCAT_FOLLOW_LINKS_OUTSIDE")
    )
    watch: bool = Field(True, validation_alias=AliasChoices("watch", "LENSCAT_WATCH"))
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=256,
        validation_alias=AliasChoices("threads", "LENSCAT_THREADS"),
    )
    max_pixels: int = Field(100_000_000, ge=1, validation_alias=AliasChoices("max_pixels", "LENSCAT_MAX_PIXELS"))
    max_image_bytes: int = Field(
        512 * 1024 * 1024, ge=1, validation_alias=AliasChoices("max_image_bytes", "LENSCAT_MAX_IMAGE_BYTES")
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias=AliasChoices("log_level", "LENSCAT_LOG_LEVEL")
    )

    @property
    def location(self) -> str:
        """Where the library lies, as a folder or a URL."""
        if self.library is not None:
            return self.library
        if self.storage_type == "s3":
            return f"s3://{self.s3_bucket}/{self.s3_prefix}".rstrip("/")
        return self.local_root


def load_settings(**given: Any) -> Settings:
    """The settings from the environment, with those `given` (that are not None) on top.

    Raises `SettingsError` that names every setting that cannot be used, and why.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = [f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}" for found in error.errors()]
        raise SettingsError("Some settings cannot be used: " + "; ".join(problems)) from error
