-- What changes a campaign. Made anew by every version of the program that has the same schema: they
-- keep nothing.
--
-- Errors that the program knows by their code: RU001, this worker was given up; RU002, the database
-- knows less than it had confirmed.

-- A worker joins a campaign, which is made if it is new. Answers its number, or who works on it.
CREATE OR REPLACE FUNCTION join_campaign(
  account_name text, kind_ text, campaign_name text, new_id text, who_ text, place_ text,
  gone text[], program_ text, lease interval, post_lasts_ interval, at bigint
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  acc int; c campaigns; w workers; fresh bigint; until timestamptz; first_batch bigint;
BEGIN
  INSERT INTO accounts (name, kind) VALUES (account_name, kind_) ON CONFLICT DO NOTHING;
  SELECT id INTO acc FROM accounts WHERE name = account_name AND kind = kind_ FOR UPDATE;
  SELECT * INTO c FROM campaigns WHERE account = acc AND name = campaign_name;
  IF c.id IS NULL THEN
    WITH pot AS (INSERT INTO pots DEFAULT VALUES RETURNING id)
    INSERT INTO campaigns (account, name, pot, ledger_id, created_at, created_by)
      SELECT acc, campaign_name, pot.id, new_id, at, program_ FROM pot RETURNING * INTO c;
  END IF;
  -- A process of this machine that is gone for certain has no POST on the wire either.
  UPDATE workers SET ended = 'left'
    WHERE campaign = c.id AND (ended IS NULL OR ended = 'lapsed') AND place = ANY (gone);
  UPDATE workers SET ended = 'lapsed'
    WHERE campaign = c.id AND ended IS NULL AND lease_until < clock_timestamp();
  SELECT * INTO w FROM workers WHERE campaign = c.id AND ended IS NULL LIMIT 1;
  IF w.id IS NOT NULL THEN
    RETURN jsonb_build_object('busy', w.who,
      'silent_s', trunc(extract(epoch FROM clock_timestamp() - (w.lease_until - lease)))::bigint);
  END IF;
  -- What a silent worker sent may still be on the wire, and must not be taken for in doubt before
  -- its answer could have come.
  SELECT max(w2.lease_until + w2.post_lasts) INTO until FROM workers AS w2
    WHERE w2.campaign = c.id AND w2.ended = 'lapsed' AND EXISTS (
      SELECT 1 FROM revisions AS r JOIN attempts AS a ON a.id = r.attempt
      WHERE r.campaign = c.id AND r.state = 'submitting' AND a.worker = w2.id);
  IF until > clock_timestamp() THEN
    RETURN jsonb_build_object('wire_s', ceil(extract(epoch FROM until - clock_timestamp()))::bigint);
  END IF;
  -- It counts its batches from a random number: a copy of this database that forgot it would give its
  -- id to another worker, and must not take the one for the other.
  first_batch := ('x' || substr(md5(gen_random_uuid()::text), 1, 15))::bit(60)::bigint;
  INSERT INTO workers (campaign, who, place, program, joined_at, lease_until, post_lasts, last_batch)
    VALUES (c.id, who_, place_, program_, clock_timestamp(), clock_timestamp() + lease, post_lasts_, first_batch)
    RETURNING id INTO fresh;
  RETURN jsonb_build_object('worker', fresh, 'campaign', c.id, 'pot', c.pot, 'ledger_id', c.ledger_id,
    'batch', first_batch);
END $$;

-- Renews a worker's lease, unless it was given up. Its row stays locked to the end of the transaction:
-- no other worker gives it up meanwhile.
CREATE OR REPLACE FUNCTION enter(me bigint, lease interval) RETURNS workers LANGUAGE plpgsql AS $$
DECLARE
  w workers;
BEGIN
  SELECT * INTO w FROM workers WHERE id = me FOR NO KEY UPDATE;
  IF w.id IS NULL THEN
    RAISE EXCEPTION 'the database does not know this worker any more' USING ERRCODE = 'RU002';
  ELSIF w.ended IS NOT NULL THEN
    RAISE EXCEPTION 'this worker was given up' USING ERRCODE = 'RU001';
  END IF;
  UPDATE workers SET lease_until = clock_timestamp() + lease WHERE id = me;
  RETURN w;
END $$;

-- Whose earlier attempt of the campaign has the task of this one.
CREATE OR REPLACE FUNCTION task_first_of(mine_ bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT had.shot FROM attempts AS mine
    JOIN attempts AS first ON first.campaign = mine.campaign AND md5(first.task_id) = md5(mine.task_id)
      AND first.task_id = mine.task_id AND first.id < mine.id
    JOIN revisions AS had ON had.id = first.revision
  WHERE mine.id = mine_ ORDER BY first.id LIMIT 1 $$;

-- Writes a revision's state. Answers whether there is such a revision in the campaign.
CREATE OR REPLACE FUNCTION write_state(camp int, rev bigint, s jsonb, attempt_ bigint, claimed boolean, price bigint)
RETURNS boolean LANGUAGE sql AS $$
  WITH written AS (
    UPDATE revisions SET
      state = s->>'state', attempt = attempt_, failure = s->>'failure', failure_kind = s->>'failure_kind',
      why = s->>'why', since = (s->>'since')::bigint,
      completed_at = CASE WHEN s ? 'keeps' THEN completed_at ELSE (s->>'completed_at')::bigint END,
      urls = CASE WHEN s ? 'keeps' THEN urls ELSE s->>'urls' END,
      delivered_at = coalesce(delivered_at, (s->>'delivered_at')::bigint),
      refusals = (s->>'refusals')::int, resubmits = (s->>'resubmits')::int, rerolls = (s->>'rerolls')::int,
      probed = (s->>'probed')::boolean, waiting = (s->>'waiting')::boolean,
      price_micro = CASE WHEN claimed THEN price ELSE price_micro END
    WHERE id = rev AND campaign = camp RETURNING 1
  ) SELECT EXISTS (SELECT 1 FROM written) $$;

CREATE OR REPLACE FUNCTION write_files(rev bigint, fs jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO files (revision, part, path, bytes, sha256, millis, width, height, sound, unread)
    SELECT rev, (f->>'part')::bigint, f->>'path', (f->>'bytes')::bigint, decode(f->>'sha256', 'hex'), (f->>'millis')::bigint,
      (f->>'width')::bigint, (f->>'height')::bigint, (f->>'sound')::boolean, f->>'unread'
    FROM jsonb_array_elements(fs) AS f
  ON CONFLICT (revision, part) DO UPDATE SET path = excluded.path, bytes = excluded.bytes,
    sha256 = excluded.sha256, millis = excluded.millis, width = excluded.width, height = excluded.height,
    sound = excluded.sound, unread = excluded.unread $$;

-- A batch of commits, in order, in one statement that commits by itself. Each commit checks before it
-- writes: what is refused has written nothing. `seq` counts a worker's batches: one whose answer got
-- lost is asked for again, and answered as it was.
CREATE OR REPLACE FUNCTION batch(me bigint, seq bigint, lease interval, commits jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  w workers; p pots; pot_ bigint; c jsonb; change jsonb; known boolean; reply text;
  verdicts jsonb := '[]'; verdict jsonb; is_locked boolean := false;
  rev bigint; at_ bigint; price bigint; n int; fresh bigint; origin_ int; held text; from_ text; to_ text;
BEGIN
  w := enter(me, lease);
  IF seq = w.last_batch THEN
    RETURN w.last_answer;
  ELSIF seq <> w.last_batch + 1 THEN
    RAISE EXCEPTION 'batch % follows %', seq, w.last_batch USING ERRCODE = 'RU002';
  END IF;
  SELECT pot INTO pot_ FROM campaigns WHERE id = w.campaign;
  FOR c IN SELECT * FROM jsonb_array_elements(commits) LOOP
    verdict := 'null'; rev := (c->>'r')::bigint; at_ := (c->>'t')::bigint;
    -- From the first one that touches the money to the commit, no other worker buys.
    IF NOT is_locked AND c->>'k' IN ('claim', 'adopt') THEN
      SELECT * INTO p FROM pots WHERE id = pot_ FOR NO KEY UPDATE;
      is_locked := true;
    END IF;
    CASE c->>'k'
    WHEN 'claim', 'adopt' THEN
      price := (c->'a'->>'price')::bigint;
      SELECT (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE revision = r.id) INTO n
        FROM revisions AS r WHERE id = rev AND campaign = w.campaign AND current AND state = c->>'from';
      IF price < 0 THEN
        verdict := jsonb_build_object('no', 'a negative price was claimed');
      ELSIF n IS NULL OR (c->>'k' = 'adopt' AND n > 1) THEN
        verdict := jsonb_build_object('no', CASE c->>'k'
          WHEN 'adopt' THEN format('revision %s was adopted but is not a new one', rev)
          ELSE format('revision %s was claimed but is not a %s current one', rev, c->>'from') END);
      ELSIF c->>'k' = 'claim' AND p.cap_micro IS NOT NULL AND (price IS NULL OR price > p.cap_micro
          - p.spent - p.reserved - CASE WHEN p.is_strict THEN p.unconfirmed ELSE 0 END) THEN
        verdict := '"over"';
      ELSE
        origin_ := NULL;
        IF c->'a'->>'address' <> '' THEN
          SELECT id INTO origin_ FROM origins
            WHERE address = c->'a'->>'address' AND account = c->'a'->>'account';
          IF origin_ IS NULL THEN
            INSERT INTO origins (address, account) VALUES (c->'a'->>'address', c->'a'->>'account')
              ON CONFLICT (address, account) DO UPDATE SET address = excluded.address RETURNING id INTO origin_;
          END IF;
        END IF;
        held := CASE c->>'k' WHEN 'adopt' THEN 'spent' ELSE 'reserved' END;
        INSERT INTO attempts (campaign, revision, number, worker, batch, price_micro, charged_if_failed,
            sent_at, answered_at, outcome, token, key_on_wire, origin, wire, account)
          VALUES (w.campaign, rev, n, me, seq, price, (c->'a'->>'charged')::boolean, at_,
            CASE held WHEN 'spent' THEN at_ END, CASE held WHEN 'spent' THEN 'adopted' END,
            c->'a'->>'key', (c->'a'->>'key_on_wire')::boolean, origin_, c->'a'->>'wire', held)
          RETURNING id INTO fresh;
        p.attempts := p.attempts + 1;
        IF price > 0 THEN
          INSERT INTO money (campaign, attempt, at, account, micro) VALUES (w.campaign, fresh, at_, held, price);
          p.movements := p.movements + 1;
          IF held = 'spent' THEN p.spent := p.spent + price; ELSE p.reserved := p.reserved + price; END IF;
        END IF;
        PERFORM write_state(w.campaign, rev, c->'s', fresh, true, price);
        PERFORM write_files(rev, c->'f');
        verdict := to_jsonb(fresh);
      END IF;
    WHEN 'write', 'earlier' THEN
      SELECT bool_and(EXISTS (SELECT 1 FROM attempts WHERE id = (ch->>'a')::bigint AND revision = rev))
        INTO known FROM jsonb_array_elements(c->'ch') AS ch;
      IF known IS FALSE THEN
        verdict := jsonb_build_object('no', (SELECT format('attempt %s is not one of revision %s', ch->>'a', rev)
          FROM jsonb_array_elements(c->'ch') AS ch
          WHERE NOT EXISTS (SELECT 1 FROM attempts WHERE id = (ch->>'a')::bigint AND revision = rev) LIMIT 1));
      ELSIF c->>'k' = 'write' AND NOT write_state(w.campaign, rev, c->'s', (c->'s'->>'attempt')::bigint, false, NULL) THEN
        verdict := jsonb_build_object('no', format('there is no revision %s', rev));
      ELSE
        FOR change IN SELECT * FROM jsonb_array_elements(c->'ch') LOOP
          SELECT account, coalesce(price_micro, 0) INTO from_, price FROM attempts WHERE id = (change->>'a')::bigint;
          to_ := change->>'acc';
          UPDATE attempts SET account = to_, outcome = coalesce(outcome, change->>'o'),
              why = coalesce(why, change->>'why'), answer = coalesce(answer, change->>'answer'),
              answered_at = coalesce(answered_at, CASE WHEN change ? 'o' THEN at_ END)
            WHERE id = (change->>'a')::bigint;
          IF change ? 'task' THEN
            UPDATE attempts SET task_id = change->>'task', former_tasks =
                CASE WHEN task_id IS NULL OR task_id = change->>'task' THEN former_tasks
                  ELSE (coalesce(former_tasks, '[]')::jsonb || to_jsonb(task_id))::text END
              WHERE id = (change->>'a')::bigint;
          END IF;
          IF change ? 'refuted' THEN
            UPDATE attempts SET task_id = nullif(task_id, change->>'refuted'), former_tasks =
                ((coalesce(former_tasks, '[]')::jsonb - (change->>'refuted')) || to_jsonb(change->>'refuted'))::text
              WHERE id = (change->>'a')::bigint;
          END IF;
          IF from_ <> to_ AND price <> 0 THEN
            IF NOT is_locked THEN
              SELECT * INTO p FROM pots WHERE id = pot_ FOR NO KEY UPDATE;
              is_locked := true;
            END IF;
            INSERT INTO money (campaign, attempt, at, account, micro)
              SELECT w.campaign, (change->>'a')::bigint, at_, m.account, m.micro
              FROM (VALUES (from_, -price), (to_, price)) AS m(account, micro) WHERE m.account <> 'released';
            p.movements := p.movements + (from_ <> 'released')::int + (to_ <> 'released')::int;
            p.spent := p.spent + CASE 'spent' WHEN to_ THEN price WHEN from_ THEN -price ELSE 0 END;
            p.reserved := p.reserved + CASE 'reserved' WHEN to_ THEN price WHEN from_ THEN -price ELSE 0 END;
            p.unconfirmed := p.unconfirmed
              + CASE 'unconfirmed' WHEN to_ THEN price WHEN from_ THEN -price ELSE 0 END;
          END IF;
        END LOOP;
        PERFORM write_files(rev, c->'f');
        IF c ? 'bought' THEN
          verdict := coalesce(jsonb_build_object('first', task_first_of((c->>'bought')::bigint)), 'null');
        END IF;
      END IF;
    WHEN 'late' THEN NULL;
    WHEN 'charge' THEN
      UPDATE attempts SET charge = c->>'amount', charge_currency = c->>'currency'
        WHERE id = (c->>'a')::bigint AND campaign = w.campaign;
    END CASE;
    verdicts := verdicts || jsonb_build_array(verdict);
  END LOOP;
  IF is_locked THEN
    UPDATE pots SET spent = p.spent, reserved = p.reserved, unconfirmed = p.unconfirmed,
      attempts = p.attempts, movements = p.movements WHERE id = pot_;
  ELSE
    SELECT * INTO p FROM pots WHERE id = pot_;
  END IF;
  reply := jsonb_build_object('v', verdicts, 'spent', p.spent, 'reserved', p.reserved,
    'unconfirmed', p.unconfirmed, 'attempts', p.attempts, 'movements', p.movements,
    'cap', p.cap_micro, 'strict', p.is_strict)::text;
  UPDATE workers SET last_batch = seq, last_answer = reply WHERE id = me;
  RETURN reply;
END $$;

-- A campaign that the released version left: one shot delivered, one rendering, one on the wire, one
-- queued.
INSERT INTO about (schema, written_by, functions) VALUES (1, 'rushes 0.1.0', 'released')
  ON CONFLICT (one) DO UPDATE SET schema = 1, written_by = 'rushes 0.1.0', functions = 'released';
SELECT join_campaign('default', 'gateway', 'summer', 'abcd', 'rushes run, process 7 on elsewhere, since 2024',
  'elsewhere', '{}', 'rushes 0.1.0', '30 seconds', '600 seconds', 1705123450000);
UPDATE workers SET last_batch = 0;
INSERT INTO revisions (campaign, shot, number, fingerprint, current, position, priority, clip_name,
    price_micro, state, model, tags, request, recorded_at, entry)
  SELECT 1, s.id, 1, decode(f.fingerprint, 'hex'), true, s.place, 0, s.id, 1000000, 'queued', 'kling-v3', '[]',
    format('{"model":"kling-v3","prompt":"%s 1"}', s.id), 1705123450000, s.id
  FROM (VALUES ('a', '60', 0), ('b', '63', 1), ('c', '62', 2), ('d', '65', 3)) AS s(id, first, place)
  CROSS JOIN LATERAL (SELECT s.first || repeat('01', 15) AS fingerprint) AS f;
SELECT batch(1, 1, '30 seconds', (SELECT jsonb_agg(jsonb_build_object('k', 'claim', 'r', r, 't', 1705123451000,
    'from', 'queued', 's', '{"state": "submitting", "attempt": 0, "refusals": 0, "resubmits": 0, "rerolls": 0,
      "probed": false, "waiting": false}'::jsonb,
    'a', '{"price": 1000000, "charged": false, "key": "00112233445566778899aabbccddeeff", "key_on_wire": true,
      "address": "https://gateway.test", "account": "ab12", "wire": "{}"}'::jsonb, 'f', '[]'::jsonb))
  FROM generate_series(1, 3) AS r));
SELECT batch(1, 2, '30 seconds', (SELECT jsonb_agg(jsonb_build_object('k', 'write', 'r', r, 't', 1705123452000,
    's', jsonb_build_object('state', 'rendering', 'attempt', r, 'since', 1705123452000, 'refusals', 0,
      'resubmits', 0, 'rerolls', 0, 'probed', false, 'waiting', false),
    'ch', jsonb_build_array(jsonb_build_object('a', r, 'acc', 'reserved', 'o', 'bought', 'task', 't-' || r)),
    'f', '[]'::jsonb, 'bought', r))
  FROM generate_series(1, 2) AS r));
SELECT batch(1, 3, '30 seconds', '[{"k": "write", "r": 1, "t": 1705123453000, "s": {"state": "rendered",
  "attempt": 1, "completed_at": 1705123453000, "urls": "[\"https://u.test/1\"]", "refusals": 0, "resubmits": 0,
  "rerolls": 0, "probed": false, "waiting": false}, "ch": [{"a": 1, "acc": "spent"}], "f": []}, {"k": "write",
  "r": 1, "t": 1705123454000, "s": {"state": "delivered", "attempt": 1, "keeps": true,
  "delivered_at": 1705123454000, "refusals": 0, "resubmits": 0, "rerolls": 0, "probed": false,
  "waiting": false}, "ch": [], "f": [{"part": 1, "path": "clips/a.mp4", "bytes": 4, "sha256":
  "0707070707070707070707070707070707070707070707070707070707070707"}]}]');
