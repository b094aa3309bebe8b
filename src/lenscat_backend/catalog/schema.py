"""The catalog's tables. On another version number the whole file is wiped and rebuilt, never migrated."""

from __future__ import annotations

SCHEMA_VERSION = 6

TABLES = """
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
  thumb_source TEXT NOT NULL,
  haystack TEXT NOT NULL
);
CREATE UNIQUE INDEX items_in_order ON items(folder_id, sort_key, name);

-- Substring search: folded text in trigrams. Only the index is stored, the text itself is items.haystack.
CREATE VIRTUAL TABLE items_text USING fts5(
  name, tags, notes, content='', contentless_delete=1, tokenize="trigram case_sensitive 1");
-- Fewer, larger merges than FTS5's own 4: a scan adds text in thousands of rows, and merging was half of the cost.
INSERT INTO items_text (items_text, rank) VALUES ('automerge', 8);
-- Items whose text is not in items_text yet; a search looks through their haystack instead. The triggers do not say
-- INSERT OR IGNORE: in a trigger the conflict clause of the outer statement, an upsert, takes its place.
CREATE TABLE unindexed (item_id INTEGER PRIMARY KEY);

CREATE TRIGGER items_added AFTER INSERT ON items BEGIN
  INSERT INTO unindexed SELECT new.id WHERE new.id NOT IN unindexed;
END;
CREATE TRIGGER items_text_changed AFTER UPDATE OF haystack ON items WHEN old.haystack IS NOT new.haystack BEGIN
  DELETE FROM items_text WHERE rowid = old.id;
  INSERT INTO unindexed SELECT new.id WHERE new.id NOT IN unindexed;
END;
CREATE TRIGGER items_removed AFTER DELETE ON items BEGIN
  DELETE FROM items_text WHERE rowid = old.id;
  DELETE FROM unindexed WHERE item_id = old.id;
END;
"""

_NAME_END = "instr(items.haystack, char(30))"
_REST = f"substr(items.haystack, {_NAME_END} + 1)"
HAYSTACK_PART = {
    "": "items.haystack",
    "name": f"substr(items.haystack, 1, {_NAME_END} - 1)",
    "tags": f"substr({_REST}, 1, instr({_REST}, char(30)) - 1)",
    "notes": f"substr({_REST}, instr({_REST}, char(30)) + 1)",
}
"""SQL for the parts of `items.haystack` ("": all of it), which `records.haystack_of` joins."""
