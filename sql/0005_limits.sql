-- Schema version 5: API keys: a limit of their own, and when they were last used.

-- Requests per window of so many seconds; 0 requests is no limit. NULL: as the configuration says.
ALTER TABLE api_keys
	ADD COLUMN rate_limit integer CHECK (rate_limit BETWEEN 0 AND 10000000),
	ADD COLUMN rate_window integer CHECK (rate_window BETWEEN 1 AND 86400),
	ADD COLUMN last_used_at timestamptz,
	ADD CONSTRAINT api_keys_rate_check CHECK ((rate_limit IS NULL) = (rate_window IS NULL));

-- The reaper writes when keys were last used, once a minute for all tenants at once. Of a key it sees nothing else.
CREATE POLICY reaper_select ON api_keys FOR SELECT TO ringd_reaper USING (true);
CREATE POLICY reaper_update ON api_keys FOR UPDATE TO ringd_reaper USING (true) WITH CHECK (true);
GRANT SELECT (app_id, key_hash, last_used_at), UPDATE (last_used_at) ON api_keys TO ringd_reaper;
