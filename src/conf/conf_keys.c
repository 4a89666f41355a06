/*
 * conf_keys: the table, and what is read straight off it. Holds no code that depends on one key. Defaults are text and
 * go through the same parser as the file, so that what the manual shows is what an empty file means.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/rate.h"
#include "conf/conf_keys.h"
#include "conf/suggest.h"

#define KB(n)		((int64_t)(n) * 1024)
#define MB(n)		((int64_t)(n) * 1024 * 1024)
#define GB(n)		((int64_t)(n) * 1024 * 1024 * 1024)
#define MS(n)		((int64_t)(n))
#define SECONDS(n)	((int64_t)(n) * 1000)
#define MINUTES(n)	((int64_t)(n) * 60 * 1000)
#define HOURS(n)	((int64_t)(n) * 3600 * 1000)
#define DAYS(n)		((int64_t)(n) * 86400 * 1000)

/* A key without bounds and one with; text is the default or NULL. */
#define WORD(name, type, text, when, field, help) \
	{ name, type, 0, 0, text, false, when, offsetof(struct conf, field), 0, help }
#define RANGE(name, type, min, max, text, field, help) \
	{ name, type, min, max, text, false, CONF_RELOAD, offsetof(struct conf, field), 0, help }
#define NEEDED(name, type, field, help) \
	{ name, type, 0, 0, NULL, true, CONF_RELOAD, offsetof(struct conf, field), 0, help }
/* A key that fills two fields: a value and how many of them, or a choice and its path. */
#define PAIR(name, type, min, max, text, need, field, second, help) \
	{ name, type, min, max, text, need, CONF_RELOAD, offsetof(struct conf, field), offsetof(struct conf, second), \
	help }

static const struct conf_key rows[] = {
WORD("user", CONF_STRING, NULL, CONF_RESTART, user, "user the children run as; needed when started as root"),
WORD("group", CONF_STRING, NULL, CONF_RESTART, group, "group the children run as; the user's own when absent"),
WORD("pid_file", CONF_PATH, NULL, CONF_RESTART, pid_file, "file that holds the master's process id"),
WORD("sandbox", CONF_SANDBOX, "enforce", CONF_RELOAD, sandbox, "how the children are confined"),
WORD("core_dumps", CONF_BOOL, "false", CONF_RELOAD, core_dumps, "children may leave core files, secrets included"),
RANGE("workers", CONF_WORKERS, 1, CONF_MAX_WORKERS, "auto", workers, "worker processes; auto is one per CPU online"),
RANGE("ready_timeout", CONF_DURATION, MS(500), MINUTES(10), "30s", ready_timeout_ms,
    "longest time new processes may take to get ready"),

PAIR("log.to", CONF_LOG_TO, 0, 0, "stderr", false, log_target, log_file, "where log lines go"),
WORD("log.level", CONF_LOG_LEVEL, "info", CONF_RELOAD, log_level, "least important line that is written"),
WORD("log.access", CONF_BOOL, "true", CONF_RELOAD, log_access, "a log line per request"),
WORD("log.format", CONF_LOG_FORMAT, "text", CONF_RELOAD, log_format, "what a log line is: text, or one JSON object"),
WORD("log.mask_numbers", CONF_BOOL, "true", CONF_RELOAD, log_mask_numbers,
    "telephone numbers in the log are made unreadable"),

PAIR("listen", CONF_LISTENERS, 1, CONF_MAX_LISTEN, NULL, true, listen, nlisten, "addresses that serve the world"),
PAIR("admin.listen", CONF_LISTENERS, 0, CONF_MAX_LISTEN, NULL, false, admin, nadmin,
    "addresses for health, status and metrics; loopback or Unix only"),
PAIR("admin.users", CONF_NAMES, 0, CONF_MAX_NAMES, NULL, false, admin_users, nadmin_users,
    "users who may use admin Unix sockets, besides root and the daemon's own"),
PAIR("admin.groups", CONF_NAMES, 0, CONF_MAX_NAMES, NULL, false, admin_groups, nadmin_groups,
    "groups whose members may"),
PAIR("proxy.trusted", CONF_NETS, 0, CONF_MAX_NETS, NULL, false, trusted, ntrusted,
    "proxies whose X-Forwarded headers are believed: networks, or unix"),

PAIR("tls.certificates", CONF_CERTIFICATES, 0, CONF_MAX_CERTIFICATES, NULL, false, certificate, ncertificates,
    "certificates; the first is for clients that name no host"),
WORD("tls.min_version", CONF_TLS_VERSION, "1.3", CONF_RELOAD, tls_min_version, "oldest version of TLS that is spoken"),
RANGE("tls.handshake_timeout", CONF_DURATION, MS(100), MINUTES(1), "10s", tls_handshake_timeout_ms,
    "longest time a client may take for the handshake"),
WORD("tls.tickets", CONF_BOOL, "true", CONF_RELOAD, tls_tickets, "let clients resume sessions"),
RANGE("tls.ticket_lifetime", CONF_DURATION, SECONDS(1), DAYS(7), "12h", tls_ticket_lifetime_ms,
    "how long a session may be resumed, and how often the keys of tickets change"),
RANGE("tls.hsts", CONF_DURATION, 0, DAYS(3650), "365d", tls_hsts_ms,
    "for how long browsers are to use https only; 0s leaves it out"),
RANGE("tls.redirect_port", CONF_NUMBER, 1, 65535, "443", tls_redirect_port, "port that redirect listeners send clients to"),

NEEDED("database.worker_url", CONF_CONNINFO, worker_url, "PostgreSQL connection of the workers"),
NEEDED("database.reaper_url", CONF_CONNINFO, reaper_url, "PostgreSQL connection of the reaper"),
WORD("database.courier_url", CONF_CONNINFO, NULL, CONF_RELOAD, courier_url, "PostgreSQL connection of the courier"),
WORD("database.owner_url", CONF_CONNINFO, NULL, CONF_RELOAD, owner_url,
    "PostgreSQL connection of ringctl; the daemon never uses it"),
RANGE("database.connect_timeout", CONF_DURATION, MS(100), MINUTES(5), "5s", db_connect_timeout_ms,
    "longest attempt to connect"),
RANGE("database.statement_timeout", CONF_DURATION, MS(10), MINUTES(10), "2s", db_statement_timeout_ms,
    "longest statement, enforced by PostgreSQL"),
RANGE("database.job_timeout", CONF_DURATION, MS(10), MINUTES(10), "4s", db_job_timeout_ms,
    "longest wait for an answer, queueing included"),
RANGE("database.queue", CONF_NUMBER, 1, 1000000, "4096", db_queue, "jobs waiting per connection before 503"),
RANGE("database.reconnect_min", CONF_DURATION, MS(10), MINUTES(10), "100ms", db_reconnect_min_ms,
    "pause before the first new attempt to connect; doubles each time"),
RANGE("database.reconnect_max", CONF_DURATION, MS(10), MINUTES(10), "10s", db_reconnect_max_ms,
    "longest pause between attempts to connect"),

RANGE("http.header_bytes", CONF_SIZE, KB(1), KB(256), "16K", http_header_bytes,
    "largest request line and headers together"),
RANGE("http.header_count", CONF_NUMBER, 8, 1000, "100", http_header_count, "most headers of a request"),
RANGE("http.url_bytes", CONF_SIZE, 256, KB(64), "8K", http_url_bytes, "longest request target"),
RANGE("http.body_bytes", CONF_SIZE, KB(1), MB(64), "1M", http_body_bytes, "largest request body"),
RANGE("http.body_memory", CONF_SIZE, MB(1), MB(64) * 1024, "256M", http_body_memory,
    "bodies being received at one time, per worker, before 503"),
RANGE("http.header_timeout", CONF_DURATION, MS(100), MINUTES(10), "10s", http_header_timeout_ms,
    "longest time a client may take to send the headers"),
RANGE("http.body_timeout", CONF_DURATION, MS(100), MINUTES(10), "30s", http_body_timeout_ms,
    "longest time a client may take to send the body"),
RANGE("http.idle_timeout", CONF_DURATION, MS(100), HOURS(1), "75s", http_idle_timeout_ms,
    "longest silence between two requests of a connection"),
RANGE("http.write_timeout", CONF_DURATION, MS(100), MINUTES(10), "30s", http_write_timeout_ms,
    "longest time a client may take to read an answer"),
RANGE("http.connections", CONF_NUMBER, 1, 1000000, "10000", http_connections, "most open connections per worker"),
RANGE("http.reserve_fds", CONF_NUMBER, 8, 4096, "32", http_reserve_fds,
    "descriptors of a worker kept back from connections"),
RANGE("http.drain_timeout", CONF_DURATION, MS(100), HOURS(1), "30s", http_drain_timeout_ms,
    "longest wait for requests under way at a stop or reload"),
RANGE("http.requests_per_connection", CONF_NUMBER, 1, 1000000000, "100000", http_requests_per_connection,
    "requests answered before a connection is closed"),

RANGE("json.depth", CONF_NUMBER, 4, 512, "64", json_depth, "deepest nesting of a JSON body"),
RANGE("json.tokens", CONF_NUMBER, 64, 1048576, "65536", json_tokens, "most values and member names of a JSON body"),

WORD("webhooks.dialpad.signature_header", CONF_HEADER, "x-dialpad-signature", CONF_RELOAD, dialpad_signature_header,
    "header that carries Dialpad's signature"),
WORD("webhooks.dialpad.secret", CONF_SECRET, NULL, CONF_RELOAD, dialpad_secret,
    "secret for deliveries without a hook token"),
WORD("webhooks.dialpad.previous_secret", CONF_SECRET, NULL, CONF_RELOAD, dialpad_previous_secret,
    "the secret before, still accepted while one is replaced"),
WORD("webhooks.dialpad.allow_unsigned", CONF_BOOL, "false", CONF_RELOAD, dialpad_allow_unsigned,
    "accept unsigned JSON on an address with a hook token"),
RANGE("webhooks.exotel.utc_offset", CONF_DURATION, 0, HOURS(14), "330m", exotel_utc_offset_ms,
    "what Exotel's times are ahead of UTC"),
RANGE("webhooks.exotel.country_code", CONF_NUMBER, 0, 999, "91", exotel_country_code,
    "country of the numbers Exotel writes without one; 0 leaves them as they come"),
RANGE("webhooks.exotel.ghost_after", CONF_DURATION, SECONDS(1), DAYS(365), "5h", exotel_ghost_after_ms,
    "a call that nothing is heard of for so long is presumed over"),
RANGE("webhooks.batch_rows", CONF_NUMBER, 1, 64, "64", webhook_batch_rows, "most events stored by one statement"),
RANGE("webhooks.batch_bytes", CONF_SIZE, KB(1), MB(64), "1M", webhook_batch_bytes,
    "most bytes stored by one statement"),
RANGE("webhooks.queue_bytes", CONF_SIZE, KB(64), GB(1), "4M", webhook_queue_bytes,
    "bytes of events waiting in a worker before 503"),
RANGE("webhooks.refresh", CONF_DURATION, MS(50), MINUTES(10), "2s", webhook_refresh_ms,
    "how old a worker's list of hooks may be"),
RANGE("webhooks.secret_trials", CONF_NUMBER, 0, 100000, "1000", webhook_secret_trials,
    "secrets tried for a delivery without hook token"),

RANGE("api.default_limit", CONF_NUMBER, 1, 1000, "50", api_default_limit, "rows of a page when none are asked for"),
RANGE("api.max_limit", CONF_NUMBER, 1, 1000, "200", api_max_limit, "most rows of a page"),
RANGE("api.max_offset", CONF_NUMBER, 0, 1000000, "10000", api_max_offset, "largest offset; beyond it a cursor serves"),
RANGE("api.total_cap", CONF_NUMBER, 1, 1000000, "10000", api_total_cap, "highest total that is counted exactly"),

RANGE("limits.requests", CONF_NUMBER, 0, RATE_LIMIT_MAX, "1000", limit_requests,
    "requests of an API key per window; 0 is no limit; a key may have its own"),
RANGE("limits.window", CONF_DURATION, SECONDS(1), DAYS(1), "15m", limit_window_ms,
    "window of limits.requests, in whole seconds"),
RANGE("limits.connections_per_address", CONF_NUMBER, 0, 1000000, "1000", limit_connections,
    "most open connections from one address, all workers together; 0 is no limit"),
RANGE("limits.body_memory_per_address", CONF_SIZE, 0, MB(64) * 1024, "32M", limit_bodies,
    "bodies being received from one address at one time, per worker, before 503; 0 is no limit"),
RANGE("limits.failures_per_address", CONF_NUMBER, 0, RATE_LIMIT_MAX, "100", limit_failures,
    "requests without a good API key from one address per window before 429; 0 is no limit"),
RANGE("limits.failure_window", CONF_DURATION, SECONDS(1), DAYS(1), "1m", limit_failure_window_ms,
    "window of limits.failures_per_address, in whole seconds"),

WORD("courier.key_file", CONF_PATH, NULL, CONF_RELOAD, courier_key_file,
    "file of the master keys, mode 0400; without it there is no courier"),
WORD("courier.ca_file", CONF_PATH, NULL, CONF_RELOAD, courier_ca_file,
    "certificates that providers' are checked against; the system's when absent"),
WORD("courier.allow_private", CONF_BOOL, "false", CONF_RELOAD, courier_allow_private,
    "providers may be reached at private and loopback addresses"),
RANGE("courier.connect_timeout", CONF_DURATION, MS(100), MINUTES(1), "5s", courier_connect_timeout_ms,
    "longest attempt to connect to a provider, TLS included"),
RANGE("courier.timeout", CONF_DURATION, MS(100), MINUTES(5), "10s", courier_timeout_ms,
    "longest request to a provider, from its start to the last byte of the answer"),
RANGE("courier.body_bytes", CONF_SIZE, KB(1), MB(64), "1M", courier_body_bytes,
    "largest answer taken from a provider"),
RANGE("courier.requests", CONF_NUMBER, 1, 1024, "64", courier_requests,
    "requests to providers under way at one time"),
WORD("public_url", CONF_ORIGIN, NULL, CONF_RELOAD, public_url,
    "how the world reaches this server; hooks and redirects are made from it"),
WORD("dialpad.base_url", CONF_ORIGIN, "https://dialpad.com", CONF_RELOAD, dialpad_base_url,
    "where Dialpad's API is; no other host is ever asked"),
WORD("dialpad.oauth_url", CONF_ORIGIN, NULL, CONF_RELOAD, dialpad_oauth_url,
    "where its authorization server is; base_url when absent"),
WORD("dialpad.authorize_path", CONF_PATH, "/oauth2/authorize", CONF_RELOAD, dialpad_authorize_path,
    "page that asks people for access"),
WORD("dialpad.token_path", CONF_PATH, "/oauth2/token", CONF_RELOAD, dialpad_token_path, "where codes become tokens"),
WORD("dialpad.deauthorize_path", CONF_PATH, "/oauth2/deauthorize", CONF_RELOAD, dialpad_deauthorize_path,
    "where tokens are given back"),
WORD("dialpad.me_path", CONF_PATH, "/api/v2/users/me", CONF_RELOAD, dialpad_me_path, "whose token this is"),
WORD("dialpad.client_id", CONF_STRING, NULL, CONF_RELOAD, dialpad_client_id,
    "what Dialpad knows this server by; without it nobody can connect"),
WORD("dialpad.client_secret", CONF_SECRET, NULL, CONF_RELOAD, dialpad_client_secret, "the secret that goes with it"),
WORD("dialpad.redirect_uri", CONF_STRING, NULL, CONF_RELOAD, dialpad_redirect_uri,
    "exactly as registered with Dialpad; public_url and /auth/dialpad/callback when absent"),
WORD("dialpad.scopes", CONF_STRING, "calls:list recordings_export offline_access", CONF_RELOAD, dialpad_scopes,
    "what is asked for, in words between blanks"),
WORD("dialpad.send_redirect_uri", CONF_BOOL, "true", CONF_RELOAD, dialpad_send_redirect_uri,
    "send redirect_uri with the code too, as RFC 6749 has it"),
WORD("dialpad.client_basic", CONF_BOOL, "false", CONF_RELOAD, dialpad_client_basic,
    "say client id and secret in an HTTP Basic header instead of the form"),
RANGE("dialpad.refresh_ahead", CONF_DURATION, SECONDS(1), HOURS(24), "10m", dialpad_refresh_ahead_ms,
    "how long before its end a token is renewed, though never more than a fifth of its life"),
RANGE("dialpad.hook_check", CONF_DURATION, SECONDS(1), DAYS(7), "1h", dialpad_hook_check_ms,
    "how often webhook and call subscription are looked for at Dialpad, and put right"),
RANGE("dialpad.gap_after", CONF_DURATION, SECONDS(3), DAYS(1), "1m", dialpad_gap_after_ms,
    "how long no courier was alive before lost events are asked for"),
RANGE("dialpad.reconcile", CONF_DURATION, 0, DAYS(7), "1h", dialpad_reconcile_ms,
    "how often lost events are looked for though nothing is known to be missing; 0s never"),
RANGE("dialpad.longest_call", CONF_DURATION, MINUTES(1), DAYS(2), "4h", dialpad_longest_call_ms,
    "how long before a span the calls may have begun that are asked for with it"),
RANGE("dialpad.ghost_after", CONF_DURATION, SECONDS(1), DAYS(365), "4h", dialpad_ghost_after_ms,
    "how long a live call may show no sign of life before Dialpad is asked about it"),
PAIR("dialpad.return_to", CONF_NAMES, 0, CONF_MAX_NAMES, NULL, false, dialpad_return, ndialpad_return,
    "addresses browsers may be sent to when they are connected; one that ends in / allows all below it"),

WORD("ribbon.files", CONF_PATH, NULL, CONF_RELOAD, ribbon_files,
    "folder of the built ribbon, served below /ribbon/; nothing is when absent"),
RANGE("ribbon.session", CONF_DURATION, SECONDS(10), HOURS(12), "15m", ribbon_session_ms,
    "how long a ribbon's session lives when it is not renewed"),
RANGE("ribbon.session_max", CONF_DURATION, SECONDS(10), DAYS(7), "12h", ribbon_session_max_ms,
    "how long it may be renewed; then the page begins anew"),
PAIR("ribbon.dispositions", CONF_NAMES, 0, CONF_MAX_NAMES, NULL, false, ribbon_disposition, nribbon_dispositions,
    "what agents may say became of a call; anything when absent"),

WORD("exotel.base_url", CONF_ORIGIN, "https://integrationscore.mum1.exotel.com", CONF_RELOAD, exotel_base_url,
    "where Exotel's agents are kept and their calls are asked for"),
WORD("exotel.api_url", CONF_ORIGIN, "https://api.exotel.com", CONF_RELOAD, exotel_api_url,
    "where calls from telephone to telephone are asked for; the account's region decides"),
WORD("exotel.sip_server", CONF_STRING, "wss://voip.in1.exotel.com:443/wss", CONF_RELOAD, exotel_sip_server,
    "where ribbons connect to for SIP"),
WORD("exotel.sip_domain_suffix", CONF_STRING, "voip.exotel.com", CONF_RELOAD, exotel_sip_domain_suffix,
    "what follows the account's name in its SIP domain"),
PAIR("exotel.sign_methods", CONF_NAMES, 0, CONF_MAX_NAMES, NULL, false, exotel_sign_methods, nexotel_sign_methods,
    "SIP methods that are signed for a ribbon; REGISTER alone when absent"),
RANGE("exotel.sign_rate", CONF_NUMBER, 1, 250, "30", exotel_sign_rate,
    "most signatures for one session of a ribbon in a minute"),

RANGE("reaper.batch", CONF_NUMBER, 1, 2000, "500", reaper_batch, "most events claimed at once"),
RANGE("reaper.poll", CONF_DURATION, MS(50), MINUTES(1), "1s", reaper_poll_ms,
    "how often the queue is looked at when nobody wakes the reaper"),
RANGE("reaper.max_attempts", CONF_NUMBER, 1, 100, "8", reaper_max_attempts, "tries before an event is set aside"),
RANGE("reaper.retry_min", CONF_DURATION, MS(10), HOURS(1), "5s", reaper_retry_min_ms,
    "pause before the second try; doubles each time"),
RANGE("reaper.retry_max", CONF_DURATION, MS(10), DAYS(1), "10m", reaper_retry_max_ms, "longest pause between tries"),
RANGE("reaper.last_used", CONF_DURATION, MS(100), HOURS(1), "1m", last_used_ms,
    "how often the last uses of API keys are written, and how exact they are"),

RANGE("retention.events_days", CONF_NUMBER, 1, 3650, "30", events_keep_days, "days raw events are kept"),
RANGE("retention.dedupe_days", CONF_NUMBER, 1, 3650, "30", dedupe_keep_days,
    "days a repeated delivery is recognised"),
RANGE("retention.request_logs_days", CONF_NUMBER, 1, 3650, "7", request_logs_keep_days,
    "days the table request_logs reaches back"),
RANGE("retention.partitions_ahead", CONF_NUMBER, 1, 365, "14", partitions_ahead_days,
    "days of partitions made in advance"),

WORD("request_logs.mode", CONF_REQUEST_LOGS, "full", CONF_RELOAD, request_logs,
    "rows in request_logs: one per API request, sums, or none"),
RANGE("request_logs.period", CONF_DURATION, MS(100), MINUTES(1), "1s", request_logs_period_ms,
    "how often a worker writes the rows it has"),
RANGE("request_logs.rollup_period", CONF_DURATION, MS(100), HOURS(1), "1m", request_logs_rollup_ms,
    "how often a worker writes the sums it has"),
RANGE("request_logs.queue", CONF_NUMBER, 64, 65536, "1024", request_logs_queue,
    "most rows a worker holds; requests beyond go into sums"),
WORD("request_logs.client", CONF_BOOL, "true", CONF_RELOAD, request_logs_client,
    "a request's row names the client's address"),
};

static const struct conf_key listen_rows[] = {
{ "address", CONF_ADDRESS, 0, 0, NULL, true, CONF_RELOAD, offsetof(struct conf_listen, address), 0,
    "where to listen" },
{ "proxy_protocol", CONF_BOOL, 0, 0, "false", false, CONF_RELOAD, offsetof(struct conf_listen, proxy_protocol), 0,
    "a PROXY header begins every connection" },
{ "tls", CONF_BOOL, 0, 0, "false", false, CONF_RELOAD, offsetof(struct conf_listen, tls), 0, "HTTPS" },
{ "redirect", CONF_BOOL, 0, 0, "false", false, CONF_RELOAD, offsetof(struct conf_listen, redirect), 0,
    "plain HTTP that only sends clients to https" },
{ "insecure", CONF_BOOL, 0, 0, "false", false, CONF_RELOAD, offsetof(struct conf_listen, insecure), 0,
    "plain HTTP to other hosts is meant" },
};

static const struct conf_key certificate_rows[] = {
{ "cert", CONF_PATH, 0, 0, NULL, true, CONF_RELOAD, offsetof(struct conf_certificate, cert), 0,
    "PEM file: the certificate, then its issuers" },
{ "key", CONF_PATH, 0, 0, NULL, true, CONF_RELOAD, offsetof(struct conf_certificate, key), 0,
    "PEM file: its private key" },
{ "ocsp", CONF_PATH, 0, 0, NULL, false, CONF_RELOAD, offsetof(struct conf_certificate, ocsp), 0,
    "DER file: an OCSP response to staple" },
};

_Static_assert(COUNT(rows) <= CONF_KEYS_MAX, "CONF_KEYS_MAX is too small");
_Static_assert(COUNT(listen_rows) <= CONF_KEYS_MAX, "CONF_KEYS_MAX is too small");
_Static_assert(COUNT(certificate_rows) <= CONF_KEYS_MAX, "CONF_KEYS_MAX is too small");

const struct conf_table conf_keys = { rows, COUNT(rows) };
const struct conf_table conf_listen_keys = { listen_rows, COUNT(listen_rows) };
const struct conf_table conf_certificate_keys = { certificate_rows, COUNT(certificate_rows) };

const char *
conf_type_name(enum conf_type t)
{
	static const char *const names[] = {
		[CONF_STRING] = "string",
		[CONF_PATH] = "path",
		[CONF_ADDRESS] = "address",
		[CONF_HEADER] = "header name",
		[CONF_ORIGIN] = "origin",
		[CONF_SECRET] = "secret",
		[CONF_CONNINFO] = "conninfo",
		[CONF_BOOL] = "boolean",
		[CONF_NUMBER] = "number",
		[CONF_DURATION] = "duration",
		[CONF_SIZE] = "size",
		[CONF_WORKERS] = "auto or number",
		[CONF_LOG_TO] = "stderr, syslog or path",
		[CONF_LOG_LEVEL] = "error, warn, info or debug",
		[CONF_SANDBOX] = "enforce, require, log or off",
		[CONF_LOG_FORMAT] = "text or json",
		[CONF_REQUEST_LOGS] = "full, rollup or off",
		[CONF_LISTENERS] = "list of listeners",
		[CONF_NETS] = "list of networks",
		[CONF_NAMES] = "list of texts",
		[CONF_CERTIFICATES] = "list of certificates",
		[CONF_TLS_VERSION] = "1.2 or 1.3",
	};

	return names[t];
}

const struct conf_key *
conf_table_find(const struct conf_table *t, struct str name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(name, str_c(t->keys[i].name)))
			return &t->keys[i];
	return NULL;
}

static bool
is_inside(const char *name, struct str section)
{
	return strncmp(name, section.p, section.n) == 0 && name[section.n] == '.';
}

bool
conf_table_has_section(const struct conf_table *t, struct str name)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_inside(t->keys[i].name, name))
			return true;
	return false;
}

static struct str
leaf(struct str name)
{
	struct str	part = name;

	while (str_cut(&name, '.', &part))
		;
	return part;
}

/* The sections of one key's name, outermost first: "webhooks", "webhooks.dialpad". */
static void
offer_sections(struct suggest *s, const char *name, char section[CONF_NAME_SIZE])
{
	size_t	before = s->distance;
	char	part[CONF_NAME_SIZE];

	for (size_t i = 0; name[i] != '\0' && i < CONF_NAME_SIZE; i++) {
		part[i] = '\0';
		if (name[i] == '.')
			suggest_offer(s, part);
		if (s->distance < before) {
			memcpy(section, part, i + 1);
			s->best = section;
			return;
		}
		part[i] = name[i];
	}
}

const char *
conf_table_nearest(const struct conf_table *t, struct str name, char section[CONF_NAME_SIZE])
{
	struct suggest	s;

	suggest_begin(&s, name);
	for (size_t i = 0; i < t->n; i++) {
		suggest_offer(&s, t->keys[i].name);
		offer_sections(&s, t->keys[i].name, section);
	}
	/* Right word, wrong section. */
	for (size_t i = 0; i < t->n && s.best == NULL; i++)
		if (suggest_distance(leaf(name), leaf(str_c(t->keys[i].name))) <= 1)
			s.best = t->keys[i].name;
	return s.best;
}

void
conf_key_number(const struct conf_key *k, int64_t v, char *out, size_t size)
{
	static const struct unit { int64_t value; const char *name; } times[] = {
		{ DAYS(1), "d" }, { HOURS(1), "h" }, { MINUTES(1), "m" }, { SECONDS(1), "s" }, { MS(1), "ms" },
	}, sizes[] = {
		{ GB(1), "G" }, { MB(1), "M" }, { KB(1), "K" }, { 1, "" },
	}, plain[] = {
		{ 1, "" },
	};
	const struct unit	*u = plain;

	if (k->type == CONF_DURATION)
		u = times;
	else if (k->type == CONF_SIZE)
		u = sizes;
	while (u->value > 1 && (v == 0 || v % u->value != 0))
		u++;
	snprintf(out, size, "%lld%s", (long long)(v / u->value), u->name);
}

void
conf_key_bounds(const struct conf_key *k, char out[CONF_BOUNDS_SIZE])
{
	char	low[CONF_BOUNDS_SIZE / 2 - 2], high[CONF_BOUNDS_SIZE / 2 - 2];

	if (k->min == 0 && k->max == 0) {
		snprintf(out, CONF_BOUNDS_SIZE, "-");
		return;
	}
	conf_key_number(k, k->min, low, sizeof(low));
	conf_key_number(k, k->max, high, sizeof(high));
	snprintf(out, CONF_BOUNDS_SIZE, "%s..%s", low, high);
}

static void
print_table(FILE *out, const char *prefix, const struct conf_table *t)
{
	char	bounds[CONF_BOUNDS_SIZE];

	for (size_t i = 0; i < t->n; i++) {
		const struct conf_key	*k = &t->keys[i];

		conf_key_bounds(k, bounds);
		fprintf(out, "%s%s\t%s\t%s\t%s\t%s\t%s\n", prefix, k->name, conf_type_name(k->type),
		    k->initial != NULL ? k->initial : "-", bounds, k->when == CONF_RESTART ? "restart" : "reload",
		    k->help);
	}
}

void
conf_print_keys(FILE *out)
{
	print_table(out, "", &conf_keys);
	print_table(out, "listen[].", &conf_listen_keys);
	print_table(out, "tls.certificates[].", &conf_certificate_keys);
}
