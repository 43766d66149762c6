-- Schema 4: what later decisions about an attempt go by.

-- Where attempts were sent, and from which account.
CREATE TABLE origins (
  id      INTEGER PRIMARY KEY,
  address TEXT NOT NULL,                                -- of the gateway: scheme, host, port, path
  account TEXT NOT NULL,                                -- a salted hash of the account's key
  UNIQUE (address, account)
) STRICT;
-- From now on every attempt has a `token`, its key: an unguessable id of our own. Whether the gateway
-- was told it: with a callback it is the secret last part of its address. NULL in rows of an older
-- version stands for 0.
ALTER TABLE attempts ADD COLUMN key_on_wire INTEGER CHECK (key_on_wire IN (0, 1));
UPDATE attempts SET key_on_wire = 1 WHERE token IS NOT NULL;
ALTER TABLE attempts ADD COLUMN origin INTEGER REFERENCES origins (id);
-- What was sent: canonical JSON, local files by their SHA-256, without callback and key.
ALTER TABLE attempts ADD COLUMN wire TEXT;
-- 128 random bits need no index to be unique, and it would cost every purchase a write.
DROP INDEX by_token;
