-- Conversations, their events, and proposals. A row belongs to the person who talks: nobody else sees it, whatever his grants.
CREATE TABLE assistant_conversation (
  tenant_id uuid NOT NULL, id uuid NOT NULL, owner_id uuid NOT NULL, title text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id));
CREATE INDEX ON assistant_conversation (tenant_id, owner_id, updated_at, id);
CREATE TABLE assistant_message (
  tenant_id uuid NOT NULL, id uuid NOT NULL, conversation_id uuid NOT NULL, owner_id uuid NOT NULL, role text NOT NULL CHECK (role IN ('user', 'assistant')), text text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'done' CHECK (state IN ('running', 'done', 'failed')), created_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES assistant_conversation ON DELETE CASCADE);
CREATE INDEX ON assistant_message (tenant_id, conversation_id, created_at, id);
CREATE TABLE assistant_event (
  tenant_id uuid NOT NULL, message_id uuid NOT NULL, sequence int NOT NULL, owner_id uuid NOT NULL, name text NOT NULL, data jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, message_id, sequence), FOREIGN KEY (tenant_id, message_id) REFERENCES assistant_message ON DELETE CASCADE);
CREATE TABLE assistant_proposal (
  tenant_id uuid NOT NULL, id uuid NOT NULL, owner_id uuid NOT NULL, conversation_id uuid, steps jsonb NOT NULL, preview jsonb NOT NULL, digest text NOT NULL, risk text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'rejected', 'executed')), results jsonb, created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL, decided_at timestamptz,
  PRIMARY KEY (tenant_id, id));
CREATE INDEX ON assistant_proposal (tenant_id, owner_id, created_at, id);
SELECT app.protect_kernel('assistant_conversation', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.protect_kernel('assistant_message', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.protect_kernel('assistant_event', 'SELECT, INSERT, DELETE');
SELECT app.protect_kernel('assistant_proposal', 'SELECT, INSERT, UPDATE');
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['assistant_conversation', 'assistant_message', 'assistant_event', 'assistant_proposal'] LOOP
    EXECUTE format('ALTER POLICY tenant ON %I USING (tenant_id = (SELECT app.tenant()) AND owner_id = (SELECT app.actor())) WITH CHECK (tenant_id = (SELECT app.tenant()) AND owner_id = (SELECT app.actor()))', name);
  END LOOP;
END $$;
