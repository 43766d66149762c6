-- Hands out moments of the account's line at which this worker's requests may leave: each of them
-- (window + margin) / count after the one before, whoever has them, by the strictest rate of the
-- account and of its living workers. Not synced: a server that crashed has another start time, and
-- begins the line anew when every moment that it may have forgotten is over.
CREATE OR REPLACE FUNCTION slots(
  me bigint, what text, wanted int, reach interval, quiet interval, halvings int, recovered boolean, anew boolean,
  OUT now_us bigint, OUT first_us bigint, OUT every_us bigint, OUT count_ int, OUT level_ int,
  OUT quiet_us bigint, OUT margin int
) LANGUAGE plpgsql AS $$
DECLARE
  acc int; ended_ text; p pace; at timestamptz; first_ timestamptz; every interval; end_ timestamptz;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT account, ended INTO acc, ended_ FROM workers WHERE id = me;
  IF acc IS NULL THEN
    RAISE EXCEPTION 'the database does not know this worker any more' USING ERRCODE = 'RU002';
  ELSIF ended_ IS NOT NULL THEN
    RAISE EXCEPTION 'this worker was given up' USING ERRCODE = 'RU001';
  END IF;
  SELECT * INTO p FROM pace WHERE account = acc AND traffic = what FOR NO KEY UPDATE;
  IF p.account IS NULL THEN
    INSERT INTO pace (account, traffic, last_slot, server_started)
      VALUES (acc, what, '-infinity', pg_postmaster_start_time()) ON CONFLICT DO NOTHING;
    SELECT * INTO p FROM pace WHERE account = acc AND traffic = what FOR NO KEY UPDATE;
  END IF;
  -- Behind the wait for the row, because others took their moments meanwhile.
  at := clock_timestamp();
  -- Told twice, or by two workers, it is halved as often.
  p.level := least(5, greatest(halvings, p.level - (recovered AND halvings = 0)::int));
  IF quiet > interval '0' THEN
    p.quiet_until := greatest(p.quiet_until, at + quiet);
  END IF;
  SELECT a.margin_ms INTO margin FROM accounts AS a WHERE a.id = acc;
  -- A long window has room for a wider margin at no cost: of a minute it is 150 ms.
  SELECT ceil(max(1000.0 * (rates.ms + greatest(margin, rates.ms / 400)) / rates.n) * (1 << p.level))
      * interval '1 microsecond', coalesce(min(greatest(margin, rates.ms / 400)), margin)
    INTO every, margin FROM (
      SELECT CASE what WHEN 'posts' THEN a.rate_window_ms ELSE a.poll_rate_window_ms END AS ms,
          CASE what WHEN 'posts' THEN a.rate_count ELSE a.poll_rate_count END AS n
        FROM accounts AS a WHERE a.id = acc
      UNION ALL
      SELECT CASE what WHEN 'posts' THEN x.rate_window_ms ELSE x.poll_rate_window_ms END,
          CASE what WHEN 'posts' THEN x.rate_count ELSE x.poll_rate_count END
        FROM workers AS x WHERE x.account = acc AND x.ended IS NULL AND NOT x.is_visitor
          AND (x.lease_until > at OR x.id = me)) AS rates WHERE rates.n IS NOT NULL;
  every := coalesce(every, interval '1 second');
  end_ := at + reach;
  -- Moments may have been forgotten, or given by another clock: all of them pass first.
  IF anew OR p.server_started <> pg_postmaster_start_time() OR p.last_slot > end_ THEN
    p.last_slot := end_;
  END IF;
  first_ := greatest(p.last_slot + every, p.quiet_until, at);
  count_ := least(wanted, greatest(0, ceil(extract(epoch FROM end_ - first_) / extract(epoch FROM every))))::int;
  IF count_ > 0 THEN
    p.last_slot := first_ + (count_ - 1) * every;
  END IF;
  UPDATE pace SET last_slot = p.last_slot, quiet_until = p.quiet_until, level = p.level,
    server_started = pg_postmaster_start_time() WHERE account = acc AND traffic = what;
  now_us := (extract(epoch FROM at) * 1000000)::bigint;
  first_us := (extract(epoch FROM first_) * 1000000)::bigint;
  every_us := (extract(epoch FROM every) * 1000000)::bigint;
  quiet_us := CASE WHEN isfinite(p.quiet_until) THEN (extract(epoch FROM p.quiet_until) * 1000000)::bigint ELSE now_us END;
  level_ := p.level;
END $$;
