-- Schema 5: what odd nights need.

-- Failed tasks that were bought again by `limits.rerolls`, over all runs.
ALTER TABLE revisions ADD COLUMN rerolls INTEGER NOT NULL DEFAULT 0;
-- Whether it was rejected in a run that stopped because all requests were rejected alike, and is
-- queued again behind all others.
ALTER TABLE revisions ADD COLUMN probed INTEGER NOT NULL DEFAULT 0 CHECK (probed IN (0, 1));
-- What else is known of a failure: `luck`, one more try may do; `unsettled`, its price stays reserved.
ALTER TABLE revisions ADD COLUMN failure_kind TEXT CHECK (failure_kind IN ('luck', 'unsettled'));
-- Whether its task had not begun a minute after it was bought.
ALTER TABLE revisions ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting IN (0, 1));
-- The whole answer of an attempt in doubt, at most 16 kB: it may hold the only trace of a purchase.
ALTER TABLE attempts ADD COLUMN answer TEXT;
-- Task ids that were replaced by `resolve --task-id`, a JSON list, the oldest first.
ALTER TABLE attempts ADD COLUMN former_tasks TEXT;
-- An unguessable id of this ledger, which its folder knows too. NULL until the next opening for
-- writing.
ALTER TABLE campaign ADD COLUMN ledger_id TEXT;
-- The gateway's address, as it was moved to on the user's word.
ALTER TABLE campaign ADD COLUMN moved_to TEXT;
-- Whether the user said that other campaigns' purchases of the same shots do not matter.
ALTER TABLE campaign ADD COLUMN separate INTEGER NOT NULL DEFAULT 0 CHECK (separate IN (0, 1));
