-- ringd's schema, version 1. Run by `ringctl migrate` as the owner, inside a transaction that ringctl opens and with
-- the version it records; after sql/roles.sql.
--
-- Every tenant table is led by app_id, in every key, so that it can be distributed by it. No sequence, no trigger, no
-- advisory lock. Ids are UUIDv7 made by ringd. Policies compare with the setting itself: a sub-select there is refused
-- by Citus and gains nothing. The order of tables is the order of distribution. Indexed texts are compared as bytes
-- (COLLATE "C"): faster, and an upgrade of the system's locales cannot break the indexes.

CREATE TABLE IF NOT EXISTS schema_version (
	version		integer PRIMARY KEY,
	name		text NOT NULL,
	applied_at	timestamptz NOT NULL DEFAULT now()
);

-- What belongs to this installation and to no tenant.
CREATE TABLE instance (
	name		text PRIMARY KEY,
	value		bytea NOT NULL
);

------------------------------------------------------------------------ tenants and their secrets

CREATE TABLE apps (
	id		uuid PRIMARY KEY,
	name		text NOT NULL,
	is_active	boolean NOT NULL DEFAULT true,
	created_at	timestamptz NOT NULL DEFAULT now(),
	updated_at	timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	key_hash	bytea NOT NULL,		-- SHA-256 of the whole key
	kind		text NOT NULL DEFAULT 'server' CHECK (kind IN ('server', 'browser')),
	scopes		text NOT NULL DEFAULT 'read',
	prefix		text NOT NULL,		-- first 8 characters, to recognise a key by
	last4		text NOT NULL,
	note		text,
	created_at	timestamptz NOT NULL DEFAULT now(),
	expires_at	timestamptz,
	revoked_at	timestamptz,
	PRIMARY KEY (app_id, id),
	UNIQUE (app_id, key_hash)
);

-- Which app a key belongs to, for the moment before the tenant is known. Slim and without a foreign key: on Citus this
-- is a reference table. Whether the key is still good stands in api_keys and is asked every time.
CREATE TABLE api_key_lookup (
	key_hash	bytea PRIMARY KEY,
	app_id		uuid NOT NULL
);

CREATE TABLE hooks (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	provider	text NOT NULL,
	name		text NOT NULL,
	org_id		text,
	enabled		boolean NOT NULL DEFAULT true,
	created_at	timestamptz NOT NULL DEFAULT now(),
	rotated_at	timestamptz,
	PRIMARY KEY (app_id, id)
);

-- Likewise for a delivery's address: its signature is verified before the tenant is known.
CREATE TABLE hook_lookup (
	token_hash	bytea PRIMARY KEY,
	app_id		uuid NOT NULL,
	hook_id		uuid NOT NULL,
	provider	text NOT NULL,
	org_id		text,
	secret		text NOT NULL,
	previous_secret	text,
	previous_until	timestamptz,
	enabled		boolean NOT NULL DEFAULT true,
	updated_at	timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX hook_lookup_updated_at ON hook_lookup (updated_at, token_hash);

------------------------------------------------------------------------ events

-- Append-only, one partition a UTC day, dropped whole. No DEFAULT partition: it would stand in the way of later days.
CREATE TABLE webhook_events (
	app_id		uuid NOT NULL,
	id		uuid NOT NULL,
	received_at	timestamptz NOT NULL,
	provider	text NOT NULL,
	event_type	text NOT NULL,
	event_ts	timestamptz,
	leg_id		text COLLATE "C",
	is_call		boolean NOT NULL,
	source		text NOT NULL,		-- 'webhook', 'replay', ...
	hook_id		uuid,
	secret_used	text NOT NULL
	    CHECK (secret_used IN ('current', 'previous', 'global', 'global_previous', 'none')),
	request_id	text,
	digest		bytea NOT NULL,
	facts		json,			-- the leg record, when is_call
	payload		json NOT NULL,		-- byte for byte as it came
	PRIMARY KEY (app_id, id, received_at)
) PARTITION BY RANGE (received_at);
CREATE INDEX webhook_events_leg ON webhook_events (app_id, leg_id);

CREATE TABLE event_dedupe (
	app_id		uuid NOT NULL,
	digest		bytea NOT NULL,
	received_at	timestamptz NOT NULL,
	PRIMARY KEY (app_id, digest)
);
CREATE INDEX event_dedupe_received_at ON event_dedupe USING brin (received_at);

-- One narrow row per event that waits. Rows live for milliseconds: vacuum by count, not by share of a table that is
-- empty most of the time. On Citus it stays undistributed (SKIP LOCKED).
CREATE TABLE webhook_queue (
	app_id		uuid NOT NULL,
	id		uuid NOT NULL,
	received_at	timestamptz NOT NULL,
	next_try_at	timestamptz NOT NULL,
	attempts	integer NOT NULL DEFAULT 0,
	last_error	text,
	PRIMARY KEY (app_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000);
CREATE INDEX webhook_queue_next ON webhook_queue (next_try_at, id);
CREATE INDEX webhook_queue_retry ON webhook_queue (next_try_at, id) WHERE attempts > 0;

CREATE TABLE webhook_dead (
	app_id		uuid NOT NULL,
	id		uuid NOT NULL,
	received_at	timestamptz NOT NULL,
	died_at		timestamptz NOT NULL,
	attempts	integer NOT NULL,
	reason		text NOT NULL,
	PRIMARY KEY (app_id, id)
);

------------------------------------------------------------------------ calls

CREATE TABLE calls (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	provider	text NOT NULL,
	provider_call_id text NOT NULL,
	dialpad_call_id	bigint,
	direction	text COLLATE "C",
	from_number	text COLLATE "C",
	to_number	text COLLATE "C",
	external_number	text,
	internal_number	text,
	status		text COLLATE "C" NOT NULL CHECK (status IN ('ringing', 'active', 'ended')),
	outcome		text,
	provider_state	text,
	state_at	timestamptz,
	started_at	timestamptz NOT NULL,
	rang_at		timestamptz,
	connected_at	timestamptz,
	ended_at	timestamptz,
	talk_time_ms	bigint,
	hold_time_ms	bigint,
	duration_ms	bigint,
	agent_id	text COLLATE "C",
	agent_name	text,
	agent_email	text COLLATE "C",
	-- A column of its own, not an index on lower(): lower() is not leakproof, so under row-level security no index
	-- on it would ever be used.
	agent_email_key	text COLLATE "C" GENERATED ALWAYS AS (lower(agent_email)) STORED,
	group_type	text,
	group_id	text,
	group_name	text,
	contact_id	text,
	contact_name	text,
	custom_data	text,
	transcription	text,
	recording_url	text,
	recording_type	text,
	has_recording	boolean NOT NULL DEFAULT false,
	is_internal	boolean,
	is_transferred	boolean,
	end_inferred	boolean NOT NULL DEFAULT false,
	legs		integer NOT NULL DEFAULT 1,
	created_at	timestamptz NOT NULL DEFAULT now(),
	updated_at	timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (app_id, id)
);
-- One for each filter of GET /api/calls, each ending in the page's order, so that a page costs the same at any depth.
CREATE INDEX calls_started ON calls (app_id, started_at DESC, id DESC);
CREATE INDEX calls_live ON calls (app_id, started_at DESC, id DESC) WHERE status IN ('ringing', 'active');
CREATE INDEX calls_status ON calls (app_id, status, started_at DESC, id DESC);
CREATE INDEX calls_direction ON calls (app_id, direction, started_at DESC, id DESC);
CREATE INDEX calls_from_number ON calls (app_id, from_number, started_at DESC, id DESC);
CREATE INDEX calls_to_number ON calls (app_id, to_number, started_at DESC, id DESC);
CREATE INDEX calls_agent_id ON calls (app_id, agent_id, started_at DESC, id DESC);
CREATE INDEX calls_agent_email ON calls (app_id, agent_email_key, started_at DESC, id DESC);
CREATE INDEX calls_has_recording ON calls (app_id, has_recording, started_at DESC, id DESC);

-- Every provider call id we know of, and the human call it is part of. state is null for a leg that others only named.
CREATE TABLE call_legs (
	app_id		uuid NOT NULL,
	provider	text COLLATE "C" NOT NULL,
	leg_id		text COLLATE "C" NOT NULL,
	call_id		uuid NOT NULL,
	state		json,
	updated_at	timestamptz NOT NULL,
	PRIMARY KEY (app_id, provider, leg_id)
);
CREATE INDEX call_legs_call ON call_legs (app_id, call_id, provider, leg_id);

CREATE TABLE call_recordings (
	app_id		uuid NOT NULL,
	call_id		uuid NOT NULL,
	recording_id	text NOT NULL,
	type		text,
	url		text,
	started_at	timestamptz,
	duration_ms	bigint,
	PRIMARY KEY (app_id, call_id, recording_id)
);

-- A call that turned out to be part of another: its id goes on working.
CREATE TABLE call_redirects (
	app_id		uuid NOT NULL,
	id		uuid NOT NULL,
	call_id		uuid NOT NULL,
	PRIMARY KEY (app_id, id)
);
CREATE INDEX call_redirects_call ON call_redirects (app_id, call_id);

------------------------------------------------------------------------ walls

-- FORCE binds the owner too, so that a wall is never an accident of who asks; the owner's policy then lets it through
-- by name.
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['apps', 'api_keys', 'api_key_lookup', 'hooks', 'hook_lookup', 'webhook_events',
	    'event_dedupe', 'webhook_queue', 'webhook_dead', 'calls', 'call_legs', 'call_recordings',
	    'call_redirects'] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
		EXECUTE format('CREATE POLICY owner ON %I FOR ALL TO CURRENT_USER USING (true) WITH CHECK (true)', t);
		EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', t);
	END LOOP;

	-- The worker reads a tenant's rows only after saying which tenant. Not said is NULL, and equals nothing.
	FOREACH t IN ARRAY ARRAY['api_keys', 'calls', 'call_recordings', 'call_redirects'] LOOP
		EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO ringd_worker '
		    'USING (app_id = nullif(current_setting(''ringd.app_id'', true), '''')::uuid)', t);
		EXECUTE format('GRANT SELECT ON %I TO ringd_worker', t);
	END LOOP;

	-- The reaper works for all tenants at once.
	FOREACH t IN ARRAY ARRAY['webhook_queue', 'webhook_dead', 'calls', 'call_legs', 'call_recordings',
	    'call_redirects'] LOOP
		EXECUTE format('CREATE POLICY reaper ON %I FOR ALL TO ringd_reaper USING (true) WITH CHECK (true)', t);
		EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ringd_reaper', t);
	END LOOP;
END
$$;

CREATE POLICY tenant ON apps FOR SELECT TO ringd_worker
    USING (id = nullif(current_setting('ringd.app_id', true), '')::uuid);
GRANT SELECT ON apps TO ringd_worker;

-- Lookups by a secret happen before the tenant is known, so the worker sees every row: nothing in api_key_lookup is
-- secret; hook_lookup holds what every worker needs to verify any delivery.
CREATE POLICY worker ON api_key_lookup FOR SELECT TO ringd_worker USING (true);
CREATE POLICY worker ON hook_lookup FOR SELECT TO ringd_worker USING (true);
GRANT SELECT ON api_key_lookup, hook_lookup TO ringd_worker;

-- One ingest batch holds many tenants. The worker writes events and their queue rows and can read neither; of the
-- duplicate table it reads digests, because INSERT ... RETURNING needs to.
CREATE POLICY worker_insert ON webhook_events FOR INSERT TO ringd_worker WITH CHECK (true);
CREATE POLICY worker_insert ON webhook_queue FOR INSERT TO ringd_worker WITH CHECK (true);
CREATE POLICY worker_insert ON event_dedupe FOR INSERT TO ringd_worker WITH CHECK (true);
CREATE POLICY worker_select ON event_dedupe FOR SELECT TO ringd_worker USING (true);
GRANT INSERT ON webhook_events, webhook_queue TO ringd_worker;
GRANT SELECT, INSERT ON event_dedupe TO ringd_worker;

CREATE POLICY reaper_select ON apps FOR SELECT TO ringd_reaper USING (true);
CREATE POLICY reaper_select ON webhook_events FOR SELECT TO ringd_reaper USING (true);
CREATE POLICY reaper_select ON event_dedupe FOR SELECT TO ringd_reaper USING (true);
CREATE POLICY reaper_delete ON event_dedupe FOR DELETE TO ringd_reaper USING (true);
GRANT SELECT ON apps, webhook_events TO ringd_reaper;
GRANT SELECT, DELETE ON event_dedupe TO ringd_reaper;

GRANT SELECT ON schema_version TO ringd_worker, ringd_reaper;
GRANT SELECT ON instance TO ringd_worker;

------------------------------------------------------------------------ functions

-- Makes the partitions of yesterday (a clock may be behind) to today + days_ahead, in UTC. Returns how many it made.
-- Filled in first and attached after: CREATE ... PARTITION OF would lock out every reader and writer of webhook_events.
CREATE FUNCTION ringd_make_partitions(days_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	today	date := (now() AT TIME ZONE 'UTC')::date;
	day	date;
	part	text;
	made	integer := 0;
BEGIN
	IF days_ahead IS NULL OR days_ahead < 0 OR days_ahead > 366 THEN
		RAISE EXCEPTION 'days_ahead is %, expected 0 to 366', days_ahead USING ERRCODE = '22023';
	END IF;
	FOR i IN -1 .. days_ahead LOOP
		day := today + i;
		part := 'webhook_events_' || to_char(day, 'YYYYMMDD');
		CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
		BEGIN
			EXECUTE format('CREATE TABLE public.%I (LIKE public.webhook_events INCLUDING ALL)', part);
			EXECUTE format('ALTER TABLE public.webhook_events ATTACH PARTITION public.%I '
			    'FOR VALUES FROM (%L) TO (%L)', part, day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
			-- Rows are reached through the parent and its policies; asked directly, a partition shows
			-- nothing to anybody but the owner.
			EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
			EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', part);
			EXECUTE format('CREATE POLICY owner ON public.%I FOR ALL TO CURRENT_USER '
			    'USING (true) WITH CHECK (true)', part);
			made := made + 1;
		EXCEPTION WHEN duplicate_table OR unique_violation OR duplicate_object THEN
			NULL;		-- somebody else made it in this very moment
		END;
	END LOOP;
	RETURN made;
END
$$;

-- Drops the partitions of days more than keep_days before today (UTC). Returns how many. A drop locks webhook_events
-- for a moment: the caller sets lock_timeout, so that it never waits in everybody's way.
CREATE FUNCTION ringd_drop_partitions(keep_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	today	date := (now() AT TIME ZONE 'UTC')::date;
	part	text;
	dropped	integer := 0;
BEGIN
	IF keep_days IS NULL OR keep_days < 1 THEN
		RAISE EXCEPTION 'keep_days is %, expected 1 or more', keep_days USING ERRCODE = '22023';
	END IF;
	FOR part IN
		SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'public.webhook_events'::regclass AND c.relname ~ '^webhook_events_[0-9]{8}$'
		    AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - keep_days
		ORDER BY c.relname
	LOOP
		EXECUTE format('DROP TABLE public.%I', part);
		dropped := dropped + 1;
	END LOOP;
	RETURN dropped;
END
$$;

-- A non-negative number in base 62 (0-9A-Za-z), most significant first, padded with '0' to width.
CREATE FUNCTION ringd_base62(n numeric, width integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	digits	text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
	rest	numeric := n;
	result	text := '';
BEGIN
	FOR i IN 1 .. width LOOP
		result := substr(digits, mod(rest, 62)::integer + 1, 1) || result;
		rest := div(rest, 62);
	END LOOP;
	RETURN result;
END
$$;

-- CRC-32 (IEEE 802.3), as zlib's.
CREATE FUNCTION ringd_crc32(data bytea) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	crc	bigint := x'ffffffff'::bigint;
BEGIN
	FOR i IN 0 .. length(data) - 1 LOOP
		crc := crc # get_byte(data, i);
		FOR bit IN 1 .. 8 LOOP
			crc := (crc >> 1) # (CASE WHEN crc & 1 = 1 THEN x'edb88320'::bigint ELSE 0 END);
		END LOOP;
	END LOOP;
	RETURN crc # x'ffffffff'::bigint;
END
$$;

-- UUIDv7: 48 bits of milliseconds, then random ones.
CREATE FUNCTION ringd_uuid_v7() RETURNS uuid
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	b	bytea := uuid_send(gen_random_uuid());
	ms	bytea := int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);
BEGIN
	b := overlay(b PLACING substr(ms, 3) FROM 1 FOR 6);
	RETURN encode(set_byte(b, 6, (get_byte(b, 6) & 15) | 112), 'hex')::uuid;
END
$$;

-- A new app and its first server key, which is shown here and never again. The key has the form of src/base/token.h.
CREATE FUNCTION create_app(name text) RETURNS TABLE (id uuid, api_key text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
	app	uuid := ringd_uuid_v7();
	secret	bytea;
	number	numeric := 0;
	key	text;
	hash	bytea;
BEGIN
	IF create_app.name IS NULL OR create_app.name !~ '[^[:space:]]' OR length(create_app.name) > 200 THEN
		RAISE EXCEPTION 'an app needs a name of 1 to 200 characters' USING ERRCODE = '22023';
	END IF;
	-- A random uuid holds 122 random bits; three of them fill SHA-256's 256.
	secret := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
	FOR i IN 0 .. 31 LOOP
		number := number * 256 + get_byte(secret, i);
	END LOOP;
	key := 'app_' || ringd_base62(number, 43);
	key := key || ringd_base62(ringd_crc32(convert_to(key, 'UTF8')), 6);
	hash := sha256(convert_to(key, 'UTF8'));

	INSERT INTO apps (id, name) VALUES (app, create_app.name);
	INSERT INTO api_keys (app_id, id, key_hash, kind, scopes, prefix, last4, note)
	    VALUES (app, ringd_uuid_v7(), hash, 'server', 'read', left(key, 8), right(key, 4), 'made by create_app');
	INSERT INTO api_key_lookup (key_hash, app_id) VALUES (hash, app);
	RETURN QUERY SELECT app, key;
END
$$;

REVOKE ALL ON FUNCTION ringd_make_partitions(integer), ringd_drop_partitions(integer), ringd_base62(numeric, integer),
    ringd_crc32(bytea), ringd_uuid_v7(), create_app(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringd_make_partitions(integer), ringd_drop_partitions(integer) TO ringd_reaper;

SELECT ringd_make_partitions(14);

-- Signs the cursors of paged lists, so that all workers of all hosts accept each other's.
INSERT INTO instance (name, value) VALUES ('cursor_key',
    sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
