-- Whose earlier attempt of the campaign has the task of this one. (A sum stands where an id would do,
-- so that the server looks the task up and does not walk along the ids.)
CREATE OR REPLACE FUNCTION task_first_of(mine_ bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT had.shot FROM attempts AS mine
    JOIN attempts AS first ON first.campaign = mine.campaign AND md5(first.task_id) = md5(mine.task_id)
      AND first.task_id = mine.task_id AND first.id + 0 < mine.id
    JOIN revisions AS had ON had.id = first.revision
  WHERE mine.id = mine_ ORDER BY first.id + 0 LIMIT 1 $$;

CREATE OR REPLACE FUNCTION write_files(rev bigint, fs jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO files (revision, part, path, bytes, sha256, millis, width, height, sound, unread)
    SELECT rev, f.part, f.path, f.bytes, decode(f.sha256, 'hex'), f.millis, f.width, f.height, f.sound, f.unread
    FROM jsonb_to_recordset(fs) AS f(part bigint, path text, bytes bigint, sha256 text, millis bigint,
      width bigint, height bigint, sound boolean, unread text)
  ON CONFLICT (revision, part) DO UPDATE SET path = excluded.path, bytes = excluded.bytes,
    sha256 = excluded.sha256, millis = excluded.millis, width = excluded.width, height = excluded.height,
    sound = excluded.sound, unread = excluded.unread;
END $$;

-- An attempt's task turned out to be another's: from now on it is the latest of the former ones.
CREATE OR REPLACE FUNCTION refute(attempt_ bigint, task text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE attempts SET task_id = nullif(task_id, task),
      former_tasks = ((coalesce(former_tasks, '[]')::jsonb - task) || to_jsonb(task))::text
    WHERE id = attempt_;
END $$;

-- Whether a purchase in this state has a place in flight.
CREATE OR REPLACE FUNCTION takes_place(state text, why text, is_late boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT state = 'submitting' OR (state = 'rendering' AND why IS NULL AND NOT is_late) $$;

-- Whether a revision in this state, in a worker's hands, is to be had all the same: the worker has ended,
-- and nothing that it sent about it can be on the wire.
CREATE OR REPLACE FUNCTION is_free(worker_ bigint, state text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM workers WHERE id = worker_ AND ended IS NOT NULL
    AND (state <> 'submitting' OR is_settled OR lease_until + post_lasts < clock_timestamp()));
END $$;

-- Holds a campaign's money and its account to the end of the transaction: no other worker of the account
-- buys meanwhile. `mp` and `month`: the money of this month, where that has a cap.
CREATE OR REPLACE FUNCTION hold_money(
  pot_ bigint, acc int, OUT p pots, OUT mp pots, OUT month bigint, OUT month_cap bigint, OUT flight int
) LANGUAGE plpgsql AS $$
BEGIN
  SELECT * INTO p FROM pots WHERE id = pot_ FOR NO KEY UPDATE;
  SELECT in_flight, month_cap_micro INTO flight, month_cap FROM accounts WHERE id = acc FOR NO KEY UPDATE;
  IF month_cap IS NOT NULL THEN
    month := month_pot(acc);
    SELECT * INTO mp FROM pots WHERE id = month;
  END IF;
END $$;

-- A batch of commits, in order, in one statement that commits by itself. Each commit checks before it
-- writes: what is refused has written nothing. `seq` counts a worker's batches: one whose answer got
-- lost is asked for again, and answered as it was. `moves` says whether it may move money or a place:
-- then the pot and the account are locked before anything else.
--
-- Every statement in it stands as it is, so that it is planned once for a connection.
CREATE OR REPLACE FUNCTION batch(me bigint, seq bigint, lease interval, moves boolean, commits jsonb)
RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  w workers; p pots; mp pots; month_ bigint; month_cap bigint; r record; c record; change record; h record; reply text; verdicts text[]; verdict text;
  is_locked boolean := false; is_mine boolean; is_written boolean; pot_ bigint; flight int; had int;
  most int; fresh bigint; held text; from_ text; to_ text; cost bigint; about bigint[]; one bigint; origin_ int; address_ text := '';
  key_account text := '';
BEGIN
  w := locked(me);
  IF seq = w.last_batch THEN
    UPDATE workers SET lease_until = clock_timestamp() + lease WHERE id = me;
    RETURN w.last_answer;
  ELSIF seq <> w.last_batch + 1 THEN
    RAISE EXCEPTION 'batch % follows %', seq, w.last_batch USING ERRCODE = 'RU002';
  END IF;
  SELECT pot INTO pot_ FROM campaigns WHERE id = w.campaign;
  most := max_in_flight(w.account, me);
  -- From here to the commit no other worker of the account buys.
  IF moves THEN
    h := hold_money(pot_, w.account);
    p := h.p; mp := h.mp; month_ := h.month; month_cap := h.month_cap; had := h.flight; flight := had;
    is_locked := true;
  END IF;
  FOR c IN SELECT * FROM jsonb_to_recordset(commits) AS x(
    k text, r bigint, t bigint, f jsonb,
    -- The state from now on.
    state text, attempt bigint, failure text, failure_kind text, why text, since bigint,
    completed_at bigint, urls text, keeps boolean, delivered_at bigint, refusals int, resubmits int,
    rerolls int, probed boolean, waiting boolean,
    -- What changes about an attempt (`a`), and about others likewise.
    a bigint, acc text, o text, said text, answer text, task text, refuted text, also jsonb,
    -- The attempt to be made.
    before text, price bigint, charged boolean, key text, key_on_wire boolean, address text,
    account text, wire text,
    -- What an attempt really cost.
    amount text, currency text)
  LOOP
    verdict := 'null'; is_written := true;
    SELECT v.id, v.state, v.attempt, v.why, v.is_late, v.current, v.worker INTO r FROM revisions AS v
      WHERE v.id = c.r AND v.campaign = w.campaign FOR NO KEY UPDATE;
    is_mine := r.worker IS NOT DISTINCT FROM me
      OR (w.is_visitor AND w.buys = 'all' AND (r.worker IS NULL OR is_free(r.worker, r.state)));
    IF NOT is_locked AND (c.k = 'late' OR (c.state IS NOT NULL AND takes_place(r.state, r.why, r.is_late)
        <> takes_place(c.state, c.why, false))) THEN
      h := hold_money(pot_, w.account);
      p := h.p; mp := h.mp; month_ := h.month; month_cap := h.month_cap; had := h.flight; flight := had;
      is_locked := true;
    END IF;
    CASE c.k
    WHEN 'claim', 'adopt' THEN
      is_written := false;
      IF c.price < 0 THEN
        verdict := json_build_object('no', 'a negative price was claimed');
      ELSIF r.id IS NOT NULL AND NOT is_mine AND NOT (c.k = 'adopt' AND r.worker IS NULL) THEN
        verdict := '"gone"';
      ELSIF r.id IS NULL OR NOT r.current OR r.state <> c.before THEN
        verdict := CASE WHEN w.is_visitor THEN json_build_object('no', CASE c.k
            WHEN 'adopt' THEN format('revision %s was adopted but is not a new one', c.r)
            ELSE format('revision %s was claimed but is not a %s current one', c.r, c.before) END)::text
          ELSE '"gone"' END;
      ELSIF c.k = 'adopt' AND EXISTS (SELECT 1 FROM attempts AS t WHERE t.revision = c.r) THEN
        verdict := json_build_object('no', format('revision %s was adopted but is not a new one', c.r));
      ELSIF c.k = 'claim' AND p.cap_micro IS NOT NULL AND (c.price IS NULL OR c.price > p.cap_micro
          - p.spent - p.reserved - CASE WHEN p.is_strict THEN p.unconfirmed ELSE 0 END) THEN
        verdict := '"over"';
      ELSIF c.k = 'claim' AND month_cap IS NOT NULL AND (c.price IS NULL OR c.price > month_cap
          - mp.spent - mp.reserved - CASE WHEN p.is_strict THEN mp.unconfirmed ELSE 0 END) THEN
        verdict := '"over"';
      ELSIF c.k = 'claim' AND flight >= most THEN
        verdict := '"full"';
      ELSE
        IF (c.address, c.account) IS DISTINCT FROM (address_, key_account) THEN
          address_ := c.address; key_account := c.account; origin_ := NULL;
          IF c.address <> '' THEN
            SELECT n.id INTO origin_ FROM origins AS n WHERE n.address = c.address AND n.account = c.account;
            IF origin_ IS NULL THEN
              INSERT INTO origins (address, account) VALUES (c.address, c.account)
                ON CONFLICT (address, account) DO UPDATE SET address = excluded.address
                RETURNING id INTO origin_;
            END IF;
          END IF;
        END IF;
        held := CASE c.k WHEN 'adopt' THEN 'spent' ELSE 'reserved' END;
        INSERT INTO attempts (campaign, revision, number, worker, batch, price_micro, charged_if_failed,
            sent_at, answered_at, outcome, token, key_on_wire, origin, wire, account, month_pot)
          VALUES (w.campaign, c.r, (SELECT coalesce(max(t.number), 0) + 1 FROM attempts AS t
              WHERE t.revision = c.r), me, seq, c.price, c.charged, c.t,
            CASE held WHEN 'spent' THEN c.t END, CASE held WHEN 'spent' THEN 'adopted' END,
            c.key, c.key_on_wire, origin_, c.wire, held, month_)
          RETURNING id INTO fresh;
        p.attempts := p.attempts + 1;
        IF c.price > 0 THEN
          INSERT INTO money (campaign, attempt, at, account, micro)
            VALUES (w.campaign, fresh, c.t, held, c.price);
          p.movements := p.movements + 1;
          IF held = 'spent' THEN p.spent := p.spent + c.price; mp.spent := mp.spent + c.price;
          ELSE p.reserved := p.reserved + c.price; mp.reserved := mp.reserved + c.price; END IF;
        END IF;
        c.attempt := fresh; is_written := true; verdict := fresh::text;
      END IF;
    WHEN 'write', 'earlier' THEN
      IF r.id IS NULL AND c.k = 'write' THEN
        verdict := json_build_object('no', format('there is no revision %s', c.r)); is_written := false;
      ELSIF c.a IS NOT NULL THEN
        about := ARRAY[c.a];
        IF c.also IS NOT NULL THEN
          about := about || ARRAY(SELECT x::bigint FROM jsonb_array_elements(c.also) AS x);
          -- One that is not the revision's comes first: then nothing is written.
          about := ARRAY(SELECT x FROM unnest(about) AS x
            LEFT JOIN attempts AS t ON t.id = x AND t.revision = c.r ORDER BY t.id NULLS FIRST);
        END IF;
        FOREACH one IN ARRAY about LOOP
          SELECT t.revision, t.account, coalesce(t.price_micro, 0) AS cost, t.task_id IS NOT NULL AS has_task,
              coalesce(t.task_id = c.task, false) AS is_known, t.month_pot
            INTO change FROM attempts AS t WHERE t.id = one;
          IF change.revision IS DISTINCT FROM c.r THEN
            verdict := json_build_object('no', format('attempt %s is not one of revision %s', one, c.r));
            is_written := false;
            EXIT;
          END IF;
          to_ := c.acc;
          IF c.k = 'write' AND NOT is_mine THEN
            -- The news of a worker that this one is taken from: first-hand, it says what became of its
            -- own request.
            -- One that waits to be bought is bought already, unless that task has ended since.
            is_written := c.o IS NOT NULL AND ((r.state IN ('submitting', 'in_doubt') AND r.attempt = c.a)
              OR (r.state = 'queued' AND c.o = 'bought' AND NOT change.is_known));
            IF c.o IS NULL THEN
              EXIT;
            ELSIF is_written THEN
              NULL;
            ELSIF c.o = 'bought' THEN
              to_ := CASE WHEN change.account = 'released' AND NOT change.is_known THEN 'reserved'
                ELSE change.account END;
            ELSIF change.account <> 'reserved' OR change.has_task THEN
              to_ := change.account;
            END IF;
          END IF;
          UPDATE attempts AS t SET account = to_, outcome = coalesce(t.outcome, c.o),
              why = coalesce(t.why, c.said), answer = coalesce(t.answer, c.answer),
              answered_at = CASE WHEN c.o IS NULL THEN t.answered_at ELSE coalesce(t.answered_at, c.t) END,
              task_id = CASE WHEN is_written AND one = c.a THEN coalesce(c.task, t.task_id)
                WHEN one = c.a THEN coalesce(t.task_id, c.task) ELSE t.task_id END,
              former_tasks = CASE WHEN is_written AND one = c.a AND t.task_id <> c.task
                THEN (coalesce(t.former_tasks, '[]')::jsonb || to_jsonb(t.task_id))::text
                ELSE t.former_tasks END
            WHERE t.id = one;
          IF is_written AND c.refuted IS NOT NULL THEN
            PERFORM refute(one, c.refuted);
          END IF;
          from_ := change.account; cost := change.cost;
          IF from_ <> to_ AND cost <> 0 THEN
            IF NOT is_locked THEN
              h := hold_money(pot_, w.account);
              p := h.p; mp := h.mp; month_ := h.month; month_cap := h.month_cap; had := h.flight; flight := had;
              is_locked := true;
            END IF;
            INSERT INTO money (campaign, attempt, at, account, micro)
              SELECT w.campaign, one, c.t, m.account, m.micro
              FROM (VALUES (from_, -cost), (to_, cost)) AS m(account, micro) WHERE m.account <> 'released';
            p.movements := p.movements + (from_ <> 'released')::int + (to_ <> 'released')::int;
            p.spent := p.spent + CASE 'spent' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END;
            p.reserved := p.reserved + CASE 'reserved' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END;
            p.unconfirmed := p.unconfirmed
              + CASE 'unconfirmed' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END;
            -- It stays in the month in which it was claimed.
            IF change.month_pot = month_ THEN
              mp.spent := mp.spent + CASE 'spent' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END;
              mp.reserved := mp.reserved
                + CASE 'reserved' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END;
              mp.unconfirmed := mp.unconfirmed
                + CASE 'unconfirmed' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END;
            ELSIF change.month_pot IS NOT NULL THEN
              UPDATE pots AS m SET
                spent = m.spent + CASE 'spent' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END,
                reserved = m.reserved + CASE 'reserved' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END,
                unconfirmed = m.unconfirmed
                  + CASE 'unconfirmed' WHEN to_ THEN cost WHEN from_ THEN -cost ELSE 0 END
                WHERE m.id = change.month_pot;
            END IF;
          END IF;
        END LOOP;
        IF is_written AND is_mine AND c.o = 'bought' AND c.k = 'write' THEN
          verdict := coalesce((SELECT json_build_object('first', had_it.shot)::text
            FROM attempts AS first JOIN revisions AS had_it ON had_it.id = first.revision
            WHERE first.campaign = w.campaign AND md5(first.task_id) = md5(c.task)
              AND first.task_id = c.task AND first.id + 0 < c.a ORDER BY first.id + 0 LIMIT 1), 'null');
        END IF;
      ELSE
        is_written := is_mine OR c.k = 'earlier';
      END IF;
      IF c.k = 'write' AND r.id IS NOT NULL AND NOT is_mine AND verdict = 'null' THEN
        verdict := '"gone"';
      END IF;
    WHEN 'late' THEN
      is_written := false;
      IF NOT is_mine THEN
        verdict := '"gone"';
      ELSIF takes_place(r.state, r.why, r.is_late) THEN
        UPDATE revisions SET is_late = true WHERE id = c.r;
        flight := flight - 1;
      END IF;
    WHEN 'charge' THEN
      is_written := false;
      UPDATE attempts AS t SET charge = c.amount, charge_currency = c.currency
        WHERE t.id = c.a AND t.campaign = w.campaign;
    END CASE;
    IF is_written AND c.state IS NOT NULL THEN
      UPDATE revisions AS v SET
          state = c.state, attempt = c.attempt, failure = c.failure, failure_kind = c.failure_kind,
          why = c.why, since = c.since,
          completed_at = CASE WHEN c.keeps THEN v.completed_at ELSE c.completed_at END,
          urls = CASE WHEN c.keeps THEN v.urls ELSE c.urls END,
          delivered_at = coalesce(v.delivered_at, c.delivered_at),
          refusals = c.refusals, resubmits = c.resubmits, rerolls = c.rerolls,
          probed = coalesce(c.probed, false), waiting = coalesce(c.waiting, false), is_late = false,
          price_micro = CASE WHEN c.k = 'write' THEN v.price_micro ELSE c.price END,
          worker = CASE WHEN c.k = 'claim' OR (v.worker = me AND c.state <> 'delivered') THEN me END
        WHERE v.id = c.r;
      flight := flight - takes_place(r.state, r.why, r.is_late)::int
        + takes_place(c.state, c.why, false)::int;
    END IF;
    IF is_written AND c.f IS NOT NULL THEN
      PERFORM write_files(c.r, c.f);
    END IF;
    verdicts := verdicts || verdict;
  END LOOP;
  IF is_locked THEN
    UPDATE pots SET spent = p.spent, reserved = p.reserved, unconfirmed = p.unconfirmed,
      attempts = p.attempts, movements = p.movements WHERE id = pot_;
    IF month_ IS NOT NULL THEN
      UPDATE pots SET spent = mp.spent, reserved = mp.reserved, unconfirmed = mp.unconfirmed
        WHERE id = month_;
    END IF;
    IF flight <> had THEN
      UPDATE accounts SET in_flight = flight WHERE id = w.account;
    END IF;
  ELSE
    SELECT * INTO p FROM pots WHERE id = pot_;
    SELECT in_flight INTO flight FROM accounts WHERE id = w.account;
  END IF;
  reply := json_build_object('v', ('[' || coalesce(array_to_string(verdicts, ','), '') || ']')::json,
    'spent', p.spent, 'reserved', p.reserved,
    'unconfirmed', p.unconfirmed, 'attempts', p.attempts, 'movements', p.movements,
    'cap', p.cap_micro, 'strict', p.is_strict, 'places', CASE WHEN most IS NOT NULL THEN greatest(most - flight, 0) END,
    'month_left', month_left(w.account, p.is_strict))::text;
  UPDATE workers SET lease_until = clock_timestamp() + lease, last_batch = seq, last_answer = reply
    WHERE id = me;
  RETURN reply;
END $$;
