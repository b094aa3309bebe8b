"""Manifests: a folder's `_index.json` and the library's `_rollup.json`, as the files and the API write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FolderKind = Literal["leaf-pointer", "leaf-real", "branch"]
PAGE_ITEMS = 100


@dataclass(frozen=True, slots=True)
class ManifestItem:
    """One image of a folder. `type` is its MIME type, `w` and `h` are pixels as displayed, None until known."""

    path: str
    name: str
    type: str
    w: int | None
    h: int | None
    size: int
    has_thumb: bool
    has_meta: bool
    hash: str | None


class ManifestFolder(dict[str, str]):
    """One subfolder: `name`, `kind`, and only where there is one a `label` and an `error`.

    `label` is what a pointer says its folder is to be called, `error` why the folder cannot be shown.
    """

    def __init__(self, name: str, kind: FolderKind, label: str = "", error: str = "") -> None:
        super().__init__(name=name, kind=kind)
        self.update({key: value for key, value in (("label", label), ("error", error)) if value})

    @property
    def name(self) -> str:
        """Its name in the folder above."""
        return self["name"]

    @property
    def kind(self) -> str:
        """leaf-pointer, leaf-real or branch."""
        return self["kind"]


@dataclass(frozen=True, slots=True)
class FolderManifest:
    """A folder: all its items, or one page of them (then `page`, from 0, and `page_count` are set)."""

    v: int
    path: str
    generated_at: str
    items: Sequence[ManifestItem]
    dirs: Sequence[ManifestFolder]
    page: int | None = None
    page_count: int | None = None


@dataclass(frozen=True, slots=True)
class RollupItem:
    """One image in search results and in the rollup; `tags` and `notes` are its sidecar's."""

    path: str
    name: str
    tags: Sequence[str]
    notes: str


def folder_kind(*, pointer: bool, images: bool) -> FolderKind:
    """A folder's kind from what it directly holds."""
    if pointer:
        return "leaf-pointer"
    return "leaf-real" if images else "branch"
