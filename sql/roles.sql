-- The four roles of ringd. Run once by a superuser in ringd's database, before the first `ringctl migrate`; running it
-- again changes nothing. No passwords here: set them with \password, or leave them out and use peer or certificates.
--
-- ringd_owner   owns tables and functions; used by ringctl only, never by the daemon. It has LOGIN because Citus nodes
--               talk to each other as the acting role.
-- ringd_worker  what the internet-facing processes are; row-level security shows it one tenant at a time.
-- ringd_reaper  what applies stored events to calls, for all tenants.
-- ringd_courier what speaks to providers; it alone reads and writes their credentials, which stand there encrypted.

DO $$
DECLARE
	role_name text;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['ringd_owner', 'ringd_worker', 'ringd_reaper', 'ringd_courier'] LOOP
		IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I', role_name);
		END IF;
		-- Also for a role that somebody made by hand: none of these may ever be able to step over the walls.
		EXECUTE pg_catalog.format(
		    'ALTER ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION', role_name);
		EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I',
		    pg_catalog.current_database(), role_name);
	END LOOP;
	EXECUTE pg_catalog.format('GRANT CREATE ON DATABASE %I TO ringd_owner', pg_catalog.current_database());
END
$$;

-- PostgreSQL 14 still lets everybody create in public; functions that run as their owner must not find strangers'
-- objects there.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO ringd_owner;
GRANT USAGE ON SCHEMA public TO ringd_worker, ringd_reaper, ringd_courier;
