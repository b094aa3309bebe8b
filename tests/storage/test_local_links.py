"""Symbolic links on a local disk: followed once, never out of the library, never in circles."""

from __future__ import annotations

from pathlib import Path

import pytest

from lenscat_backend.errors import BrokenLinkError, InvalidPathError, LenscatError, NotFoundError, OutsideLibraryError
from lenscat_backend.models.paths import ROOT, LibraryPath, parse_path
from lenscat_backend.storage.base import Listing
from lenscat_backend.storage.local import LocalDisk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A library with a picture in each of two folders, and a folder with a secret beside it."""
    root = tmp_path / "library"
    for folder in ("library/one/sub", "library/two", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    (root / "one/a.jpg").write_bytes(b"one")
    (root / "two/b.jpg").write_bytes(b"two")
    (tmp_path / "outside/secret.jpg").write_bytes(b"secret")
    return root


@pytest.fixture
def disk(root: Path) -> LocalDisk:
    return LocalDisk(root)


def link(at: Path, to: str) -> None:
    at.symlink_to(to)


def names(listing: Listing) -> dict[str, bool]:
    return {entry.name: entry.is_folder for entry in listing.entries}


def read(disk: LocalDisk, path: str) -> bytes:
    return disk.read(parse_path(path), 100).data


def test_a_link_to_a_file_is_that_file(disk: LocalDisk, root: Path) -> None:
    link(root / "one/l.jpg", "../two/b.jpg")
    entries = {entry.name: entry for entry in disk.list_folder(parse_path("one")).entries}
    assert (entries["l.jpg"].size, entries["l.jpg"].is_folder) == (3, False)
    assert entries["l.jpg"]._replace(settled=True) == disk.stat(parse_path("one/l.jpg"))._replace(settled=True)
    assert entries["l.jpg"].etag == disk.read(parse_path("two/b.jpg"), 9).etag
    assert read(disk, "one/l.jpg") == disk.read_range(parse_path("one/l.jpg"), 0, 9) == b"two"


@pytest.mark.parametrize("target", ["../two", "../two/", "../two/.", "../one/../two"])
def test_a_link_to_a_folder_is_that_folder(disk: LocalDisk, root: Path, target: str) -> None:
    link(root / "one/l", target)
    assert names(disk.list_folder(parse_path("one")))["l"] is True
    assert disk.stat(parse_path("one/l")).is_folder
    assert names(disk.list_folder(parse_path("one/l"))) == {"b.jpg": False}
    assert read(disk, "one/l/b.jpg") == b"two"
    assert disk.list_folder(parse_path("one/l")).etag == disk.list_folder(parse_path("two")).etag


def test_an_absolute_link_inside_the_library(disk: LocalDisk, root: Path) -> None:
    link(root / "l", str(root / "two"))
    assert read(disk, "l/b.jpg") == b"two"


def test_a_library_reached_by_a_link_of_its_own(root: Path, tmp_path: Path) -> None:
    link(tmp_path / "entrance", "library")
    link(root / "l", "two")
    disk = LocalDisk(tmp_path / "entrance")
    assert read(disk, "l/b.jpg") == read(disk, "two/b.jpg") == b"two"


def test_only_one_folder_link_is_crossed(disk: LocalDisk, root: Path) -> None:
    link(root / "one/first", "../two")
    link(root / "two/second", "../one/sub")
    listing = disk.list_folder(parse_path("one/first"))
    assert names(listing) == {"b.jpg": False}
    assert listing.problems == ("second: a link to a folder, behind another such link.",)
    for path in ("one/first/second", "one/first/second/x"):
        with pytest.raises(NotFoundError):
            disk.stat(parse_path(path))
    with pytest.raises(NotFoundError):
        disk.list_folder(parse_path("one/first/second"))


def test_a_file_link_behind_a_folder_link_counts(disk: LocalDisk, root: Path) -> None:
    link(root / "one/first", "../two")
    link(root / "two/l.jpg", "../one/a.jpg")
    assert read(disk, "one/first/l.jpg") == b"one"
    assert names(disk.list_folder(parse_path("one/first")))["l.jpg"] is False


def test_a_link_by_way_of_a_link_is_one(disk: LocalDisk, root: Path) -> None:
    link(root / "one/first", "../last")
    link(root / "last", "two")
    assert read(disk, "one/first/b.jpg") == b"two"


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "../../one", "../sub/.."])
def test_no_link_to_a_folder_that_contains_it(root: Path, target: str) -> None:
    disk = LocalDisk(root, follow_outside=True)
    link(root / "one/sub/loop", target)
    listing = disk.list_folder(parse_path("one/sub"))
    assert (listing.entries, listing.problems) == ((), ("loop: a link to a folder that contains it.",))
    for call in (disk.list_folder, disk.stat, disk.open_folder):
        with pytest.raises(NotFoundError):
            call(parse_path("one/sub/loop"))


def test_folders_that_link_to_each_other_end(disk: LocalDisk, root: Path) -> None:
    link(root / "one/to-two", "../two")
    link(root / "two/to-one", "../one")
    seen: list[LibraryPath] = []
    waiting = [ROOT]
    while waiting:
        folder = waiting.pop()
        for entry in disk.list_folder(folder).entries:
            path = parse_path(f"{folder}/{entry.name}" if folder else entry.name)
            (waiting if entry.is_folder else seen).append(path)
    assert sorted(seen) == ["one/a.jpg", "one/to-two/b.jpg", "two/b.jpg", "two/to-one/a.jpg"]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("nothing", "does not exist"),
        ("one/a.jpg/x", "does not exist"),
        ("l.jpg", "leads to itself"),
        ("../outside/secret.jpg", "leads out of the library"),
        ("../outside", "leads out of the library"),
        ("one/../../outside", "leads out of the library"),
        ("..", "leads out of the library"),
        ("/dev/null", "leads out of the library"),
    ],
)
def test_links_that_lead_nowhere(disk: LocalDisk, root: Path, tmp_path: Path, target: str, why: str) -> None:
    link(root / "l.jpg", target)
    listing = disk.list_folder(ROOT)
    assert names(listing) == {"one": True, "two": True}
    assert len(listing.problems) == 1 and listing.problems[0].startswith("l.jpg: ") and why in listing.problems[0]
    expected = OutsideLibraryError if "out of" in why else NotFoundError
    path = parse_path("l.jpg")
    calls = (
        lambda: disk.read(path, 99), lambda: disk.stat(path),
        lambda: disk.open(path), lambda: disk.list_folder(path),
        lambda: disk.read(parse_path("l.jpg/secret.jpg"), 99), lambda: disk.write(parse_path("l.jpg/new"), b""),
        lambda: disk.open_folder(ROOT).open_file("l.jpg"),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(LenscatError) as caught:
            call()
        below_a_file = "no 'l.jpg" in str(caught.value)
        assert isinstance(caught.value, expected) or below_a_file
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(OutsideLibraryError if "out of" in why else BrokenLinkError):
        disk.write(path, b"x")
    assert sorted(item.name for item in (tmp_path / "outside").iterdir()) == ["secret.jpg"]
    assert (root / "l.jpg").is_symlink()


@pytest.mark.parametrize("target", ["nothing", "one/a.jpg/x", "l.jpg", "../outside/new"])
@pytest.mark.parametrize("create_only", [True, False])
def test_nothing_is_written_through_a_link_that_leads_nowhere(
    disk: LocalDisk, root: Path, tmp_path: Path, target: str, create_only: bool
) -> None:
    link(root / "l.jpg", target)
    with pytest.raises(BrokenLinkError, match=r"l\.jpg") as caught:
        disk.write(parse_path("l.jpg"), b"x", create_only=create_only)
    assert str(tmp_path) not in str(caught.value)
    assert not (tmp_path / "outside/new").exists()
    assert str((root / "l.jpg").readlink()) == target


def test_a_folder_beside_that_starts_with_the_same_name_is_outside(disk: LocalDisk, root: Path, tmp_path: Path) -> None:
    (tmp_path / "library-2").mkdir()
    (tmp_path / "library-2/x.jpg").write_bytes(b"x")
    link(root / "l", "../library-2")
    with pytest.raises(OutsideLibraryError):
        read(disk, "l/x.jpg")


def test_following_outside_when_asked_to(root: Path) -> None:
    disk = LocalDisk(root, follow_outside=True)
    link(root / "l", "../outside")
    link(root / "f.jpg", "../outside/secret.jpg")
    assert names(disk.list_folder(ROOT)) == {"one": True, "two": True, "l": True, "f.jpg": False}
    assert read(disk, "l/secret.jpg") == read(disk, "f.jpg") == b"secret"
    disk.write(parse_path("l/new/deep.json"), b"new")
    assert (root.parent / "outside/new/deep.json").read_bytes() == b"new"


def test_writing_keeps_a_link_and_replaces_its_target(disk: LocalDisk, root: Path) -> None:
    link(root / "one/l.json", "../two/b.jpg")
    path = parse_path("one/l.json")
    version = disk.read(path, 9).version
    disk.write(path, b"new", if_version=version)
    assert (root / "one/l.json").is_symlink()
    assert (root / "two/b.jpg").read_bytes() == b"new"
    assert sorted(item.name for item in (root / "two").iterdir()) == ["b.jpg"]


def test_writing_to_a_link_to_a_folder_is_refused(disk: LocalDisk, root: Path) -> None:
    link(root / "l", "two")
    with pytest.raises(InvalidPathError):
        disk.write(parse_path("l"), b"x")
    assert (root / "l").is_symlink()


def test_deleting_a_link_spares_its_target(disk: LocalDisk, root: Path) -> None:
    link(root / "l.jpg", "two/b.jpg")
    disk.delete(parse_path("l.jpg"), if_version=disk.read(parse_path("two/b.jpg"), 9).version)
    assert not (root / "l.jpg").is_symlink()
    assert (root / "two/b.jpg").exists()


def test_writing_below_a_folder_link_makes_folders(disk: LocalDisk, root: Path) -> None:
    link(root / "one/l", "../two")
    disk.write(parse_path("one/l/new/deep/x.json"), b"x")
    assert (root / "two/new/deep/x.json").read_bytes() == b"x"


def test_a_folder_swapped_for_a_link_while_open(disk: LocalDisk, root: Path) -> None:
    """What is open stays what it was: the new link is never followed."""
    with disk.open_folder(parse_path("one")) as folder:
        (root / "one").rename(root / "moved")
        link(root / "one", "../outside")
        with pytest.raises(NotFoundError):
            folder.open_file("secret.jpg")
    with pytest.raises(OutsideLibraryError):
        read(disk, "one/secret.jpg")


def test_many_links_into_one_folder(disk: LocalDisk, root: Path) -> None:
    for number in range(50):
        link(root / f"one/{number}.jpg", "../two/b.jpg")
    link(root / "one/chain.jpg", "7.jpg")
    assert len(disk.list_folder(parse_path("one")).entries) == 53


def test_a_walk_does_not_follow_links(disk: LocalDisk, root: Path) -> None:
    (root / "l").symlink_to("one")
    assert sorted(folder for folder, _ in disk.walk()) == sorted(
        "" if path == root else str(path.relative_to(root))
        for path in (root, *root.rglob("*"))
        if path.is_dir() and not path.is_symlink()
    )
