-- Hands over revisions that no worker has (`want` says which and how many), takes back what is given
-- back, and tells how the campaign stands. `seq` counts a worker's calls: one whose answer got lost is
-- asked for again, and answered with the same revisions.
CREATE OR REPLACE FUNCTION assign(me bigint, lease interval, seq bigint, want jsonb)
RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  w workers; p pots; run_ bigint; is_paused boolean; ended_ bigint[]; ids bigint[] := '{}'; more bigint[];
  returned bigint[]; gone text[]; silent text[]; room int; quota int; left_ bigint; under_cap bigint; pot_ bigint; is_idle_ boolean;
  most int; flight int; mates record; is_over_ boolean := false; waiting int := 0;
  is_new boolean; called record; heard jsonb := '[]'; met jsonb := '[]';
BEGIN
  returned := ARRAY(SELECT x::bigint FROM jsonb_array_elements(want->'returned') AS x);
  gone := ARRAY(SELECT x FROM jsonb_array_elements_text(want->'gone') AS x);
  -- What is handed over and forgotten is claimed in vain, so that no disk is waited for.
  IF returned = '{}' THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  w := locked(me);
  SELECT run, paused, pot INTO run_, is_paused, pot_ FROM campaigns WHERE id = w.campaign;
  PERFORM free_places(w.account, w.campaign, max_in_flight(w.account, me));
  -- It lives, however long nothing was heard of it: its machine may have slept.
  PERFORM bury(w.campaign, gone, me);
  UPDATE revisions SET worker = NULL WHERE id = ANY (returned) AND worker = me AND state <> 'submitting';
  IF want->'callbacks' <> '[]' THEN
    PERFORM note_callbacks(w.campaign, want->'callbacks', (want->>'max_named')::int);
  END IF;
  is_new := seq <> w.last_assignment;
  IF NOT is_new THEN
    ids := ARRAY(SELECT id FROM revisions WHERE id = ANY (w.assigned) AND worker = me);
  ELSE
    -- Those that have ended, and from which others may take what goes on.
    ended_ := ARRAY(SELECT id FROM workers
      WHERE campaign = w.campaign AND ended IS NOT NULL AND NOT is_settled);
    room := (want->>'purchases')::int; quota := (want->>'queued')::int; left_ := (want->>'left')::bigint;
    IF room > 0 THEN
      WITH picked AS (SELECT id FROM revisions WHERE campaign = w.campaign AND stage = 'bought'
          AND worker IS NULL LIMIT room FOR UPDATE SKIP LOCKED),
        taken AS (UPDATE revisions AS r SET worker = me, taken_up = run_ FROM picked
          WHERE r.id = picked.id RETURNING r.id)
      SELECT coalesce(array_agg(id), '{}') INTO more FROM taken;
      ids := ids || more; room := room - cardinality(more);
    END IF;
    IF room > 0 AND ended_ <> '{}' THEN
      WITH picked AS (SELECT id FROM revisions WHERE worker = ANY (ended_) AND stage = 'bought'
          AND state <> 'submitting' LIMIT room FOR UPDATE SKIP LOCKED),
        taken AS (UPDATE revisions AS r SET worker = me, taken_up = run_ FROM picked
          WHERE r.id = picked.id RETURNING r.id)
      SELECT coalesce(array_agg(id), '{}') INTO more FROM taken;
      ids := ids || more; room := room - cardinality(more);
    END IF;
    IF room > 0 THEN
      WITH picked AS (SELECT id FROM revisions WHERE campaign = w.campaign AND stage = 'stalled'
          AND worker IS NULL AND taken_up < run_ LIMIT room FOR UPDATE SKIP LOCKED),
        taken AS (UPDATE revisions AS r SET worker = me, taken_up = run_ FROM picked
          WHERE r.id = picked.id RETURNING r.id)
      SELECT coalesce(array_agg(id), '{}') INTO more FROM taken;
      ids := ids || more;
    END IF;
    IF (want->>'doubts')::boolean THEN
      WITH picked AS (SELECT id FROM revisions WHERE campaign = w.campaign AND stage = 'in_doubt'
          AND worker IS NULL AND taken_up < run_ FOR UPDATE SKIP LOCKED),
        taken AS (UPDATE revisions AS r SET worker = me, taken_up = run_ FROM picked
          WHERE r.id = picked.id RETURNING r.id)
      SELECT coalesce(array_agg(id), '{}') INTO more FROM taken;
      ids := ids || more;
    END IF;
    IF (want->>'failed')::boolean AND w.buys <> 'none' THEN
      WITH picked AS (SELECT id FROM revisions AS v WHERE campaign = w.campaign AND stage = 'failed'
          AND worker IS NULL AND taken_up < run_ AND current AND (w.buys = 'all' OR EXISTS
            (SELECT 1 FROM selections AS s WHERE s.worker = me AND s.position = v.position))
          FOR UPDATE SKIP LOCKED),
        taken AS (UPDATE revisions AS r SET worker = me, taken_up = run_ FROM picked
          WHERE r.id = picked.id RETURNING r.id)
      SELECT coalesce(array_agg(id), '{}') INTO more FROM taken;
      ids := ids || more;
    END IF;
    IF quota > 0 AND w.buys <> 'none' THEN
      ids := ids || next_up(me, w.campaign, run_, w.buys, ended_, quota, left_);
    END IF;
  END IF;
  IF EXISTS (SELECT 1 FROM callbacks WHERE campaign = w.campaign) THEN
    called := hear_callbacks(me, w.campaign, run_, seq, (want->>'hears')::boolean, is_new);
    ids := ids || called.taken; heard := called.heard;
  END IF;
  is_idle_ := (want->>'idle')::boolean;
  UPDATE workers SET lease_until = clock_timestamp() + lease, last_assignment = seq, assigned = ids,
      is_idle = is_idle_ AND ids = '{}' AND heard = '[]', failures = (want->>'failures')::int, late = (want->>'late')::int,
      accepted = coalesce((want->>'accepted')::int, 0), rejections = nullif(want->'rejections', 'null')
    WHERE id = me;
  SELECT count(*) FILTER (WHERE x.ended IS NULL) AS living,
      bool_and(x.is_idle OR x.ended IS NOT NULL) AS idle,
      coalesce(sum(x.failures) FILTER (WHERE x.id <> me), 0) AS failures,
      coalesce(sum(x.late) FILTER (WHERE x.id <> me AND x.ended IS NULL), 0) AS late,
      coalesce(sum(x.accepted) FILTER (WHERE x.id <> me), 0) AS accepted, sum(x.accepted) AS all_accepted,
      bool_or(x.rejections IS NOT NULL) AS are_rejected INTO mates
    FROM workers AS x WHERE x.campaign = w.campaign AND NOT x.is_visitor AND x.run = run_;
  IF mates.are_rejected THEN
    UPDATE workers SET rejected_after = mates.all_accepted WHERE id = me AND rejections IS NOT NULL;
    met := (SELECT coalesce(jsonb_agg(x.rejections ORDER BY x.id), '[]') FROM workers AS x
      WHERE x.campaign = w.campaign AND NOT x.is_visitor AND x.run = run_ AND x.id <> me
        AND x.rejections IS NOT NULL AND x.rejected_after = mates.all_accepted);
  END IF;
  SELECT * INTO p FROM pots WHERE id = pot_;
  IF is_idle_ THEN
    -- One in whose hands something waited for money that came free has not heard of it yet.
    under_cap := least(p.cap_micro - p.spent - p.reserved - CASE WHEN p.is_strict THEN p.unconfirmed ELSE 0 END,
      month_left(w.account, p.is_strict));
    is_over_ := ids = '{}' AND heard = '[]' AND coalesce(mates.idle, true) AND NOT EXISTS (SELECT 1 FROM revisions
      WHERE campaign = w.campaign AND stage = 'bought' AND worker IS DISTINCT FROM me)
      AND NOT EXISTS (SELECT 1 FROM workers AS x JOIN revisions AS r ON r.worker = x.id
        WHERE x.campaign = w.campaign AND NOT x.is_settled AND x.ended IS NULL AND x.id <> me
          AND r.current AND r.stage = 'queued' AND r.price_micro <= under_cap);
    -- Counted only once: among a million that takes long.
    waiting := CASE w.buys WHEN 'none' THEN 0 WHEN 'some' THEN
        (SELECT count(*) FROM selections AS s JOIN revisions AS r ON r.campaign = w.campaign AND r.current
          AND r.position = s.position
          WHERE s.worker = me AND r.stage = 'queued' AND r.worker IS DISTINCT FROM me)
      ELSE (SELECT count(*) FROM (SELECT 1 FROM revisions WHERE campaign = w.campaign AND current
          AND stage = 'queued' AND worker IS NULL LIMIT CASE WHEN NOT is_over_ THEN 1 END) AS free)
        + (SELECT count(*) FROM revisions AS r JOIN workers AS x ON x.id = r.worker
          WHERE x.campaign = w.campaign AND (x.ended IS NULL OR NOT x.is_settled) AND x.id <> me
            AND r.current AND r.stage = 'queued') END;
  END IF;
  silent := ARRAY(SELECT place FROM workers WHERE campaign = w.campaign AND id <> me AND NOT is_settled
    AND lease_until < clock_timestamp() + lease - interval '3 seconds');
  SELECT in_flight INTO flight FROM accounts WHERE id = w.account;
  most := max_in_flight(w.account, me);
  RETURN json_build_object('ids', ids, 'callbacks', heard, 'rejections', met,
    'accepted', mates.accepted, 'spent', p.spent, 'reserved', p.reserved,
    'unconfirmed', p.unconfirmed, 'cap', p.cap_micro, 'strict', p.is_strict,
    'places', CASE WHEN most IS NOT NULL THEN greatest(most - flight, 0) END,
    'workers', mates.living + w.is_visitor::int, 'paused', is_paused, 'failures', mates.failures,
    'late', mates.late, 'over', is_over_, 'waiting', waiting,
    'attempts', p.attempts, 'movements', p.movements, 'month_left', month_left(w.account, p.is_strict), 'silent', silent)::text;
END $$;

-- Hands over the best queued revisions that a worker may buy and whose price fits.
CREATE OR REPLACE FUNCTION next_up(
  me bigint, camp int, run_ bigint, buys text, ended_ bigint[], quota int, left_ bigint
) RETURNS bigint[] LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  picked bigint[];
BEGIN
  IF buys = 'some' THEN
    picked := ARRAY(SELECT r.id FROM selections AS s
      JOIN revisions AS r ON r.campaign = camp AND r.current AND r.position = s.position
      WHERE s.worker = me AND r.stage = 'queued' AND (r.worker IS NULL OR r.worker = ANY (ended_))
        AND (left_ IS NULL OR r.price_micro <= left_)
      ORDER BY r.probed, r.priority DESC, r.position LIMIT quota);
  ELSIF ended_ <> '{}' THEN
    picked := ARRAY(SELECT id FROM (
        (SELECT id, probed, priority, position FROM revisions WHERE campaign = camp AND current
          AND stage = 'queued' AND worker IS NULL AND (left_ IS NULL OR price_micro <= left_)
          ORDER BY probed, priority DESC, position LIMIT quota)
        UNION ALL
        (SELECT id, probed, priority, position FROM revisions WHERE worker = ANY (ended_) AND current
          AND stage = 'queued' AND (left_ IS NULL OR price_micro <= left_)
          ORDER BY probed, priority DESC, position LIMIT quota)) AS both_
      ORDER BY probed, priority DESC, position LIMIT quota);
  ELSE
    -- One look at the cheapest tells whether any fits, however many there are.
    IF left_ IS NOT NULL AND NOT coalesce((SELECT price_micro FROM revisions WHERE campaign = camp
        AND current AND stage = 'queued' AND worker IS NULL ORDER BY price_micro LIMIT 1) <= left_, false) THEN
      RETURN '{}';
    END IF;
    WITH free AS (SELECT id FROM revisions WHERE campaign = camp AND current AND stage = 'queued'
        AND worker IS NULL AND (left_ IS NULL OR price_micro <= left_)
        ORDER BY probed, priority DESC, position LIMIT quota FOR UPDATE SKIP LOCKED),
      taken AS (UPDATE revisions AS r SET worker = me, taken_up = run_ FROM free
        WHERE r.id = free.id RETURNING r.id)
    SELECT coalesce(array_agg(id), '{}') INTO picked FROM taken;
    RETURN picked;
  END IF;
  WITH free AS (SELECT id FROM revisions WHERE id = ANY (picked) AND current AND stage = 'queued'
      AND (worker IS NULL OR worker = ANY (ended_)) FOR UPDATE SKIP LOCKED),
    taken AS (UPDATE revisions AS r SET worker = me, taken_up = run_ FROM free
      WHERE r.id = free.id RETURNING r.id)
  SELECT coalesce(array_agg(id), '{}') INTO picked FROM taken;
  RETURN picked;
END $$;

-- Takes one revision into a worker's hands, unless another is at it, or will be. Answers whether.
CREATE OR REPLACE FUNCTION take(me bigint, lease interval, rev bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  w workers; r revisions; is_anyones boolean;
BEGIN
  w := enter(me, lease);
  PERFORM bury(w.campaign, '{}');
  SELECT * INTO r FROM revisions WHERE id = rev AND campaign = w.campaign FOR NO KEY UPDATE;
  IF r.id IS NULL THEN
    RETURN false;
  ELSIF r.worker = me THEN
    RETURN true;
  END IF;
  is_anyones := r.worker IS NULL OR is_free(r.worker, r.state);
  IF r.stage = 'bought' THEN
    is_anyones := is_anyones AND NOT EXISTS (SELECT 1 FROM workers AS x
      WHERE x.campaign = w.campaign AND NOT x.is_settled AND x.ended IS NULL AND NOT x.is_visitor AND x.id <> me);
  ELSIF r.stage <> 'queued' THEN
    is_anyones := true;
  END IF;
  IF is_anyones THEN
    UPDATE revisions SET worker = me WHERE id = rev;
    -- What a visitor says counts from now on for what it took, and only while it has that.
    UPDATE workers SET is_idle = false, buys = CASE WHEN is_visitor THEN 'none' ELSE buys END WHERE id = me;
  END IF;
  RETURN is_anyones;
END $$;
