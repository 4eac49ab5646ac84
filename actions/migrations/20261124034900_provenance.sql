-- What an answer rests on: who reads it again must still be able to read all of that. Without it an answer is not shown again.
ALTER TABLE assistant_message ADD COLUMN sources jsonb;
-- Where the arguments of a proposal come from.
ALTER TABLE assistant_proposal ADD COLUMN provenance jsonb NOT NULL DEFAULT '{}';
