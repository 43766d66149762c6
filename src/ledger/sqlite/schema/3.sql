-- Schema 3: what clips turned out to be, and which shots belong together.

-- Read from the clip; all NULL in rows of an older version, which did not look.
ALTER TABLE files ADD COLUMN millis INTEGER CHECK (millis >= 0);
ALTER TABLE files ADD COLUMN width INTEGER CHECK (width >= 0);
ALTER TABLE files ADD COLUMN height INTEGER CHECK (height >= 0);
ALTER TABLE files ADD COLUMN sound INTEGER CHECK (sound IN (0, 1));
ALTER TABLE files ADD COLUMN unread TEXT;               -- why it cannot be read
-- The id of the manifest's entry that the shot comes from.
ALTER TABLE revisions ADD COLUMN entry TEXT;
-- What tells it from the entry's other shots: a JSON object of texts; NULL: it is the only one.
ALTER TABLE revisions ADD COLUMN variant TEXT;

-- For people: as before, with both. Length, size and sound are those of the first clip.
DROP VIEW results;
CREATE VIEW results AS
WITH told AS (
  SELECT r.*, a.task_id, a.charge, a.charge_currency, f.millis, f.width, f.height, f.sound,
    CASE WHEN r.attempt IS NULL THEN r.price_micro ELSE a.price_micro END AS micro,
    (SELECT max(number) FROM attempts WHERE revision = r.id) AS attempts,
    (SELECT max(sent_at) FROM attempts WHERE revision = r.id) AS submitted_at,
    (SELECT group_concat(path, ' ') FROM files WHERE revision = r.id) AS clips
  FROM revisions AS r
    LEFT JOIN attempts AS a ON a.id = r.attempt
    LEFT JOIN files AS f ON f.revision = r.id AND f.part = 1
)
SELECT shot, number AS revision, current, state, failure, why, model,
  CASE WHEN micro = 0 THEN '0'
       WHEN micro % 10000 = 0 THEN printf('%d.%02d', micro / 1000000, micro % 1000000 / 10000)
       WHEN micro % 100 = 0 THEN printf('%d.%04d', micro / 1000000, micro % 1000000 / 100)
       WHEN micro IS NOT NULL THEN printf('%d.%06d', micro / 1000000, micro % 1000000)
  END AS price,
  charge, charge_currency,
  task_id, coalesce(attempts, 0) AS attempts, clips,
  millis / 1000.0 AS seconds, width, height, sound,
  strftime('%Y-%m-%dT%H:%M:%S', submitted_at / 1000, 'unixepoch')
    || printf('.%03dZ', submitted_at % 1000) AS submitted_at,
  strftime('%Y-%m-%dT%H:%M:%S', completed_at / 1000, 'unixepoch')
    || printf('.%03dZ', completed_at % 1000) AS completed_at,
  strftime('%Y-%m-%dT%H:%M:%S', delivered_at / 1000, 'unixepoch')
    || printf('.%03dZ', delivered_at % 1000) AS delivered_at,
  urls, tags, entry, variant, request
FROM told ORDER BY current DESC, position, shot, revision;
