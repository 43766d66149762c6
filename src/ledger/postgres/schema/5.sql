-- Schema 5: the latest attempt of a shot is found among its own. Never edited once shipped.

-- An index of the bare time was taken for `max(sent_at)` of one revision, and so all attempts were read for
-- each shot of a report. A sum is not taken for that.
DROP INDEX by_time;
CREATE INDEX by_time ON attempts ((sent_at + 0));
