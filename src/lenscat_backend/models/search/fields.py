"""The fields of the search language: their names, and an example of each for messages and documents."""

from __future__ import annotations

from typing import Literal, NamedTuple

FieldKind = Literal["text", "number", "date", "format", "state", "place", "hash"]


class Field(NamedTuple):
    """A field by its name, what kind of values it takes, the other names it goes by, and an example."""

    name: str
    kind: FieldKind
    aliases: tuple[str, ...]
    example: str


FIELDS = (
    Field("tag", "text", ("tags", "keyword", "keywords", "subject"), "tag:portrait"),
    Field("name", "text", ("filename",), "name:IMG_23*"),
    Field("notes", "text", ("caption", "description"), "notes:lake"),
    Field("path", "text", ("folder", "directory", "dir", "in"), "path:events/2024"),
    Field("ext", "text", ("extension",), "ext:png"),
    Field("camera", "text", ("make", "model"), "camera:canon"),
    Field("lens", "text", (), "lens:50mm"),
    Field("label", "text", (), "label:red"),
    Field("color", "text", ("colour",), "color:red"),
    Field("rating", "number", ("stars",), "rating:>=4"),
    Field("width", "number", (), "width:>4000"),
    Field("height", "number", (), "height:<1080"),
    Field("mp", "number", ("megapixels",), "mp:>12"),
    Field("size", "number", ("bytes", "filesize"), "size:>5mb"),
    Field("iso", "number", (), "iso:100..400"),
    Field("f", "number", ("aperture",), "f:2.8..4"),
    Field("mm", "number", ("focal",), "mm:50"),
    Field("date", "date", ("taken", "created"), "date:2023-06..2023-08"),
    Field("year", "date", (), "year:2023"),
    Field("before", "date", (), "before:2024"),
    Field("after", "date", (), "after:2023-06-15"),
    Field("type", "format", ("format",), "type:webp"),
    Field("orientation", "state", (), "orientation:landscape"),
    Field("is", "state", (), "is:favorite"),
    Field("has", "state", ("with",), "has:gps"),
    Field("geo", "place", ("near",), "geo:48.86,2.35,5km"),
    Field("hash", "hash", (), "hash:1f3a"),
)

FIELD_OF = {name: field for field in FIELDS for name in (field.name, *field.aliases)}
"""Every name and alias."""

FORMATS = {
    "jpeg": "jpeg",
    "jpg": "jpeg",
    "png": "png",
    "webp": "webp",
    "gif": "gif",
    "avif": "avif",
    "tiff": "tiff",
    "tif": "tiff",
    "heic": "heic",
    "heif": "heic",
}
"""What `type:` takes, beside MIME types, and the name in the table of formats."""

COLORS = frozenset(("red", "orange", "yellow", "green", "blue", "purple", "pink", "gray", "grey"))
"""What `label:` takes for a colour label alone; any other word may be a tag as well."""

IS = {
    "favorite": ("favorite", True),
    "favourite": ("favorite", True),
    "fav": ("favorite", True),
    "tagged": ("tagged", True),
    "untagged": ("tagged", False),
    "rated": ("rated", True),
    "unrated": ("rated", False),
    "labeled": ("labeled", True),
    "labelled": ("labeled", True),
    "unlabeled": ("labeled", False),
    "unlabelled": ("labeled", False),
    "landscape": ("landscape", True),
    "portrait": ("portrait", True),
    "square": ("square", True),
}
"""What `is:` takes: the state, and whether it is to be there."""

ORIENTATIONS = ("landscape", "portrait", "square")
HAS = {
    "notes": "has_notes",
    "tags": "tagged",
    "rating": "rated",
    "label": "labeled",
    "gps": "has_gps",
    "date": "has_date",
    "camera": "has_camera",
    "lens": "has_lens",
    "hash": "has_hash",
    "sidecar": "has_sidecar",
}
"""What `has:` takes, and the state."""
