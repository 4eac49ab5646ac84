-- A turn that its person stopped: the process in which it runs sees this, whichever was asked.
ALTER TABLE assistant_message ADD COLUMN stop_asked_at timestamptz;
-- Tokens that the answer took, by provider.
ALTER TABLE assistant_message ADD COLUMN usage jsonb;
