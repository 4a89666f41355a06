-- Schema version 6: Exotel and the call ribbon: whose accounts, agents and web pages there are, what was dialled, how much
-- of it is paid for, and who did what.

------------------------------------------------------------------------ credentials

-- An app's account at Exotel; one. credentials: a JSON object of texts (src/providers/exotel_account.h), sealed as a whole.
CREATE TABLE exotel_accounts (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	credentials	bytea NOT NULL CHECK (ringd_is_sealed(credentials)),
	caller_id	text,			-- the number customers see
	is_active	boolean NOT NULL DEFAULT true,
	linked_at	timestamptz NOT NULL,
	rotated_at	timestamptz,
	synced_at	timestamptz,		-- agents were last fetched
	last_error	text,
	PRIMARY KEY (app_id, id)
);
CREATE UNIQUE INDEX exotel_accounts_app ON exotel_accounts (app_id);

-- Who may have a ribbon. agent_id is what the CRM calls them. credentials: as above, who they are at Exotel; NULL for
-- somebody who only has a telephone.
CREATE TABLE ribbon_agents (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	agent_id	text COLLATE "C" NOT NULL,
	name		text,
	email		text,
	phone		text,			-- E.164: where callback mode rings
	mode		text NOT NULL CHECK (mode IN ('webrtc', 'callback')),
	credentials	bytea CHECK (ringd_is_sealed(credentials)),
	is_active	boolean NOT NULL DEFAULT true,
	created_at	timestamptz NOT NULL,
	updated_at	timestamptz NOT NULL,
	synced_at	timestamptz,		-- was last seen at Exotel
	PRIMARY KEY (app_id, id),
	CHECK (mode = 'callback' OR credentials IS NOT NULL)
);
CREATE UNIQUE INDEX ribbon_agents_agent ON ribbon_agents (app_id, agent_id);

------------------------------------------------------------------------ clients and sessions

-- Calls a month a browser key may start; NULL is no limit.
ALTER TABLE api_keys
	ADD COLUMN monthly_limit bigint CHECK (monthly_limit BETWEEN 0 AND 1000000000);

-- Web pages that may use a browser key: scheme, host and port exactly, or https://*.host for one label in front of it. Asked
-- for before the tenant is known (a preflight names no key), hence slim and without a foreign key; nothing in it is secret.
CREATE TABLE ribbon_origins (
	app_id		uuid NOT NULL,
	key_id		uuid NOT NULL,
	origin		text COLLATE "C" NOT NULL,
	PRIMARY KEY (app_id, key_id, origin)
);
CREATE INDEX ribbon_origins_origin ON ribbon_origins (origin);

-- One agent's right to act for a while from one origin.
CREATE TABLE ribbon_sessions (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	token_hash	bytea NOT NULL,
	key_id		uuid NOT NULL,		-- the browser key it began with
	agent		uuid NOT NULL,		-- ribbon_agents.id
	origin		text NOT NULL,
	created_at	timestamptz NOT NULL,
	renewed_at	timestamptz,
	expires_at	timestamptz NOT NULL,
	revoked_at	timestamptz,
	PRIMARY KEY (app_id, id),
	UNIQUE (app_id, token_hash)
);
CREATE INDEX ribbon_sessions_expires_at ON ribbon_sessions (expires_at);
-- As api_key_lookup.
CREATE TABLE ribbon_session_lookup (
	token_hash	bytea PRIMARY KEY,
	app_id		uuid NOT NULL,
	created_at	timestamptz NOT NULL
);
CREATE INDEX ribbon_session_lookup_created_at ON ribbon_session_lookup (created_at);

------------------------------------------------------------------------ calls and what they cost

-- A call an agent asked for. The worker writes it and takes it from the quota in one transaction ("refused" until that is
-- done), a courier takes it and sends it, once; what certainly did nothing is "failed" and given back to the quota. "sent"
-- with an error: perhaps it was placed. The reaper ends it when Exotel says so.
CREATE TABLE ribbon_calls (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	session_id	uuid NOT NULL,
	key_id		uuid NOT NULL,
	agent		uuid NOT NULL,
	idempotency_key	text COLLATE "C",
	direction	text NOT NULL DEFAULT 'outbound' CHECK (direction IN ('inbound', 'outbound')),
	phone_number	text NOT NULL,		-- E.164; of an inbound call as its telephone showed it
	context		text,			-- the page's, handed back with events
	mode		text NOT NULL CHECK (mode IN ('webrtc', 'callback')),
	month		text COLLATE "C" NOT NULL,	-- YYYY-MM, UTC: whose usage it counts in, if outbound
	state		text NOT NULL DEFAULT 'refused'
	    CHECK (state IN ('refused', 'asked', 'sent', 'placed', 'failed', 'ended')),
	provider_call_id text COLLATE "C",
	error		text,
	end_reason	text,
	held		boolean NOT NULL DEFAULT false,
	muted		boolean NOT NULL DEFAULT false,
	disposition	text,
	note		text,
	logged_at	timestamptz,		-- disposition or note was saved
	created_at	timestamptz NOT NULL,
	sent_at		timestamptz,
	ended_at	timestamptz,
	PRIMARY KEY (app_id, id)
);
CREATE UNIQUE INDEX ribbon_calls_key ON ribbon_calls (app_id, agent, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX ribbon_calls_agent ON ribbon_calls (app_id, agent, created_at DESC, id DESC);
CREATE INDEX ribbon_calls_provider ON ribbon_calls (app_id, provider_call_id) WHERE provider_call_id IS NOT NULL;
CREATE UNIQUE INDEX ribbon_calls_inbound ON ribbon_calls (app_id, agent, provider_call_id) WHERE direction = 'inbound';
CREATE INDEX ribbon_calls_created_at ON ribbon_calls (created_at);
CREATE INDEX ribbon_calls_asked ON ribbon_calls (created_at) WHERE state = 'asked';

-- The events' word on such a call.
CREATE INDEX calls_exotel ON calls (app_id, provider_call_id) WHERE provider = 'exotel';

-- Calls started with a browser key in a month. last_call: the call counted last, by which the transaction that counted
-- knows that it did.
CREATE TABLE usage (
	app_id		uuid NOT NULL REFERENCES apps (id),
	key_id		uuid NOT NULL,
	month		text COLLATE "C" NOT NULL,
	used		bigint NOT NULL CHECK (used >= 0),
	refused		bigint NOT NULL DEFAULT 0,
	last_call	uuid,
	updated_at	timestamptz NOT NULL,
	PRIMARY KEY (app_id, key_id, month)
);

------------------------------------------------------------------------ audit

-- What was done, by whom, in the order it happened; each row's hash is over the row and the hash before it, so that a row
-- changed, taken out or put in shows. src/base/audit.h says which bytes; ringctl audit verify reads them again.
CREATE TABLE audit_log (
	app_id		uuid NOT NULL,
	seq		bigint NOT NULL,	-- 1, 2, 3 ... for each app
	at		timestamptz NOT NULL,
	actor		text NOT NULL,		-- session:ID, key:ID, ringctl:USER, courier, reaper
	action		text NOT NULL,		-- ribbon.init, ribbon.sign, key.create ...
	subject		text,			-- what it was done to
	detail		text,			-- JSON, byte for byte as hashed
	request_id	text,
	db_role		text NOT NULL,		-- who told the database: a worker cannot write in an administrator's name
	hash		bytea NOT NULL,
	PRIMARY KEY (app_id, seq)
);
CREATE TABLE audit_heads (
	app_id		uuid PRIMARY KEY,
	seq		bigint NOT NULL,
	hash		bytea NOT NULL
);

-- One field of what is hashed: its length and its bytes; absent is another length.
CREATE FUNCTION ringd_audit_field(value text) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN value IS NULL THEN '\xffffffff'::bytea
	    ELSE int4send(octet_length(convert_to(value, 'UTF8'))) || convert_to(value, 'UTF8') END
$$;

-- Appends one row. The only way of the daemon's roles to the log: they can neither read nor change it. Holds the head of the
-- app's chain until the transaction ends, so this is the last statement of every transaction that has it: two that took it
-- first, and other locks after it, could wait for each other.
CREATE FUNCTION ringd_audit(app uuid, actor text, action text, subject text, detail text, request_id text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	head	audit_heads%ROWTYPE;
	moment	timestamptz;
	digest	bytea;
BEGIN
	SELECT * INTO head FROM audit_heads h WHERE h.app_id = app FOR UPDATE;
	IF NOT FOUND THEN
		INSERT INTO audit_heads AS h (app_id, seq, hash) VALUES (app, 0, '\x'::bytea) ON CONFLICT (app_id) DO NOTHING;
		SELECT * INTO head FROM audit_heads h WHERE h.app_id = app FOR UPDATE;
	END IF;
	moment := clock_timestamp();
	digest := sha256(head.hash || uuid_send(app) || int8send(head.seq + 1)
	    || int8send((extract(epoch FROM moment) * 1000000)::bigint) || ringd_audit_field(actor) || ringd_audit_field(action)
	    || ringd_audit_field(subject) || ringd_audit_field(detail) || ringd_audit_field(request_id)
	    || ringd_audit_field(session_user::text));
	INSERT INTO audit_log (app_id, seq, at, actor, action, subject, detail, request_id, db_role, hash)
	    VALUES (app, head.seq + 1, moment, actor, action, subject, detail, request_id, session_user::text, digest);
	UPDATE audit_heads h SET seq = head.seq + 1, hash = digest WHERE h.app_id = app;
	RETURN head.seq + 1;
END
$$;

------------------------------------------------------------------------ walls

DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['exotel_accounts', 'ribbon_agents', 'ribbon_origins', 'ribbon_sessions',
	    'ribbon_session_lookup', 'ribbon_calls', 'usage', 'audit_log', 'audit_heads'] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
		EXECUTE format('CREATE POLICY owner ON %I FOR ALL TO CURRENT_USER USING (true) WITH CHECK (true)', t);
		EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', t);
	END LOOP;
	-- The worker sees and writes of the tenant it named.
	FOREACH t IN ARRAY ARRAY['exotel_accounts', 'ribbon_agents', 'ribbon_sessions', 'ribbon_calls', 'usage'] LOOP
		EXECUTE format('CREATE POLICY tenant ON %I FOR ALL TO ringd_worker '
		    'USING (app_id = nullif(current_setting(''ringd.app_id'', true), '''')::uuid) '
		    'WITH CHECK (app_id = nullif(current_setting(''ringd.app_id'', true), '''')::uuid)', t);
	END LOOP;
	-- The courier works for all tenants at once; each of its statements names the one it means.
	FOREACH t IN ARRAY ARRAY['exotel_accounts', 'ribbon_agents', 'ribbon_sessions', 'ribbon_calls', 'usage'] LOOP
		EXECUTE format('CREATE POLICY courier ON %I FOR ALL TO ringd_courier USING (true) WITH CHECK (true)', t);
	END LOOP;
	-- The reaper ends calls, shows whose they are, and forgets what is old.
	FOREACH t IN ARRAY ARRAY['ribbon_sessions', 'ribbon_session_lookup', 'ribbon_calls', 'ribbon_agents'] LOOP
		EXECUTE format('CREATE POLICY reaper ON %I FOR ALL TO ringd_reaper USING (true) WITH CHECK (true)', t);
	END LOOP;
END
$$;

-- Of accounts and agents a worker sees who they are, never their credentials.
GRANT SELECT (app_id, id, caller_id, is_active) ON exotel_accounts TO ringd_worker;
GRANT SELECT (app_id, id, agent_id, name, email, phone, mode, is_active) ON ribbon_agents TO ringd_worker;
GRANT SELECT, INSERT ON ribbon_sessions TO ringd_worker;
GRANT UPDATE (renewed_at, expires_at, revoked_at) ON ribbon_sessions TO ringd_worker;
CREATE POLICY worker ON ribbon_session_lookup FOR ALL TO ringd_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON ribbon_session_lookup TO ringd_worker;
CREATE POLICY worker ON ribbon_origins FOR SELECT TO ringd_worker USING (true);
GRANT SELECT ON ribbon_origins TO ringd_worker;
GRANT SELECT, INSERT ON ribbon_calls, usage TO ringd_worker;
GRANT UPDATE (state, month, error, end_reason, ended_at, held, muted, disposition, note, logged_at) ON ribbon_calls TO ringd_worker;
GRANT UPDATE (used, refused, last_call, updated_at) ON usage TO ringd_worker;

GRANT SELECT, UPDATE ON exotel_accounts TO ringd_courier;
GRANT SELECT, INSERT, UPDATE ON ribbon_agents TO ringd_courier;
GRANT SELECT ON ribbon_sessions TO ringd_courier;
GRANT SELECT, UPDATE ON ribbon_calls, usage TO ringd_courier;
-- Is the key a session began with still good?
CREATE POLICY courier_select ON api_keys FOR SELECT TO ringd_courier USING (true);
GRANT SELECT (app_id, id, kind, expires_at, revoked_at) ON api_keys TO ringd_courier;

GRANT SELECT, DELETE ON ribbon_sessions, ribbon_session_lookup TO ringd_reaper;
GRANT SELECT, UPDATE, DELETE ON ribbon_calls TO ringd_reaper;
GRANT SELECT (app_id, id, agent_id, name, email) ON ribbon_agents TO ringd_reaper;

REVOKE ALL ON FUNCTION ringd_audit_field(text), ringd_audit(uuid, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringd_audit(uuid, text, text, text, text, text) TO ringd_worker, ringd_courier, ringd_reaper;
