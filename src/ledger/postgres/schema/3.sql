-- Schema 3: a month's cap over all campaigns of an account, and the budget that a manifest named last.
-- Never edited once shipped.

ALTER TABLE accounts
  ADD month_cap_micro bigint CHECK (month_cap_micro >= 0), -- NULL: none, and months are not kept
  ADD month           date,                              -- the first day (UTC) of the month that is kept
  ADD month_pot       bigint REFERENCES pots;            -- its money
-- The pot of the month in which it was claimed, if that month was kept: it stays there.
ALTER TABLE attempts ADD month_pot bigint REFERENCES pots;
CREATE INDEX of_month ON attempts (campaign, sent_at);
ALTER TABLE campaigns ADD written_budget text;           -- as the manifest had it last
