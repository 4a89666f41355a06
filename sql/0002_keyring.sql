-- What the courier keeps for tenants: their grants at providers. Tokens stand here sealed (src/crypt/envelope.h): each to
-- its table, column, app and row, so that one copied elsewhere does not open. After sql/roles.sql, which makes
-- ringd_courier.
--
-- A sealed column is named in src/db/stmt_courier.c too, so that `ringctl keyring rekey` and `drop` know of it.

-- Could these bytes be a sealed record? A wall against a token that is stored as it is, by mistake.
CREATE FUNCTION ringd_is_sealed(record bytea) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT octet_length(record) BETWEEN 33 AND 65569 AND get_byte(record, 0) = 1
$$;

CREATE TABLE dialpad_connections (
	app_id		uuid NOT NULL REFERENCES apps (id),
	id		uuid NOT NULL,
	company_id	text COLLATE "C",	-- Dialpad's; the seeds call it dialpad_org_id
	user_id		text COLLATE "C",	-- whose grant it is
	scopes		text NOT NULL DEFAULT '',
	access_token	bytea CHECK (ringd_is_sealed(access_token)),
	refresh_token	bytea CHECK (ringd_is_sealed(refresh_token)),
	expires_at	timestamptz,		-- of the access token; null: not known, perhaps never
	created_at	timestamptz NOT NULL DEFAULT now(),
	updated_at	timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (app_id, id)
);

ALTER TABLE dialpad_connections ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialpad_connections FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON dialpad_connections FOR ALL TO CURRENT_USER USING (true) WITH CHECK (true);
REVOKE ALL ON dialpad_connections FROM PUBLIC;
-- The courier works for all tenants at once; each of its statements names the one it means.
CREATE POLICY courier ON dialpad_connections FOR ALL TO ringd_courier USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON dialpad_connections TO ringd_courier;

GRANT SELECT ON schema_version TO ringd_courier;
REVOKE ALL ON FUNCTION ringd_is_sealed(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringd_is_sealed(bytea) TO ringd_courier;
