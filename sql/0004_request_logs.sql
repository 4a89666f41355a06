-- Schema version 4: request_logs, what each tenant asked of the API. A worker writes rows in batches about once a second
-- and reads none; the reaper makes and drops days.
--
-- One row a request, or, where request_logs.mode says so or requests come too fast, one row for several equal ones of
-- the same minute: `requests` says how many, the times and bytes are their sums, and created_at is the minute. So
-- sum(requests) is right in every mode, and count(*) where every row stands for one.

CREATE TABLE request_logs (
	app_id		uuid NOT NULL,
	created_at	timestamptz NOT NULL,
	id		uuid NOT NULL,		-- made by the worker: a batch sent twice is stored once
	requests	integer NOT NULL,
	method		text NOT NULL,
	route		text NOT NULL,		-- its name in the log and the metrics, never the path
	status		integer NOT NULL,	-- 499: the client left before the answer
	duration_us	bigint NOT NULL,	-- first byte of the request to the answer
	db_us		bigint NOT NULL,	-- of that, in line for the database and at work there
	bytes		bigint NOT NULL,	-- of the answers' bodies
	client		text,			-- single requests only, like request_id
	request_id	text,
	PRIMARY KEY (app_id, created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX request_logs_created_at ON request_logs USING brin (created_at);

ALTER TABLE request_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE request_logs FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON request_logs FOR ALL TO CURRENT_USER USING (true) WITH CHECK (true);
REVOKE ALL ON request_logs FROM PUBLIC;
-- One batch holds many tenants' requests. Nobody but the owner reads it.
CREATE POLICY worker_insert ON request_logs FOR INSERT TO ringd_worker WITH CHECK (true);
GRANT INSERT ON request_logs TO ringd_worker;

-- Lets a row be asked for its app's name as if it had that column: SELECT r.name, count(*) FROM request_logs r ...
CREATE FUNCTION name(request_logs) RETURNS text
LANGUAGE sql STABLE AS 'SELECT a.name FROM public.apps a WHERE a.id = $1.app_id';
REVOKE ALL ON FUNCTION name(request_logs) FROM PUBLIC;

-- The days of both tables. What was said of webhook_events' days in version 1 holds for each.
DROP FUNCTION ringd_make_partitions(integer);
DROP FUNCTION ringd_drop_partitions(integer);

CREATE FUNCTION ringd_check_has_days(parent text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF parent IS NULL OR parent NOT IN ('webhook_events', 'request_logs') THEN
		RAISE EXCEPTION 'parent is %, expected webhook_events or request_logs', parent USING ERRCODE = '22023';
	END IF;
END
$$;

-- Makes the partitions of yesterday (a clock may be behind) to today + days_ahead, in UTC. Returns how many it made.
-- Filled in first and attached after: CREATE ... PARTITION OF would lock out every reader and writer of the parent.
CREATE FUNCTION ringd_make_partitions(days_ahead integer, parent text DEFAULT 'webhook_events') RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	today	date := (now() AT TIME ZONE 'UTC')::date;
	day	date;
	part	text;
	made	integer := 0;
BEGIN
	PERFORM ringd_check_has_days(parent);
	IF days_ahead IS NULL OR days_ahead < 0 OR days_ahead > 366 THEN
		RAISE EXCEPTION 'days_ahead is %, expected 0 to 366', days_ahead USING ERRCODE = '22023';
	END IF;
	FOR i IN -1 .. days_ahead LOOP
		day := today + i;
		part := parent || '_' || to_char(day, 'YYYYMMDD');
		CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
		BEGIN
			EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', part, parent);
			EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
			    parent, part, day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
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

-- Drops the partitions of days more than keep_days before today (UTC). Returns how many. A drop locks the parent for a
-- moment: the caller sets lock_timeout, so that it never waits in everybody's way.
CREATE FUNCTION ringd_drop_partitions(keep_days integer, parent text DEFAULT 'webhook_events') RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	today	date := (now() AT TIME ZONE 'UTC')::date;
	part	text;
	dropped	integer := 0;
BEGIN
	PERFORM ringd_check_has_days(parent);
	IF keep_days IS NULL OR keep_days < 1 THEN
		RAISE EXCEPTION 'keep_days is %, expected 1 or more', keep_days USING ERRCODE = '22023';
	END IF;
	FOR part IN
		SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = format('public.%I', parent)::regclass
		    AND c.relname ~ ('^' || parent || '_[0-9]{8}$')
		    AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - keep_days
		ORDER BY c.relname
	LOOP
		EXECUTE format('DROP TABLE public.%I', part);
		dropped := dropped + 1;
	END LOOP;
	RETURN dropped;
END
$$;

REVOKE ALL ON FUNCTION ringd_check_has_days(text), ringd_make_partitions(integer, text),
    ringd_drop_partitions(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringd_make_partitions(integer, text), ringd_drop_partitions(integer, text) TO ringd_reaper;

SELECT ringd_make_partitions(14, 'request_logs');
