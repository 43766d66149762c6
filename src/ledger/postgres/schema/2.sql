-- Schema 2: several workers of one campaign. Never edited once shipped.
-- It is made while no worker of schema 1 lives. What those had on the wire stays theirs until its
-- answer could have come.

ALTER TABLE about ADD functions_version int NOT NULL DEFAULT 0;

-- `batch` alone writes these, from rows that it has read: looking each of them up again would cost a
-- third of a purchase.
ALTER TABLE attempts DROP CONSTRAINT attempts_campaign_fkey, DROP CONSTRAINT attempts_worker_fkey;
ALTER TABLE money DROP CONSTRAINT money_campaign_fkey;
ALTER TABLE revisions DROP CONSTRAINT revisions_attempt_fkey;

-- What the account allows, over all its workers. NULL: what its workers keep to.
ALTER TABLE accounts
  ADD max_in_flight      int CHECK (max_in_flight > 0),
  ADD rate_count          int CHECK (rate_count > 0),
  ADD rate_window_ms      int CHECK ((rate_window_ms IS NULL) = (rate_count IS NULL)),
  ADD poll_rate_count     int CHECK (poll_rate_count > 0),
  ADD poll_rate_window_ms int CHECK ((poll_rate_window_ms IS NULL) = (poll_rate_count IS NULL)),
  -- A window is stretched by so much: what it takes until a moment that was given is known.
  ADD margin_ms           int NOT NULL DEFAULT 40 CHECK (margin_ms > 10),
  -- Places that are taken: revisions that are submitting, or rendering, not stalled and not late.
  ADD in_flight           int NOT NULL DEFAULT 0,
  SET (fillfactor = 20);

ALTER TABLE campaigns
  ADD run    bigint NOT NULL DEFAULT 0,                 -- the number of the run: from the first worker's
                                                        -- join until none lives
  ADD digest bytea CHECK (length(digest) = 32),         -- of the text whose shots are the current ones
  ADD paused boolean NOT NULL DEFAULT false;

ALTER TABLE workers
  ADD account        int REFERENCES accounts,
  ADD digest         bytea CHECK (length(digest) = 32), -- of what it renders; NULL: it buys nothing
  ADD is_visitor     boolean NOT NULL DEFAULT true,     -- looks, or says a word; waited for by none
  ADD buys           text NOT NULL DEFAULT 'all' CHECK (buys IN ('all', 'some', 'none')),
  ADD rate_count          int,
  ADD rate_window_ms      int,
  ADD poll_rate_count     int,
  ADD poll_rate_window_ms int,
  ADD in_flight      int,                               -- the most that it allows
  ADD run            bigint,                            -- in which it works
  ADD succeeds       bigint REFERENCES workers,         -- the number that it had before it was given up
  ADD is_idle        boolean NOT NULL DEFAULT false,
  ADD failures       int NOT NULL DEFAULT 0,            -- in its hands, in this run
  ADD late           int NOT NULL DEFAULT 0,            -- of its tasks
  ADD last_assignment bigint NOT NULL DEFAULT 0,        -- what it was handed over last: an answer that
  ADD assigned       bigint[] NOT NULL DEFAULT '{}',    -- gets lost is asked for again
  ADD is_settled     boolean NOT NULL DEFAULT false;    -- it has ended, and nothing is in its hands
UPDATE workers SET account = c.account FROM campaigns AS c WHERE c.id = workers.campaign;
UPDATE workers SET ended = 'lapsed' WHERE ended IS NULL;
UPDATE workers SET is_settled = true WHERE ended = 'left';
ALTER TABLE workers ALTER account SET NOT NULL;
CREATE INDEX of_account ON workers (account) WHERE ended IS NULL;
CREATE INDEX unsettled ON workers (campaign) WHERE NOT is_settled;
CREATE INDEX of_run ON workers (campaign, run) WHERE NOT is_visitor;
DROP INDEX at_work;

-- The places in the manifest of the shots that a worker may buy which may not buy all of them.
CREATE TABLE selections (
  worker   bigint NOT NULL REFERENCES workers,
  position bigint NOT NULL,
  PRIMARY KEY (worker, position)
);

-- `stage` is what the lists below go by. It changes less often than the state, so that most changes of
-- a state touch no index.
ALTER TABLE revisions
  ADD worker   bigint,                                  -- in whose hands it is; NULL: in none
  ADD taken_up bigint NOT NULL DEFAULT 0,               -- the run in which it was last handed over
  ADD is_late  boolean NOT NULL DEFAULT false,          -- its place in flight was given to another
  ADD stage    text NOT NULL GENERATED ALWAYS AS (CASE
    WHEN state = 'rendering' AND why IS NOT NULL THEN 'stalled'
    WHEN state IN ('submitting', 'rendering', 'rendered') THEN 'bought'
    ELSE state END) STORED;
UPDATE revisions SET worker = a.worker
  FROM attempts AS a JOIN workers AS w ON w.id = a.worker
  WHERE a.id = revisions.attempt AND revisions.state = 'submitting' AND w.ended = 'lapsed';
CREATE INDEX next_up ON revisions (campaign, probed, priority DESC, position)
  WHERE current AND stage = 'queued' AND worker IS NULL;
CREATE INDEX cheapest ON revisions (campaign, price_micro)
  WHERE current AND stage = 'queued' AND worker IS NULL;
CREATE INDEX bought ON revisions (campaign, worker) WHERE stage = 'bought';
CREATE INDEX once_in_a_run ON revisions (campaign, stage, taken_up)
  WHERE stage IN ('stalled', 'in_doubt', 'failed') AND worker IS NULL;
CREATE INDEX held ON revisions (worker) WHERE worker IS NOT NULL;

-- The moments at which requests of an account may leave: one line for purchases, one for polls.
CREATE TABLE pace (
  account        int NOT NULL REFERENCES accounts,
  traffic        text NOT NULL CHECK (traffic IN ('posts', 'polls')),
  last_slot      timestamptz NOT NULL,                  -- the last moment that was given
  quiet_until    timestamptz NOT NULL DEFAULT '-infinity',
  level          int NOT NULL DEFAULT 0,                -- each halves the pace
  server_started timestamptz NOT NULL,
  PRIMARY KEY (account, traffic)
) WITH (fillfactor = 20);

DROP FUNCTION IF EXISTS join_campaign, enter, write_state, write_files, batch;
