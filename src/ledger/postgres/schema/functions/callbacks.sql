-- Calls of the gateway. Where it calls is one address, behind which a call reaches any of the workers: that
-- one tells it here, and the one that has the shot in its hands hears of it.
--
-- Rows of `callbacks` are locked last. Where two workers note calls at once they wait for each other in the
-- order of the keys; else a row that is locked is passed over. Each is looked up by itself, so that it is
-- planned well however many attempts there are by the time.

-- Notes calls about open requests of a campaign, and forgets others. `most`: so many tasks are kept of each.
CREATE OR REPLACE FUNCTION note_callbacks(camp int, came jsonb, most int) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  call record; a record;
BEGIN
  FOR call IN SELECT x.key, x.tasks FROM jsonb_to_recordset(came) AS x(key text, tasks jsonb) ORDER BY x.key LOOP
    SELECT t.id, t.revision INTO a FROM attempts AS t
      WHERE t.token = call.key AND t.key_on_wire AND t.account = 'reserved' AND t.campaign + 0 = camp;
    CONTINUE WHEN NOT FOUND;
    PERFORM 1 FROM revisions AS r WHERE r.id = a.revision AND r.attempt = a.id
      AND r.state IN ('submitting', 'rendering', 'in_doubt');
    CONTINUE WHEN NOT FOUND;
    INSERT INTO callbacks AS c (campaign, attempt, revision, tasks)
      VALUES (camp, a.id, a.revision, call.tasks)
      ON CONFLICT (campaign, attempt) DO UPDATE SET told_to = NULL, told_in = NULL, tasks = (
        SELECT coalesce(jsonb_agg(t ORDER BY n), '[]') FROM (SELECT t, min(n) AS n
          FROM jsonb_array_elements(c.tasks || excluded.tasks) WITH ORDINALITY AS e(t, n)
          GROUP BY t ORDER BY min(n) LIMIT most) AS named);
  END LOOP;
END $$;

-- Goes through a campaign's calls for a worker, with its assignment `seq`. Forgets those that it heard of
-- before, and those about what goes on by now. If it `hears` of calls, tells it of those about what is in
-- its hands; and if it `takes` more, puts what no worker has into them.
CREATE OR REPLACE FUNCTION hear_callbacks(
  me bigint, camp int, run_ bigint, seq bigint, hears boolean, takes boolean, OUT taken bigint[], OUT heard jsonb
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  one bigint; c callbacks; r record;
BEGIN
  taken := '{}'; heard := '[]';
  FOR one IN SELECT attempt FROM callbacks WHERE campaign = camp ORDER BY attempt LOOP
    SELECT * INTO c FROM callbacks WHERE campaign = camp AND attempt = one FOR UPDATE SKIP LOCKED;
    CONTINUE WHEN NOT FOUND;
    SELECT v.worker, v.state, v.stage, v.attempt INTO r FROM revisions AS v WHERE v.id = c.revision;
    IF r.attempt IS DISTINCT FROM one OR r.state NOT IN ('submitting', 'rendering', 'in_doubt')
      OR (c.told_to = me AND c.told_in < seq) THEN
      DELETE FROM callbacks WHERE campaign = camp AND attempt = one;
      CONTINUE;
    END IF;
    IF hears AND takes AND r.worker IS NULL AND r.stage IN ('stalled', 'in_doubt') THEN
      PERFORM 1 FROM revisions WHERE id = c.revision AND worker IS NULL AND stage = r.stage
        FOR NO KEY UPDATE SKIP LOCKED;
      IF FOUND THEN
        UPDATE revisions SET worker = me, taken_up = run_ WHERE id = c.revision;
        taken := taken || c.revision; r.worker := me;
      END IF;
    END IF;
    IF hears AND r.worker = me THEN
      UPDATE callbacks SET told_to = me, told_in = seq WHERE campaign = camp AND attempt = one;
      heard := heard || jsonb_build_object('key', (SELECT token FROM attempts WHERE id = one), 'tasks', c.tasks);
    END IF;
  END LOOP;
END $$;
