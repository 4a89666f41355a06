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
#include "net/tls.h"

#define CONF_MAX_LISTEN		16
#define CONF_MAX_NETS		64
#define CONF_MAX_NAMES		32
#define CONF_MAX_WORKERS	64
#define CONF_MAX_CERTIFICATES	64

struct conf_place {		/* both from 1; line 0 = nowhere in the file */
	size_t	line, column;
};

enum conf_sandbox {
	CONF_SANDBOX_ENFORCE,		/* what this system can; what it cannot is logged */
	CONF_SANDBOX_REQUIRE,		/* all of it, or do not start */
	CONF_SANDBOX_LOG,		/* refuse nothing, log what would have been refused */
	CONF_SANDBOX_OFF,
};

enum request_logs { REQUEST_LOGS_FULL, REQUEST_LOGS_ROLLUP, REQUEST_LOGS_OFF };

struct conf_listen {
	char	*address;		/* "127.0.0.1:8080", "[::1]:8080", "*:8080", "unix:/run/ringd/http.sock" */
	bool	 proxy_protocol;	/* a PROXY header comes first */
	bool	 tls;
	bool	 redirect;		/* plain HTTP that only sends clients to https */
	bool	 insecure;		/* plaintext on a non-loopback address, said aloud */
};

/* The files of one certificate. What they hold is there after conf_read_certificates(), and is part of the configuration. */
struct conf_certificate {
	char			*cert, *key, *ocsp;	/* paths; ocsp may be NULL */
	struct conf_place	 cert_at, key_at, ocsp_at;
	struct secret		 chain_bytes, key_bytes, ocsp_bytes;
	struct tls_cert_info	 info;
};

struct conf {
	char		*path;			/* the file this came from */

	char		*user, *group;		/* NULL: stay who we are; needed when started as root */
	char		*pid_file;		/* NULL: none */
	enum conf_sandbox sandbox;
	bool		 core_dumps;		/* children may leave core files */
	int64_t		 workers;		/* 1..CONF_MAX_WORKERS; "auto" = CPUs online */
	int64_t		 ready_timeout_ms;	/* of a generation, at a start, reload or upgrade */

	enum log_target	 log_target;		/* log.to: stderr | syslog | file path */
	char		*log_file;
	enum log_level	 log_level;
	bool		 log_access;		/* a line per request */
	enum log_format	 log_format;
	bool		 log_mask_numbers;	/* telephone numbers */

	struct conf_listen listen[CONF_MAX_LISTEN];
	size_t		 nlisten;
	struct conf_listen admin[CONF_MAX_LISTEN];	/* health and status; loopback or Unix only */
	size_t		 nadmin;
	char		*admin_users[CONF_MAX_NAMES];	/* who may use admin Unix sockets besides root and ourselves */
	size_t		 nadmin_users;
	char		*admin_groups[CONF_MAX_NAMES];
	size_t		 nadmin_groups;
	struct addr_net	 trusted[CONF_MAX_NETS];	/* proxy.trusted: hops whose X-Forwarded-* are believed */
	size_t		 ntrusted;

	struct conf_certificate certificate[CONF_MAX_CERTIFICATES];
	size_t		 ncertificates;
	enum tls_version tls_min_version;
	int64_t		 tls_handshake_timeout_ms;
	bool		 tls_tickets;
	int64_t		 tls_ticket_lifetime_ms;	/* also how often their keys change */
	int64_t		 tls_hsts_ms;		/* 0: the header is left out */
	int64_t		 tls_redirect_port;

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
	int64_t		 exotel_utc_offset_ms;	/* of times that name no zone */
	int64_t		 exotel_ghost_after_ms;
	int64_t		 exotel_country_code;	/* of numbers without one; 0: unknown */
	int64_t		 webhook_batch_rows;	/* 1..64 */
	int64_t		 webhook_batch_bytes, webhook_queue_bytes;
	int64_t		 webhook_refresh_ms;	/* how stale the worker's table of hooks may be */
	int64_t		 webhook_secret_trials;	/* secrets tried for a delivery without hook token */

	int64_t		 api_default_limit, api_max_limit, api_max_offset, api_total_cap;

	int64_t		 limit_requests, limit_window_ms;	/* of an API key that has none of its own; 0 = none */
	int64_t		 limit_connections;	/* per address, all workers together; 0 = none */
	int64_t		 limit_bodies;		/* bytes of bodies being received, per address and worker; 0 = none */
	int64_t		 limit_failures, limit_failure_window_ms;	/* per address; 0 = none */

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
	bool		 dialpad_client_basic;	/* id and secret in a header, not in the form */
	int64_t		 dialpad_refresh_ahead_ms;
	int64_t		 dialpad_hook_check_ms;
	int64_t		 dialpad_gap_after_ms, dialpad_reconcile_ms;	/* reconcile 0: never */
	int64_t		 dialpad_longest_call_ms, dialpad_ghost_after_ms;
	char		*dialpad_return[CONF_MAX_NAMES];	/* where browsers may be sent when a connect is done */
	size_t		 ndialpad_return;

	char		*ribbon_files;		/* folder of the built ribbon; NULL: none is served */
	int64_t		 ribbon_session_ms, ribbon_session_max_ms;
	char		*ribbon_disposition[CONF_MAX_NAMES];
	size_t		 nribbon_dispositions;

	char		*exotel_base_url, *exotel_api_url;	/* origins */
	char		*exotel_sip_server;	/* a wss:// or ws:// URL */
	char		*exotel_sip_domain_suffix;
	char		*exotel_sign_methods[CONF_MAX_NAMES];	/* none: REGISTER */
	size_t		 nexotel_sign_methods;
	int64_t		 exotel_sign_rate;	/* a minute and session */

	int64_t		 reaper_batch, reaper_poll_ms, reaper_max_attempts, reaper_retry_min_ms, reaper_retry_max_ms;
	int64_t		 last_used_ms;		/* how often the last uses of keys are written */
	int64_t		 events_keep_days, dedupe_keep_days, partitions_ahead_days;

	enum request_logs request_logs;		/* request_logs.mode */
	int64_t		 request_logs_period_ms, request_logs_rollup_ms;
	int64_t		 request_logs_queue;	/* rows a worker holds */
	bool		 request_logs_client;	/* with the client's address */
	int64_t		 request_logs_keep_days;
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
/*
 * Reads the certificates' files anew, and checks that they can serve. Apart from conf_load, because the keys are for the
 * daemon's master alone: ringctl reads the same configuration as anybody. warn gets what is no fault yet. false with *err.
 */
bool		 conf_read_certificates(struct conf *c, void (*warn)(void *arg, const char *text), void *arg,
		    struct conf_error *err);
struct tls_files	 conf_certificate_files(const struct conf_certificate *c);	/* as they were read */
void		 conf_forget_keys(struct conf *c);	/* wipes the private keys: for a process that has no business with them */
/*
 * Writes one line per key whose value differs: "workers: 2 -> 4", "pid_file: /a -> /b, restart needed"; a secret, and what
 * cannot be said in a line, is only "changed".
 */
void		 conf_diff(const struct conf *old, const struct conf *new, void (*line)(void *arg, const char *text),
		    void *arg);
#define CONF_DIFF_SIZE	1024	/* longest of those lines, with the NUL; values are cut to fit */
/* SHA-256 in hex over every key and its value, those that may be shown: two that differ in a secret alone are alike, because
 * from a digest of a secret it could be guessed. */
#define CONF_FINGERPRINT_SIZE	65
void		 conf_fingerprint(char out[CONF_FINGERPRINT_SIZE], const struct conf *c);
/* Gives next what can only change at a restart as running has it. false: no memory. */
bool		 conf_keep(const struct conf *running, struct conf *next);
/*
 * The table for people and tests: tab-separated "key type default bounds reload|restart help", one key a line; "-" for
 * no default and no bounds. The members of one listener are shown as "listen[].address" and so on.
 */
void		 conf_print_keys(FILE *out);

#endif
