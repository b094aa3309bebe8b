"""Which servers a pointer may name: requests there carry what our credentials make."""

from __future__ import annotations

from pathlib import Path

import pytest

from lenscat_backend.errors import OutsideLibraryError, SettingsError
from lenscat_backend.models.pointer import BucketKind, BucketTarget, Pointer
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.targets import PointerRules, Targets, allowed_endpoints

OURS = "http://127.0.0.1:9000"
THEIRS = "http://127.0.0.1:9999"


def opens(kind: BucketKind, endpoint: str, root: Path | None, *, allowed: tuple[str, ...] = ()) -> str:
    """The endpoint of the store that a pointer in a place at `root` (None: a bucket) opens."""
    objects = ObjectOptions(endpoint=OURS, endpoint_for="s3", access_key_id="a", secret_access_key="b", account="c")
    targets = Targets(PointerRules(endpoints=allowed), objects)
    place = targets.open(Pointer(BucketTarget(kind, "gallery", endpoint=endpoint)), root, readonly=False)
    return place.spot.name()


def test_a_pointer_in_a_bucket_names_no_server_of_its_own(tmp_path: Path) -> None:
    for kind in ("s3", "gs", "az"):
        with pytest.raises(OutsideLibraryError, match="LENSCAT_POINTER_ENDPOINTS"):
            opens(kind, THEIRS, None)
    assert "9000" in opens("s3", "", None) and "9000" in opens("s3", OURS + "/", None)


def test_a_pointer_on_a_disk_names_servers_for_s3_only(tmp_path: Path) -> None:
    assert "9999" in opens("s3", THEIRS, tmp_path)
    for kind in ("gs", "az"):
        with pytest.raises(OutsideLibraryError):
            opens(kind, THEIRS, tmp_path)
        with pytest.raises(OutsideLibraryError):  # ours is for S3
            opens(kind, OURS, tmp_path)


@pytest.mark.parametrize("kind", ["s3", "gs", "az"])
def test_the_operator_may_allow_one(kind: BucketKind) -> None:
    assert "9999" in opens(kind, THEIRS, None, allowed=allowed_endpoints(f" https://one.example/, {THEIRS}/"))


def test_the_setting_takes_addresses_only() -> None:
    assert allowed_endpoints("") == ()
    with pytest.raises(SettingsError, match="LENSCAT_POINTER_ENDPOINTS"):
        allowed_endpoints("https://one.example, host")
