"""The catalog's tables. On another version number the whole file is wiped and rebuilt, never migrated."""

from __future__ import annotations

from lenscat_backend.catalog.blocks.building import Row
from lenscat_backend.catalog.blocks.storing import TABLES as BLOCK_TABLES

SCHEMA_VERSION = 8

_IN_BLOCKS = [column for column in Row._fields if column not in ("id", "folder_id")]
_SEARCHED = ", ".join(_IN_BLOCKS)
_BEFORE, _AFTER = (", ".join(f"{row}.{column}" for column in _IN_BLOCKS) for row in ("old", "new"))

_ITEMS = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE folders (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  sort_path TEXT NOT NULL,              -- the order people count in, over the whole tree
  parent TEXT,                          -- path of the folder above; NULL for the root
  etag TEXT NOT NULL DEFAULT '',
  fingerprint BLOB,                     -- over every entry; NULL: compare them one by one
  images INTEGER NOT NULL DEFAULT 0,
  pointer INTEGER NOT NULL DEFAULT 0,
  scanned INTEGER NOT NULL DEFAULT 0,
  problems TEXT NOT NULL DEFAULT '[]',
  label TEXT NOT NULL DEFAULT '',       -- what a pointer says that its folder is to be called
  error TEXT NOT NULL DEFAULT '',       -- why the folder could not be looked at
  manifest_digest BLOB                  -- of the content last written to the folder's manifest
);
CREATE INDEX folders_in_order ON folders(sort_path, path);
CREATE INDEX folders_by_parent ON folders(parent);
CREATE INDEX folders_unscanned ON folders(path) WHERE scanned = 0;
CREATE INDEX folders_pointing ON folders(path) WHERE pointer = 1;

-- Folders that are listed in parts right now: what came so far, to tell at the end what is gone.
CREATE TABLE listings (id INTEGER PRIMARY KEY, began INTEGER NOT NULL);
CREATE TABLE listed (listing INTEGER, name TEXT, PRIMARY KEY (listing, name)) WITHOUT ROWID;  -- folders: name/

CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  folder_id INTEGER NOT NULL,
  sort_key TEXT NOT NULL,
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  etag TEXT NOT NULL,
  width INTEGER,
  height INTEGER,
  created_at TEXT,
  exif TEXT NOT NULL,
  problem TEXT,
  sidecar_etag TEXT NOT NULL,
  has_sidecar INTEGER NOT NULL,         -- 0 too where an overlay's marker hides it
  sidecar_problem TEXT,
  tags TEXT NOT NULL,
  notes TEXT NOT NULL,
  rating INTEGER,
  label TEXT,
  favorite INTEGER NOT NULL,
  hash TEXT,
  thumb_etag TEXT NOT NULL,
  thumb_source TEXT NOT NULL
);
CREATE UNIQUE INDEX items_in_order ON items(folder_id, sort_key, name);
"""

_TRIGGERS = f"""
CREATE TRIGGER items_added AFTER INSERT ON items BEGIN
  INSERT INTO changed (item_id) VALUES (new.id);
END;
CREATE TRIGGER items_changed AFTER UPDATE OF {_SEARCHED} ON items WHEN ({_BEFORE}) IS NOT ({_AFTER}) BEGIN
  INSERT INTO changed (item_id) VALUES (new.id);
END;
CREATE TRIGGER items_removed AFTER DELETE ON items BEGIN
  INSERT INTO changed (item_id) VALUES (old.id);
END;

INSERT INTO facts VALUES ('blocks', abs(random()) >> 16);
INSERT INTO facts VALUES ('folders', 0);  -- counts how often there came to be other folders
CREATE TRIGGER folders_added AFTER INSERT ON folders BEGIN
  UPDATE facts SET value = value + 1 WHERE name = 'folders';
END;
CREATE TRIGGER folders_removed AFTER DELETE ON folders BEGIN
  UPDATE facts SET value = value + 1 WHERE name = 'folders';
END;
"""

TABLES = _ITEMS + BLOCK_TABLES + _TRIGGERS
