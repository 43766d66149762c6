-- What changes a campaign. A program makes these anew where it finds an older version of them
-- (`about.functions_version`): they keep nothing.
--
-- Locks are taken in one order: workers, the pot, the account, campaigns, revisions. (A batch that did
-- not seem to need the pot takes it behind a revision: should two wait for each other, the server ends
-- one, which comes again.) Errors that the program knows by their code: RU001, this worker was given
-- up; RU002, the database knows less than it had confirmed.

-- A worker has ended. It left its place by itself or is gone for certain: then nothing of it is on the
-- wire. Else it was given up: what goes on stays in its hands until another takes it out of them, what
-- it sent until its answer could have come.
CREATE OR REPLACE FUNCTION end_worker(id_ bigint, how text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE workers SET ended = how, is_settled = (how = 'left') WHERE id = id_;
  IF how = 'left' THEN
    UPDATE revisions SET worker = NULL WHERE worker = id_;
  ELSE
    UPDATE revisions SET worker = NULL WHERE worker = id_ AND stage NOT IN ('queued', 'bought');
  END IF;
END $$;

-- Ends the workers of a campaign whose process is gone or whose lease is over, and frees what those
-- that ended before had on the wire, once its answer could have come; of all but one.
CREATE OR REPLACE FUNCTION bury(camp int, gone text[], except_ bigint DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  x record;
BEGIN
  FOR x IN SELECT id, place = ANY (gone) AS is_gone FROM workers
    WHERE campaign = camp AND NOT is_settled AND ended IS NULL AND (lease_until < clock_timestamp() OR place = ANY (gone))
      AND id IS DISTINCT FROM except_ ORDER BY id FOR UPDATE SKIP LOCKED
  LOOP
    PERFORM end_worker(x.id, CASE WHEN x.is_gone THEN 'left' ELSE 'lapsed' END);
  END LOOP;
  FOR x IN SELECT id FROM workers
    WHERE campaign = camp AND ended IS NOT NULL AND NOT is_settled
      AND (lease_until + post_lasts < clock_timestamp() OR place = ANY (gone))
      AND id IS DISTINCT FROM except_ ORDER BY id FOR UPDATE SKIP LOCKED
  LOOP
    UPDATE revisions SET worker = NULL WHERE worker = x.id;
    UPDATE workers SET is_settled = true WHERE id = x.id;
  END LOOP;
END $$;

-- A worker joins a campaign, which is made if it is new. Answers its number, or that the account is
-- another key's, or who works on another text. One that was given up names its old number, and takes
-- what is still in its hands.
CREATE OR REPLACE FUNCTION join_campaign(
  account_name text, kind_ text, campaign_name text, new_id text, who_ text, place_ text,
  gone text[], program_ text, lease interval, post_lasts_ interval, at bigint,
  work jsonb, old bigint, since bigint
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  acc int; c campaigns; w workers; was workers; fresh bigint; first_batch bigint;
  begins boolean := false; is_alone boolean; is_visitor_ boolean := work IS NULL; digest_ bytea;
  key_ text;
BEGIN
  digest_ := decode(work->>'digest', 'hex');
  IF old IS NOT NULL THEN
    SELECT * INTO was FROM workers WHERE id = old FOR UPDATE;
    IF was.id IS NULL OR was.last_batch NOT IN (since, since + 1) THEN
      RAISE EXCEPTION 'the database does not know this worker any more' USING ERRCODE = 'RU002';
    END IF;
  END IF;
  INSERT INTO accounts (name, kind) VALUES (account_name, kind_) ON CONFLICT DO NOTHING;
  SELECT id, key_hash INTO acc, key_ FROM accounts WHERE name = account_name AND kind = kind_ FOR UPDATE;
  IF old IS NULL AND work->>'key' <> '' THEN
    IF key_ <> work->>'key' THEN
      RETURN jsonb_build_object('other_key', true);
    END IF;
    UPDATE accounts SET key_hash = work->>'key' WHERE id = acc AND key_hash IS NULL;
  END IF;
  SELECT * INTO c FROM campaigns WHERE account = acc AND name = campaign_name;
  IF c.id IS NULL THEN
    WITH pot AS (INSERT INTO pots DEFAULT VALUES RETURNING id)
    INSERT INTO campaigns (account, name, pot, ledger_id, created_at, created_by)
      SELECT acc, campaign_name, pot.id, new_id, at, program_ FROM pot RETURNING * INTO c;
  END IF;
  -- Before any is given up: if the server's clock jumped ahead, their moments are still to come.
  is_alone := NOT EXISTS (SELECT 1 FROM workers AS x
    WHERE x.account = acc AND x.ended IS NULL AND NOT x.is_visitor AND x.id IS DISTINCT FROM old);
  -- It may have joined anew before, and the answer was lost: what that one took is its own.
  IF old IS NOT NULL THEN
    UPDATE revisions SET worker = old WHERE worker IN (SELECT id FROM workers WHERE succeeds = old);
    UPDATE workers SET ended = 'left', is_settled = true WHERE succeeds = old;
    UPDATE workers SET ended = coalesce(ended, 'lapsed') WHERE id = old;
  END IF;
  PERFORM bury(c.id, gone, old);
  IF digest_ IS NOT NULL THEN
    SELECT * INTO w FROM workers AS x WHERE x.campaign = c.id AND NOT x.is_settled AND x.ended IS NULL AND NOT x.is_visitor
      AND x.id IS DISTINCT FROM old AND x.digest <> digest_ ORDER BY x.id LIMIT 1;
    IF w.id IS NOT NULL THEN
      RETURN jsonb_build_object('other', w.who,
        'since', trunc(extract(epoch FROM w.joined_at) * 1000)::bigint);
    END IF;
  END IF;
  IF NOT is_visitor_ THEN
    SELECT NOT EXISTS (SELECT 1 FROM workers AS x
      WHERE x.campaign = c.id AND NOT x.is_settled AND x.ended IS NULL AND NOT x.is_visitor) INTO begins;
    -- One that comes back goes on with its run, unless another has begun since: a pause holds, and what
    -- is done once in a run is not done again.
    begins := begins AND was.run IS DISTINCT FROM c.run;
    IF begins THEN
      UPDATE campaigns SET run = run + 1, paused = false WHERE id = c.id RETURNING run INTO c.run;
    END IF;
    IF begins OR old IS NOT NULL THEN
      UPDATE accounts SET in_flight = places_taken(acc, c.id) WHERE id = acc;
    END IF;
  END IF;
  -- It counts its batches from a random number: a copy of this database that forgot it would give its
  -- id to another worker, and must not take the one for the other.
  first_batch := ('x' || substr(md5(gen_random_uuid()::text), 1, 15))::bit(60)::bigint;
  INSERT INTO workers (campaign, account, who, place, program, joined_at, lease_until, post_lasts,
      last_batch, digest, is_visitor, rate_count, rate_window_ms, poll_rate_count, poll_rate_window_ms,
      in_flight, run, succeeds, buys, last_assignment, assigned)
    VALUES (c.id, acc, who_, place_, program_, coalesce(was.joined_at, clock_timestamp()),
      clock_timestamp() + lease, post_lasts_, first_batch, digest_, is_visitor_,
      (work->>'rate')::int, (work->>'rate_ms')::int, (work->>'polls')::int, (work->>'polls_ms')::int,
      (work->>'in_flight')::int, CASE WHEN NOT is_visitor_ THEN c.run END, old, coalesce(was.buys, CASE WHEN digest_ IS NULL AND NOT is_visitor_ THEN 'none' ELSE 'all' END),
      coalesce(was.last_assignment, 0), coalesce(was.assigned, '{}'))
    RETURNING id INTO fresh;
  IF old IS NOT NULL THEN
    UPDATE revisions SET worker = fresh WHERE worker = old;
    UPDATE workers SET is_settled = true, failures = 0, late = 0, accepted = 0, rejections = NULL
      WHERE id = old;
    INSERT INTO selections (worker, position) SELECT fresh, position FROM selections WHERE worker = old;
  END IF;
  RETURN jsonb_build_object('worker', fresh, 'campaign', c.id, 'pot', c.pot, 'ledger_id', c.ledger_id,
    'batch', first_batch, 'begins', begins, 'alone', is_alone,
    'answer', CASE WHEN was.last_batch = since + 1 THEN was.last_answer END);
END $$;

-- Locks a worker to the end of the transaction, unless it was given up: no other gives it up meanwhile.
CREATE OR REPLACE FUNCTION locked(me bigint) RETURNS workers LANGUAGE plpgsql AS $$
DECLARE
  w workers;
BEGIN
  SELECT * INTO w FROM workers WHERE id = me FOR NO KEY UPDATE;
  IF w.id IS NULL THEN
    RAISE EXCEPTION 'the database does not know this worker any more' USING ERRCODE = 'RU002';
  ELSIF w.ended IS NOT NULL THEN
    RAISE EXCEPTION 'this worker was given up' USING ERRCODE = 'RU001';
  END IF;
  RETURN w;
END $$;

-- The same, and renews its lease.
CREATE OR REPLACE FUNCTION enter(me bigint, lease interval) RETURNS workers LANGUAGE plpgsql AS $$
DECLARE
  w workers;
BEGIN
  w := locked(me);
  UPDATE workers SET lease_until = clock_timestamp() + lease WHERE id = me;
  RETURN w;
END $$;

-- A worker leaves and gives everything back. Who leaves has nothing on the wire any more: what is
-- submitting was cut short.
CREATE OR REPLACE FUNCTION leave(me bigint, batch_ bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM workers WHERE id = me AND last_batch = batch_ AND ended IS NULL FOR UPDATE;
  IF FOUND THEN
    PERFORM end_worker(me, 'left');
  END IF;
END $$;

-- How many purchases of an account may be in flight over all its workers; NULL: any number.
CREATE OR REPLACE FUNCTION max_in_flight(acc int, me bigint) RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT least(a.max_in_flight, (SELECT min(x.in_flight) FROM workers AS x
      WHERE x.account = acc AND x.ended IS NULL AND (x.lease_until > clock_timestamp() OR x.id = me)))
    FROM accounts AS a WHERE a.id = acc);
END $$;

-- Whether a worker is at a campaign.
CREATE OR REPLACE FUNCTION is_worked_on(camp int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM workers WHERE campaign = camp AND NOT is_settled AND ended IS NULL
    AND NOT is_visitor AND lease_until > clock_timestamp());
END $$;

-- How many purchases of an account are in flight, over all its campaigns. Of those of a campaign at which
-- no worker is, and which may never be gone on with, each counts for half an hour: it is done by then.
CREATE OR REPLACE FUNCTION places_taken(acc int, mine int) RETURNS int LANGUAGE plpgsql STABLE AS $$
DECLARE
  latest bigint := (extract(epoch FROM clock_timestamp() - interval '30 minutes') * 1000)::bigint;
BEGIN
  RETURN (SELECT count(*) FROM (SELECT id, id = mine OR is_worked_on(id) AS counts FROM campaigns
      WHERE account = acc) AS k
    JOIN revisions AS r ON r.campaign = k.id AND r.stage = 'bought' AND r.state <> 'rendered' AND NOT r.is_late
    JOIN attempts AS a ON a.id = r.attempt
    WHERE k.counts OR a.sent_at > latest);
END $$;

-- Counts an account's places again if all are taken, and some by a campaign at which no worker is.
CREATE OR REPLACE FUNCTION free_places(acc int, mine int, most int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT in_flight FROM accounts WHERE id = acc) >= most AND EXISTS (SELECT 1 FROM campaigns AS k
      WHERE k.account = acc AND k.id <> mine AND NOT is_worked_on(k.id) AND EXISTS (SELECT 1
        FROM revisions AS r WHERE r.campaign = k.id AND r.stage = 'bought')) THEN
    PERFORM 1 FROM accounts WHERE id = acc FOR NO KEY UPDATE;
    UPDATE accounts SET in_flight = places_taken(acc, mine) WHERE id = acc;
  END IF;
END $$;
