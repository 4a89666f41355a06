-- Dialpad for real: how a connect is begun and ended, what a connection needs to live, and what was missed. After
-- 0002_keyring.sql.

------------------------------------------------------------------------ the beginning of a connect

-- One link an administrator was given. It may be opened more than once (mail scanners do) and works once.
CREATE TABLE oauth_tickets (
	token_hash	bytea PRIMARY KEY,
	app_id		uuid NOT NULL,
	return_to	text,			-- where the browser goes in the end; checked against the allow-list before
	created_at	timestamptz NOT NULL,
	expires_at	timestamptz NOT NULL,
	starts		integer NOT NULL DEFAULT 0,
	used_at		timestamptz
);
CREATE INDEX oauth_tickets_expires_at ON oauth_tickets (expires_at);

-- One state sent to Dialpad, by its hash; the browser it belongs to, by the hash of its cookie. Found by a secret before
-- the tenant is known, hence slim and without a foreign key. The PKCE verifier stands nowhere: it is worked out of state,
-- cookie and the installation's own key.
CREATE TABLE oauth_states (
	state_hash	bytea PRIMARY KEY,
	app_id		uuid NOT NULL,
	cookie_hash	bytea NOT NULL,
	ticket_hash	bytea,
	return_to	text,
	created_at	timestamptz NOT NULL,
	expires_at	timestamptz NOT NULL,
	used_at		timestamptz
);
CREATE INDEX oauth_states_expires_at ON oauth_states (expires_at);

INSERT INTO instance (name, value) VALUES ('oauth_key',
    sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

------------------------------------------------------------------------ a connection's life

ALTER TABLE dialpad_connections
	ADD COLUMN state text NOT NULL DEFAULT 'connected'
	    CHECK (state IN ('connected', 'needs_reconnect', 'disconnecting')),
	ADD COLUMN user_name text,
	ADD COLUMN connected_at timestamptz,
	ADD COLUMN refreshed_at timestamptz,
	-- Whoever works on it says so here, for a while: one process in the whole cluster.
	ADD COLUMN lease_owner uuid,
	ADD COLUMN lease_until timestamptz,
	ADD COLUMN attempts integer NOT NULL DEFAULT 0,
	ADD COLUMN next_try_at timestamptz,
	ADD COLUMN last_error text,
	-- What was registered at Dialpad. The address holds the hook's token, so it is sealed; the secret stands in
	-- hook_lookup, where every worker needs it.
	ADD COLUMN hook_id uuid,
	ADD COLUMN hook_url bytea CHECK (ringd_is_sealed(hook_url)),
	ADD COLUMN webhook_id text,
	ADD COLUMN subscription_id text,
	-- Not null: the secret was changed here and Dialpad has yet to be told; for how long the one before it stays good then.
	ADD COLUMN rotation_overlap_ms bigint,
	ADD COLUMN hooks_due_at timestamptz,
	ADD COLUMN hooks_checked_at timestamptz,
	ADD COLUMN hooks_attempts integer NOT NULL DEFAULT 0,
	ADD COLUMN hooks_error text,
	-- A lease of their own: registering may take long, and no token is to wait for it.
	ADD COLUMN hooks_owner uuid,
	ADD COLUMN hooks_until timestamptz,
	-- Until when lost events have been asked for.
	ADD COLUMN reconciled_until timestamptz,
	-- When the next single call may be asked about, by whichever courier: Dialpad allows ten a minute.
	ADD COLUMN ghosts_next_at timestamptz;
-- An app is connected with one company at a time.
CREATE UNIQUE INDEX dialpad_connections_app ON dialpad_connections (app_id);
-- Each check of what is registered finds its hook by this.
CREATE INDEX hook_lookup_hook ON hook_lookup (app_id, hook_id);

------------------------------------------------------------------------ what was missed

-- A span in which events may have been lost, until it has been asked for.
CREATE TABLE dialpad_gaps (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	from_at		timestamptz NOT NULL,
	to_at		timestamptz NOT NULL,
	-- downtime: no courier was alive; routine: a look back now and then, for what was lost without a known cause;
	-- asked: by an administrator.
	reason		text NOT NULL CHECK (reason IN ('downtime', 'routine', 'asked')),
	state		text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'failed')),
	cursor		text,			-- where the list, newest call first, goes on
	reached_at	timestamptz,		-- the beginning of the oldest call it has come to
	seen		integer NOT NULL DEFAULT 0,	-- calls the provider listed
	found		integer NOT NULL DEFAULT 0,	-- of them, events that were new to us
	attempts	integer NOT NULL DEFAULT 0,
	next_try_at	timestamptz NOT NULL,
	last_error	text,
	lease_owner	uuid,
	lease_until	timestamptz,
	created_at	timestamptz NOT NULL,
	done_at		timestamptz,
	PRIMARY KEY (app_id, id)
);
CREATE INDEX dialpad_gaps_open ON dialpad_gaps (next_try_at, id) WHERE state = 'open';
-- However many couriers find it time for a look back, an app gets one.
CREATE UNIQUE INDEX dialpad_gaps_routine ON dialpad_gaps (app_id) WHERE state = 'open' AND reason = 'routine';

-- When some courier of this installation was last alive and connected to the database: what lies between this and its
-- successor's first look is downtime.
CREATE TABLE heartbeats (
	name		text PRIMARY KEY,
	beat_at		timestamptz NOT NULL
);

-- Legs of live calls that show no sign of life, to ask about one by one. Whoever takes one puts its next turn off first,
-- so that nobody else takes it meanwhile and a courier that dies loses nothing.
CREATE TABLE dialpad_ghosts (
	app_id		uuid NOT NULL,
	leg_id		text COLLATE "C" NOT NULL,
	attempts	integer NOT NULL DEFAULT 0,	-- in vain
	next_try_at	timestamptz NOT NULL,
	PRIMARY KEY (app_id, leg_id)
);

-- A call a client asked for. The worker writes the row, a courier takes it and sends it, once; what certainly did nothing
-- is "asked" again. "sent" with an error: perhaps it was placed. The reaper leads the id to the call that came of it.
CREATE TABLE dialpad_dials (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	idempotency_key	text COLLATE "C",
	user_id		text NOT NULL,
	phone_number	text NOT NULL,
	custom_data	text,
	state		text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'sent', 'placed', 'failed')),
	provider_call_id text COLLATE "C",
	error		text,			-- a word of src/providers/dialpad_dial.h
	sent_at		timestamptz,
	created_at	timestamptz NOT NULL,
	PRIMARY KEY (app_id, id)
);
CREATE UNIQUE INDEX dialpad_dials_key ON dialpad_dials (app_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX dialpad_dials_created_at ON dialpad_dials (created_at);

------------------------------------------------------------------------ walls

DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['oauth_tickets', 'oauth_states', 'dialpad_gaps', 'dialpad_ghosts', 'dialpad_dials'] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
		EXECUTE format('CREATE POLICY owner ON %I FOR ALL TO CURRENT_USER USING (true) WITH CHECK (true)', t);
		EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', t);
	END LOOP;
	-- The courier works for all tenants at once; each of its statements names the one it means.
	FOREACH t IN ARRAY ARRAY['dialpad_gaps', 'dialpad_ghosts', 'dialpad_dials'] LOOP
		EXECUTE format('CREATE POLICY courier ON %I FOR ALL TO ringd_courier USING (true) WITH CHECK (true)', t);
		EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ringd_courier', t);
	END LOOP;
END
$$;

-- Found by a secret's hash before the tenant is known: the worker sees every row, and in them nothing but hashes.
CREATE POLICY worker ON oauth_tickets FOR ALL TO ringd_worker USING (true) WITH CHECK (true);
CREATE POLICY worker ON oauth_states FOR ALL TO ringd_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON oauth_tickets, oauth_states TO ringd_worker;
GRANT UPDATE (starts, used_at) ON oauth_tickets TO ringd_worker;
GRANT UPDATE (used_at) ON oauth_states TO ringd_worker;
CREATE POLICY reaper ON oauth_tickets FOR ALL TO ringd_reaper USING (true);
CREATE POLICY reaper ON oauth_states FOR ALL TO ringd_reaper USING (true);
GRANT SELECT, DELETE ON oauth_tickets, oauth_states TO ringd_reaper;

-- A worker asks for calls and reads what came of them, of the tenant it named; it cannot change one.
CREATE POLICY tenant_select ON dialpad_dials FOR SELECT TO ringd_worker
    USING (app_id = nullif(current_setting('ringd.app_id', true), '')::uuid);
CREATE POLICY tenant_insert ON dialpad_dials FOR INSERT TO ringd_worker
    WITH CHECK (app_id = nullif(current_setting('ringd.app_id', true), '')::uuid);
GRANT SELECT, INSERT ON dialpad_dials TO ringd_worker;
-- The reaper finds the call of one, and forgets old ones.
CREATE POLICY reaper_select ON dialpad_dials FOR SELECT TO ringd_reaper USING (true);
CREATE POLICY reaper_delete ON dialpad_dials FOR DELETE TO ringd_reaper USING (true);
GRANT SELECT, DELETE ON dialpad_dials TO ringd_reaper;

-- The courier stores what it fetched back as any worker stores what it was sent, registers hooks, and looks for ghosts.
CREATE POLICY courier_insert ON webhook_events FOR INSERT TO ringd_courier WITH CHECK (true);
CREATE POLICY courier_insert ON webhook_queue FOR INSERT TO ringd_courier WITH CHECK (true);
CREATE POLICY courier_insert ON event_dedupe FOR INSERT TO ringd_courier WITH CHECK (true);
CREATE POLICY courier_select ON event_dedupe FOR SELECT TO ringd_courier USING (true);
CREATE POLICY courier_select ON apps FOR SELECT TO ringd_courier USING (true);
CREATE POLICY courier_select ON calls FOR SELECT TO ringd_courier USING (true);
CREATE POLICY courier_select ON call_legs FOR SELECT TO ringd_courier USING (true);
CREATE POLICY courier ON hooks FOR ALL TO ringd_courier USING (true) WITH CHECK (true);
CREATE POLICY courier ON hook_lookup FOR ALL TO ringd_courier USING (true) WITH CHECK (true);
GRANT INSERT ON webhook_events, webhook_queue TO ringd_courier;
GRANT SELECT, INSERT ON event_dedupe TO ringd_courier;
GRANT SELECT ON apps, calls, call_legs TO ringd_courier;
GRANT SELECT, INSERT, UPDATE ON hooks, hook_lookup TO ringd_courier;
GRANT SELECT, INSERT, UPDATE ON heartbeats TO ringd_courier;
