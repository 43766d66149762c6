-- Schema 1. Never edited once shipped: a later schema is a further file.
-- Money is in millionths of a dollar (`…_micro`), times in milliseconds since the Unix epoch, UTC,
-- but for leases, which go by the server's own clock. Names are found by `search_path`.

-- Whose key it is.
CREATE TABLE accounts (
  id   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,                                   -- `default` unless said otherwise
  kind text NOT NULL CHECK (kind IN ('gateway', 'simulator')),
  UNIQUE (name, kind)
);

-- Money with a cap. One row is written with nearly every purchase: it keeps room for its next version.
CREATE TABLE pots (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cap_micro   bigint CHECK (cap_micro >= 0),            -- NULL: no cap
  is_strict   boolean NOT NULL DEFAULT false,           -- unconfirmed money counts against the cap
  spent       bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
  reserved    bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  unconfirmed bigint NOT NULL DEFAULT 0 CHECK (unconfirmed >= 0),
  attempts    bigint NOT NULL DEFAULT 0,                -- how many there ever were
  movements   bigint NOT NULL DEFAULT 0                 -- of money, ever
) WITH (fillfactor = 20);

CREATE TABLE campaigns (
  id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account    int NOT NULL REFERENCES accounts,
  name       text NOT NULL,
  pot        bigint NOT NULL REFERENCES pots,
  ledger_id  text NOT NULL,                             -- unguessable; the campaign folder knows it too
  moved_to   text,                                      -- its gateway's address, on the user's word
  separate   boolean NOT NULL DEFAULT false,            -- other campaigns' purchases do not matter
  created_at bigint NOT NULL,
  created_by text NOT NULL,                             -- the version that made it
  UNIQUE (account, name)
);

-- A process that works on a campaign. Its number is never given again.
CREATE TABLE workers (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  campaign    int NOT NULL REFERENCES campaigns,
  who         text NOT NULL,                            -- rushes run, process 4242 on host
  place       text NOT NULL,                            -- the machine and process, so that it is known to be gone
  program     text NOT NULL,                            -- its version
  joined_at   timestamptz NOT NULL,
  lease_until timestamptz NOT NULL,
  post_lasts  interval NOT NULL,                        -- so long a POST of its may be on the wire
  last_batch  bigint NOT NULL DEFAULT 0,                -- the batch it was answered last, and the answer:
  last_answer text,                                     -- an answer that gets lost is asked for again
  ended       text CHECK (ended IN ('left', 'lapsed'))
) WITH (fillfactor = 20);
CREATE INDEX at_work ON workers (campaign) WHERE ended IS NULL;

-- Where attempts were sent, and from which account.
CREATE TABLE origins (
  id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  address text NOT NULL,                                -- of the gateway: scheme, host, port, path
  account text NOT NULL,                                -- a salted hash of the account's key
  UNIQUE (address, account)
);

-- A text that a shot has or had.
CREATE TABLE revisions (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  campaign     int NOT NULL REFERENCES campaigns,
  shot         text COLLATE "C" NOT NULL,
  number       int NOT NULL CHECK (number >= 1),
  fingerprint  bytea NOT NULL CHECK (length(fingerprint) = 16),
  current      boolean NOT NULL,
  position     bigint NOT NULL,                         -- in the manifest
  priority     int NOT NULL,
  clip_name    text NOT NULL,
  price_micro  bigint CHECK (price_micro >= 0),         -- the catalog's, then what its last attempt reserved
  state        text NOT NULL CHECK (state IN
    ('queued', 'submitting', 'rendering', 'rendered', 'delivered', 'failed', 'in_doubt')),
  attempt      bigint,                                  -- the one the state is about
  failure      text CHECK (failure IN
    ('rejected', 'refused_too_often', 'not_rendered', 'expired', 'abandoned')),
  failure_kind text CHECK (failure_kind IN ('luck', 'unsettled')),
  why          text,                                    -- also of a stalled one, which is `rendering`
  since        bigint,                                  -- rendering since
  completed_at bigint,
  delivered_at bigint,
  urls         text,                                    -- JSON list
  refusals     int NOT NULL DEFAULT 0,
  resubmits    int NOT NULL DEFAULT 0,
  rerolls      int NOT NULL DEFAULT 0,
  probed       boolean NOT NULL DEFAULT false,
  waiting      boolean NOT NULL DEFAULT false,          -- its task had not begun a minute after it was bought
  model        text NOT NULL,
  tags         text NOT NULL,                           -- JSON list
  entry        text,                                    -- the id of the manifest's entry
  variant      text,                                    -- JSON object: what tells it from that entry's others
  recorded_at  bigint NOT NULL,
  request      text NOT NULL,                           -- JSON; local files by their paths
  UNIQUE (campaign, shot, fingerprint),
  UNIQUE (campaign, shot, number)
) WITH (fillfactor = 85);
CREATE INDEX in_manifest_order ON revisions (campaign, position) WHERE current;
CREATE INDEX older_or_removed ON revisions (campaign, shot, number) WHERE NOT current;

-- A POST, written before it is sent. Rows are added and completed, never taken away.
CREATE TABLE attempts (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  campaign    int NOT NULL REFERENCES campaigns,
  revision    bigint NOT NULL REFERENCES revisions,
  number      int NOT NULL CHECK (number >= 1),
  worker      bigint NOT NULL REFERENCES workers,       -- who made it, and in which of its batches
  batch       bigint NOT NULL,
  price_micro bigint CHECK (price_micro >= 0),          -- NULL: it was not known
  charged_if_failed boolean NOT NULL,                   -- by the catalog it was sent under
  sent_at     bigint NOT NULL,
  answered_at bigint,
  outcome     text,                                     -- how the POST ended; NULL: it was cut short
  why         text,
  answer      text,                                     -- the whole answer that left it in doubt
  task_id     text COLLATE "C",
  former_tasks text,                                    -- JSON list of task ids that were replaced
  account     text NOT NULL CHECK (account IN ('reserved', 'spent', 'unconfirmed', 'released')),
  charge      text,                                     -- what the gateway says it cost, in its own currency
  charge_currency text CHECK ((charge_currency IS NULL) = (charge IS NULL)),
  token       text NOT NULL CHECK (length(token) = 32), -- its key: an unguessable id of our own
  key_on_wire boolean NOT NULL,                         -- whether the gateway was told it
  origin      int REFERENCES origins,
  wire        text,                                     -- what was sent: canonical JSON, files by hash
  UNIQUE (revision, number)
);
ALTER TABLE revisions ADD FOREIGN KEY (attempt) REFERENCES attempts DEFERRABLE INITIALLY DEFERRED;
-- A task id may be 4 kB long, which is more than an index takes.
CREATE INDEX by_task ON attempts (campaign, md5(task_id)) WHERE task_id IS NOT NULL;
CREATE INDEX reserved_ones ON attempts (campaign, id) WHERE account = 'reserved';

-- Every movement of money: positive into an account, negative out of it.
CREATE TABLE money (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  campaign int NOT NULL REFERENCES campaigns,
  attempt  bigint NOT NULL REFERENCES attempts,
  at       bigint NOT NULL,
  account  text NOT NULL CHECK (account IN ('reserved', 'spent', 'unconfirmed')),
  micro    bigint NOT NULL
);
CREATE INDEX of_campaign ON money (campaign, at);

-- Clips; paths are relative to the campaign folder.
CREATE TABLE files (
  revision bigint NOT NULL REFERENCES revisions,
  part     bigint NOT NULL CHECK (part >= 1),
  path     text NOT NULL,
  bytes    bigint NOT NULL CHECK (bytes >= 0),
  sha256   bytea NOT NULL CHECK (length(sha256) = 32),
  millis   bigint CHECK (millis >= 0),
  width    bigint CHECK (width >= 0),
  height   bigint CHECK (height >= 0),
  sound    boolean,
  unread   text,                                        -- why it cannot be read
  PRIMARY KEY (revision, part)
);
CREATE INDEX by_path ON files (path);

CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is only added to', TG_TABLE_NAME; END $$;
CREATE TRIGGER attempts_stay BEFORE DELETE ON attempts FOR EACH ROW EXECUTE FUNCTION stay();
CREATE TRIGGER money_stays BEFORE UPDATE OR DELETE ON money FOR EACH ROW EXECUTE FUNCTION stay();
CREATE TRIGGER attempts_remain BEFORE TRUNCATE ON attempts EXECUTE FUNCTION stay();
CREATE TRIGGER money_remains BEFORE TRUNCATE ON money EXECUTE FUNCTION stay();

CREATE FUNCTION dollars(micro bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN micro = 0 THEN '0'
    WHEN micro % 10000 = 0 THEN (micro / 1000000)::text || '.' || lpad((micro % 1000000 / 10000)::text, 2, '0')
    WHEN micro % 100 = 0 THEN (micro / 1000000)::text || '.' || lpad((micro % 1000000 / 100)::text, 4, '0')
    ELSE (micro / 1000000)::text || '.' || lpad((micro % 1000000)::text, 6, '0')
  END $$;

-- For people: what became of every revision. Dollars are exact decimal text.
CREATE VIEW results AS
SELECT c.name AS campaign, r.shot, r.number AS revision, r.current, r.state, r.failure, r.why, r.model,
  dollars(CASE WHEN r.attempt IS NULL THEN r.price_micro ELSE a.price_micro END) AS price,
  a.charge, a.charge_currency, a.task_id,
  (SELECT count(*) FROM attempts WHERE revision = r.id) AS attempts,
  (SELECT string_agg(path, ' ' ORDER BY part) FROM files WHERE revision = r.id) AS clips,
  to_timestamp((SELECT max(sent_at) FROM attempts WHERE revision = r.id) / 1000.0) AS submitted_at,
  to_timestamp(r.completed_at / 1000.0) AS completed_at,
  to_timestamp(r.delivered_at / 1000.0) AS delivered_at,
  r.urls, r.tags, r.entry, r.variant, r.request
FROM revisions AS r JOIN campaigns AS c ON c.id = r.campaign LEFT JOIN attempts AS a ON a.id = r.attempt
ORDER BY c.name, r.current DESC, r.position, r.shot, r.number;

-- For people: each campaign's money in dollars.
CREATE VIEW spend AS
SELECT c.name AS campaign, dollars(p.cap_micro) AS cap, dollars(p.spent) AS spent,
  dollars(p.reserved) AS reserved, dollars(p.unconfirmed) AS unconfirmed
FROM campaigns AS c JOIN pots AS p ON p.id = c.pot ORDER BY c.name;
