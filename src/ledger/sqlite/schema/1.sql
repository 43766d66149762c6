-- Schema 1. Never edited once shipped: a later schema is a further file.
-- Money is in millionths of a dollar (`…_micro`), times in milliseconds since the Unix epoch, UTC.

CREATE TABLE campaign (
  only       INTEGER PRIMARY KEY CHECK (only = 1),
  name       TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('gateway', 'simulator')),
  cap_micro  INTEGER CHECK (cap_micro >= 0),          -- NULL: no cap
  strict     INTEGER NOT NULL CHECK (strict IN (0, 1)),
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,                           -- the version that made the file
  written_by TEXT NOT NULL                            -- the version that gave it its present schema
) STRICT;

-- A text that a shot has or had.
CREATE TABLE revisions (
  id           INTEGER PRIMARY KEY,
  shot         TEXT NOT NULL,
  number       INTEGER NOT NULL CHECK (number >= 1),
  fingerprint  BLOB NOT NULL CHECK (length(fingerprint) = 16),
  current      INTEGER NOT NULL CHECK (current IN (0, 1)),
  position     INTEGER NOT NULL,                      -- in the manifest
  priority     INTEGER NOT NULL,
  clip_name    TEXT NOT NULL,
  price_micro  INTEGER CHECK (price_micro >= 0),      -- the catalog's, then what its last attempt reserved
  state        TEXT NOT NULL CHECK (state IN
    ('queued', 'submitting', 'rendering', 'rendered', 'delivered', 'failed', 'in_doubt')),
  attempt      INTEGER REFERENCES attempts (id),      -- the one the state is about
  failure      TEXT CHECK (failure IN
    ('rejected', 'refused_too_often', 'not_rendered', 'expired', 'abandoned')),
  why          TEXT,                                  -- also of a stalled one, which is `rendering`
  since        INTEGER,                               -- rendering since
  completed_at INTEGER,
  delivered_at INTEGER,
  urls         TEXT,                                  -- JSON list
  refusals     INTEGER NOT NULL DEFAULT 0,
  resubmits    INTEGER NOT NULL DEFAULT 0,
  model        TEXT NOT NULL,
  tags         TEXT NOT NULL,                         -- JSON list
  recorded_at  INTEGER NOT NULL,
  request      TEXT NOT NULL,                         -- JSON; local files by their paths
  UNIQUE (shot, fingerprint),
  UNIQUE (shot, number)
) STRICT;
CREATE INDEX in_manifest_order ON revisions (position) WHERE current = 1;
CREATE INDEX older_or_removed ON revisions (shot, number) WHERE current = 0;

-- A POST, written before it is sent. Rows are added and completed, never taken away.
CREATE TABLE attempts (
  id          INTEGER PRIMARY KEY,
  revision    INTEGER NOT NULL REFERENCES revisions (id),
  number      INTEGER NOT NULL CHECK (number >= 1),
  price_micro INTEGER CHECK (price_micro >= 0),       -- NULL: nobody knew it
  charged_if_failed INTEGER NOT NULL CHECK (charged_if_failed IN (0, 1)), -- by the catalog it was sent under
  sent_at     INTEGER NOT NULL,
  answered_at INTEGER,
  outcome     TEXT,                                   -- how the POST ended; NULL: it was cut short
  why         TEXT,
  task_id     TEXT,
  account     TEXT NOT NULL CHECK (account IN ('reserved', 'spent', 'unconfirmed', 'released')),
  UNIQUE (revision, number)
) STRICT;
CREATE INDEX by_task ON attempts (task_id) WHERE task_id IS NOT NULL;
CREATE TRIGGER attempts_stay BEFORE DELETE ON attempts
BEGIN SELECT raise(ABORT, 'attempts are never deleted'); END;

-- Every movement of money: positive into an account, negative out of it.
CREATE TABLE money (
  id      INTEGER PRIMARY KEY,
  attempt INTEGER NOT NULL REFERENCES attempts (id),
  at      INTEGER NOT NULL,
  account TEXT NOT NULL CHECK (account IN ('reserved', 'spent', 'unconfirmed')),
  micro   INTEGER NOT NULL
) STRICT;

-- The sums of `money`, kept by its trigger.
CREATE TABLE balance (
  only        INTEGER PRIMARY KEY CHECK (only = 1),
  spent       INTEGER NOT NULL CHECK (spent >= 0),
  reserved    INTEGER NOT NULL CHECK (reserved >= 0),
  unconfirmed INTEGER NOT NULL CHECK (unconfirmed >= 0)
) STRICT;
INSERT INTO balance VALUES (1, 0, 0, 0);
CREATE TRIGGER money_counts AFTER INSERT ON money
BEGIN
  UPDATE balance SET
    spent       = spent       + iif(new.account = 'spent',       new.micro, 0),
    reserved    = reserved    + iif(new.account = 'reserved',    new.micro, 0),
    unconfirmed = unconfirmed + iif(new.account = 'unconfirmed', new.micro, 0);
END;
CREATE TRIGGER money_stays BEFORE UPDATE ON money
BEGIN SELECT raise(ABORT, 'movements of money are never changed'); END;
CREATE TRIGGER money_remains BEFORE DELETE ON money
BEGIN SELECT raise(ABORT, 'movements of money are never deleted'); END;

-- Clips on disk; paths are relative to the campaign folder.
CREATE TABLE files (
  revision INTEGER NOT NULL REFERENCES revisions (id),
  part     INTEGER NOT NULL CHECK (part >= 1),
  path     TEXT NOT NULL,
  bytes    INTEGER NOT NULL CHECK (bytes >= 0),
  sha256   BLOB NOT NULL CHECK (length(sha256) = 32),
  PRIMARY KEY (revision, part)
) STRICT, WITHOUT ROWID;

-- For people: what became of every revision. Dollars are exact decimal text.
CREATE VIEW results AS
WITH told AS (
  SELECT r.*, a.task_id,
    CASE WHEN r.attempt IS NULL THEN r.price_micro ELSE a.price_micro END AS micro,
    (SELECT max(number) FROM attempts WHERE revision = r.id) AS attempts,
    (SELECT max(sent_at) FROM attempts WHERE revision = r.id) AS submitted_at,
    (SELECT group_concat(path, ' ') FROM files WHERE revision = r.id) AS clips
  FROM revisions AS r LEFT JOIN attempts AS a ON a.id = r.attempt
)
SELECT shot, number AS revision, current, state, failure, why, model,
  CASE WHEN micro = 0 THEN '0'
       WHEN micro % 10000 = 0 THEN printf('%d.%02d', micro / 1000000, micro % 1000000 / 10000)
       WHEN micro % 100 = 0 THEN printf('%d.%04d', micro / 1000000, micro % 1000000 / 100)
       WHEN micro IS NOT NULL THEN printf('%d.%06d', micro / 1000000, micro % 1000000)
  END AS price,
  task_id, coalesce(attempts, 0) AS attempts, clips,
  strftime('%Y-%m-%dT%H:%M:%S', submitted_at / 1000, 'unixepoch')
    || printf('.%03dZ', submitted_at % 1000) AS submitted_at,
  strftime('%Y-%m-%dT%H:%M:%S', completed_at / 1000, 'unixepoch')
    || printf('.%03dZ', completed_at % 1000) AS completed_at,
  strftime('%Y-%m-%dT%H:%M:%S', delivered_at / 1000, 'unixepoch')
    || printf('.%03dZ', delivered_at % 1000) AS delivered_at,
  urls, tags, request
FROM told ORDER BY current DESC, position, shot, revision;

-- For people: the campaign's money in dollars.
CREATE VIEW spend AS
WITH sums (account, micro) AS (
  SELECT 'cap', cap_micro FROM campaign
  UNION ALL SELECT 'spent', spent FROM balance
  UNION ALL SELECT 'reserved', reserved FROM balance
  UNION ALL SELECT 'unconfirmed', unconfirmed FROM balance
)
SELECT account,
  CASE WHEN micro = 0 THEN '0'
       WHEN micro % 10000 = 0 THEN printf('%d.%02d', micro / 1000000, micro % 1000000 / 10000)
       WHEN micro % 100 = 0 THEN printf('%d.%04d', micro / 1000000, micro % 1000000 / 100)
       WHEN micro IS NOT NULL THEN printf('%d.%06d', micro / 1000000, micro % 1000000)
  END AS dollars
FROM sums;
