-- When this month began (UTC), in milliseconds since the Unix epoch.
CREATE OR REPLACE FUNCTION month_begins() RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT (extract(epoch FROM date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')
    * 1000)::bigint $$;

-- Keeps the account of this month: its pot. The account's row must be locked. A new month begins empty.
CREATE OR REPLACE FUNCTION month_pot(acc int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  this date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC'); kept accounts; fresh bigint;
BEGIN
  SELECT * INTO kept FROM accounts WHERE id = acc;
  -- A clock that was set back opens no month that was closed.
  IF kept.month >= this THEN RETURN kept.month_pot; END IF;
  INSERT INTO pots DEFAULT VALUES RETURNING id INTO fresh;
  UPDATE accounts SET month = this, month_pot = fresh WHERE id = acc;
  RETURN fresh;
END $$;

-- Sets the most that an account's campaigns may cost together in a month, or lifts it. What was
-- claimed in this month before counts.
CREATE OR REPLACE FUNCTION set_month_cap(acc int, cap bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  kept accounts; pot_ bigint;
BEGIN
  -- From here on no worker of the account buys, and no money moves.
  SELECT * INTO kept FROM accounts WHERE id = acc FOR UPDATE;
  IF cap IS NULL THEN
    UPDATE accounts SET month_cap_micro = NULL, month = NULL, month_pot = NULL WHERE id = acc;
    RETURN;
  END IF;
  pot_ := month_pot(acc);
  IF kept.month_cap_micro IS NULL THEN
    UPDATE attempts AS a SET month_pot = pot_ FROM campaigns AS c
      WHERE c.id = a.campaign AND c.account = acc AND a.sent_at + 0 >= month_begins();
    UPDATE pots SET spent = s.spent, reserved = s.reserved, unconfirmed = s.unconfirmed FROM (
      SELECT coalesce(sum(price_micro) FILTER (WHERE account = 'spent'), 0) AS spent,
        coalesce(sum(price_micro) FILTER (WHERE account = 'reserved'), 0) AS reserved,
        coalesce(sum(price_micro) FILTER (WHERE account = 'unconfirmed'), 0) AS unconfirmed
      FROM attempts WHERE month_pot = pot_) AS s WHERE id = pot_;
  END IF;
  UPDATE accounts SET month_cap_micro = cap WHERE id = acc;
END $$;

-- What is left of a month's cap; NULL: there is none.
CREATE OR REPLACE FUNCTION month_left(acc int, strict boolean) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  kept accounts; used bigint := 0;
BEGIN
  SELECT * INTO kept FROM accounts WHERE id = acc;
  IF kept.month_cap_micro IS NULL THEN RETURN NULL; END IF;
  IF kept.month >= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') THEN
    SELECT spent + reserved + CASE WHEN strict THEN unconfirmed ELSE 0 END INTO used
      FROM pots WHERE id = kept.month_pot;
  END IF;
  RETURN greatest(kept.month_cap_micro - used, 0);
END $$;
