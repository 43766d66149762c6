-- Schema 4: calls of the gateway that reach a worker which does not have the shot in its hands; an account
-- is of one key; what rejections of all workers say. Never edited once shipped.

-- What calls about an attempt said, for the worker that has its revision in its hands, or will. A hint: it
-- may be lost, and may be heard twice.
CREATE TABLE callbacks (
  campaign int NOT NULL,
  attempt  bigint NOT NULL REFERENCES attempts,
  revision bigint NOT NULL,
  tasks    jsonb NOT NULL,                              -- list of the task ids that were named
  told_to  bigint,                                      -- the worker that heard of it last
  told_in  bigint,                                      -- with this assignment of its
  PRIMARY KEY (campaign, attempt)
);
CREATE INDEX by_key ON attempts (token) WHERE key_on_wire AND account = 'reserved';

-- What was accepted and rejected of all workers of a run, so that they stop together.
ALTER TABLE workers
  ADD accepted       int NOT NULL DEFAULT 0,            -- of its purchases, in this run
  ADD rejections     jsonb,                             -- that it met since something was accepted
  ADD rejected_after int;                               -- so much of all workers' when it told of them

-- A program of the day before made schema 2 with another name of this column.
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_attribute
    WHERE attrelid = 'accounts'::regclass AND attname = 'most_in_flight' AND NOT attisdropped) THEN
    ALTER TABLE accounts RENAME most_in_flight TO max_in_flight;
  END IF;
END $$;
ALTER TABLE accounts ADD key_hash text;                  -- what tells its key from others; NULL: not used yet
-- An index of the campaign and the time was taken for one of the campaign, and read as a whole for each task.
DROP INDEX of_month;
CREATE INDEX by_time ON attempts (sent_at);
