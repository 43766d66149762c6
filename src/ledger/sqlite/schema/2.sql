-- Schema 2: what callbacks and the gateway's own records add to an attempt.

-- The secret last part of the address at which the gateway may call about this attempt.
ALTER TABLE attempts ADD COLUMN token TEXT CHECK (length(token) = 32);
-- What the gateway says its task really cost: exact decimal text in its own currency. `money` goes
-- by the price.
ALTER TABLE attempts ADD COLUMN charge TEXT;
ALTER TABLE attempts ADD COLUMN charge_currency TEXT
  CHECK ((charge_currency IS NULL) = (charge IS NULL));
CREATE UNIQUE INDEX by_token ON attempts (token) WHERE token IS NOT NULL;

-- For people: as before, with the charge beside the price.
DROP VIEW results;
CREATE VIEW results AS
WITH told AS (
  SELECT r.*, a.task_id, a.charge, a.charge_currency,
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
  charge, charge_currency,
  task_id, coalesce(attempts, 0) AS attempts, clips,
  strftime('%Y-%m-%dT%H:%M:%S', submitted_at / 1000, 'unixepoch')
    || printf('.%03dZ', submitted_at % 1000) AS submitted_at,
  strftime('%Y-%m-%dT%H:%M:%S', completed_at / 1000, 'unixepoch')
    || printf('.%03dZ', completed_at % 1000) AS completed_at,
  strftime('%Y-%m-%dT%H:%M:%S', delivered_at / 1000, 'unixepoch')
    || printf('.%03dZ', delivered_at % 1000) AS delivered_at,
  urls, tags, request
FROM told ORDER BY current DESC, position, shot, revision;
