-- Schema 5: the latest attempt of a shot is found among its own. Never edited once shipped.

-- The planner took the index of `sent_at` for `max(sent_at)` of one revision, and so a report read all attempts
-- for each shot. It cannot take an index of `sent_at + 0` for that.
DROP INDEX by_time;
CREATE INDEX by_time ON attempts ((sent_at + 0));
