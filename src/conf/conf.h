/*
 * conf: the configuration as one read-only struct. conf_load() reads, checks and completes everything or changes
 * nothing; after that nobody writes to it. Which keys exist, with type, bounds, default and help, stands in ONE table
 * (conf_keys.c); the struct below has a field for each.
 */
#ifndef RINGD_CONF_H
#define RINGD_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "base/secret.h"
#include "net/addr.h"

#define CONF_MAX_LISTEN		16
#define CONF_MAX_NETS		64
#define CONF_MAX_TEXTS		16
#define CONF_MAX_WORKERS	64

struct conf_listen {
	char	*address;		/* "127.0.0.1:8080", "[::1]:8080", "*:8080", "unix:/run/ringd/http.sock" */
	bool	 proxy_protocol;	/* a PROXY header comes first */
	bool	 insecure;		/* plaintext on a non-loopback address, said aloud */
};

struct conf {
	char		*path;			/* the file this came from */

	char		*user, *group;		/* NULL: stay who we are; needed when started as root */
	char		*pid_file;		/* NULL: none */
	int64_t		 workers;		/* 1..CONF_MAX_WORKERS; "auto" = CPUs online */

	enum log_target	 log_target;		/* log.to: stderr | syslog | file path */
	char		*log_file;
	enum log_level	 log_level;
	bool		 log_access;		/* a line per request */

	struct conf_listen listen[CONF_MAX_LISTEN];
	size_t		 nlisten;
	struct conf_listen admin[CONF_MAX_LISTEN];	/* health and status; loopback or Unix only */
	size_t		 nadmin;
	struct addr_net	 trusted[CONF_MAX_NETS];	/* proxy.trusted: hops whose X-Forwarded-* are believed */
	size_t		 ntrusted;

	struct secret	 worker_url;		/* database.worker_url: libpq conninfo or URI */
	struct secret	 reaper_url;
	struct secret	 courier_url;
	struct secret	 owner_url;		/* for ringctl only; the daemon never connects with it */
	int64_t		 db_connect_timeout_ms;
	int64_t		 db_statement_timeout_ms;
	int64_t		 db_job_timeout_ms;	/* deadline of one job, waiting included */
	int64_t		 db_queue;		/* jobs waiting per connection before 503 */
	int64_t		 db_reconnect_min_ms, db_reconnect_max_ms;

	int64_t		 http_header_bytes, http_header_count, http_url_bytes, http_body_bytes, http_body_memory;
	int64_t		 http_header_timeout_ms, http_body_timeout_ms, http_idle_timeout_ms, http_write_timeout_ms;
	int64_t		 http_connections;	/* per worker */
	int64_t		 http_reserve_fds;
	int64_t		 http_drain_timeout_ms;
	int64_t		 http_requests_per_connection;

	int64_t		 json_depth, json_tokens;

	char		*dialpad_signature_header;	/* lower case; x-dialpad-signature */
	struct secret	 dialpad_secret, dialpad_previous_secret;	/* the global ones; may be absent */
	bool		 dialpad_allow_unsigned;	/* plain JSON without signature on a hook address */
	int64_t		 webhook_batch_rows;	/* 1..64 */
	int64_t		 webhook_batch_bytes, webhook_queue_bytes;
	int64_t		 webhook_refresh_ms;	/* how stale the worker's table of hooks may be */
	int64_t		 webhook_secret_trials;	/* secrets tried for a delivery without hook token */

	int64_t		 api_default_limit, api_max_limit, api_max_offset, api_total_cap;

	char		*courier_key_file;	/* NULL: no key ring, and no courier */
	struct secret	 keyring;		/* that file's text; not of the table: read by the master alone (proc/keys.h) */
	char		*courier_ca_file;	/* NULL: the system's */
	bool		 courier_allow_private;
	int64_t		 courier_connect_timeout_ms, courier_timeout_ms;
	int64_t		 courier_body_bytes, courier_requests;
	char		*public_url;		/* an origin: how the world reaches us; NULL: not said */
	char		*dialpad_base_url;	/* an origin */
	char		*dialpad_oauth_url;	/* an origin; NULL: dialpad_base_url */
	char		*dialpad_authorize_path, *dialpad_token_path, *dialpad_deauthorize_path, *dialpad_me_path;
	char		*dialpad_client_id;	/* NULL: nobody can connect */
	struct secret	 dialpad_client_secret;	/* the courier's alone */
	char		*dialpad_redirect_uri;	/* public_url and our path when not said */
	char		*dialpad_scopes;
	bool		 dialpad_send_redirect_uri;	/* with the code too */
	int64_t		 dialpad_refresh_ahead_ms;
	int64_t		 dialpad_gap_after_ms, dialpad_reconcile_ms;	/* reconcile 0: never */
	int64_t		 dialpad_longest_call_ms, dialpad_ghost_after_ms;
	char		*dialpad_return[CONF_MAX_TEXTS];	/* where browsers may be sent when a connect is done */
	size_t		 ndialpad_return;

	int64_t		 reaper_batch, reaper_poll_ms, reaper_max_attempts, reaper_retry_min_ms, reaper_retry_max_ms;
	int64_t		 events_keep_days, dedupe_keep_days, partitions_ahead_days;
};

/* A listener's address as text, taken apart. The file is checked with it; whoever opens the socket asks it again. */
enum conf_address_kind {
	CONF_ADDRESS_UNIX,		/* path */
	CONF_ADDRESS_IP,		/* ip with port */
	CONF_ADDRESS_LOCALHOST,		/* ip.port on 127.0.0.1 and ::1 */
	CONF_ADDRESS_ANY,		/* ip.port on every address of both families */
};

struct conf_address {
	enum conf_address_kind	 kind;
	struct addr		 ip;		/* family 0 unless CONF_ADDRESS_IP; port always set but for Unix */
	const char		*path;		/* into the text given; NULL unless CONF_ADDRESS_UNIX */
};

/* "127.0.0.1:80", "[::1]:80", "*:80", "localhost:80", "unix:/path"; port 1..65535, path absolute and short enough. */
bool	conf_address_parse(const char *text, struct conf_address *out);
bool	conf_address_is_local(const struct conf_address *a);	/* loopback or Unix: no other host can reach it */

/* What a loader says about a fault: "file:line:column: message". Written for people, no secret inside. */
struct conf_error {
	char	text[512];
};

/* Returns a complete configuration or NULL with *err filled. The caller frees it. */
struct conf	*conf_load(const char *path, struct conf_error *err);
void		 conf_free(struct conf *c);		/* wipes secrets */
/* Writes one line per key whose value differs: "key: restart needed" or "key: changed"; secrets only as "changed". */
void		 conf_diff(const struct conf *old, const struct conf *new, void (*line)(void *arg, const char *text),
		    void *arg);
/* true when everything that can only change at a restart is equal; else *key names the first that is not. */
bool		 conf_can_reload(const struct conf *old, const struct conf *new, const char **key);
/*
 * The table for people and tests: tab-separated "key type default bounds reload|restart help", one key a line; "-" for
 * no default and no bounds. The members of one listener are shown as "listen[].address" and so on.
 */
void		 conf_print_keys(FILE *out);

#endif
