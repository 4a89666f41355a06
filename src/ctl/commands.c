/*
 * commands: nouns, verbs, words and options as data. The parser, the help, the shells' completion and the check of the
 * manual page all read this; a command exists when it stands here.
 */
#include <sys/types.h>

#include "base/count.h"
#include "ctl/commands.h"
#include "ctl/nouns.h"
#include "ctl/paths.h"

#define DAY_MS		((int64_t)86400000)
#define OPTIONS(list)	list, COUNT(list)
#define NO_OPTIONS	NULL, 0

#define LIMIT(most, usual)									\
	{ .name = "limit", .type = OPTION_NUMBER, .value = "N", .min = 1, .max = (most), .def = usual,	\
	    .help = "show at most N (" usual ")" }

static const struct option globals[] = {
	{ .name = "config", .letter = 'f', .type = OPTION_FILE, .value = "FILE", .def = RINGD_CONF_PATH,
	    .help = "the daemon's configuration (" RINGD_CONF_PATH ")" },
	{ .name = "database", .type = OPTION_TEXT, .value = "URL",
	    .help = "the database, as its owner; with a password rather RINGCTL_DATABASE_URL or database.owner_url" },
	{ .name = "json", .type = OPTION_FLAG, .help = "answer with one JSON document" },
};

static const struct option migrate_options[] = {
	{ .name = "status", .type = OPTION_FLAG,
	    .help = "only show what is applied and what is pending; exit 1 if any is" },
	{ .name = "dir", .type = OPTION_DIR, .value = "DIR",
	    .help = "where NNNN_name.sql are (RINGD_SQL_DIR, else " SQLDIR ", else ./sql)" },
};

static const struct option key_create_options[] = {
	{ .name = "kind", .type = OPTION_CHOICE, .choices = "server", .def = "server",
	    .help = "who will hold it (server)" },
	{ .name = "scopes", .type = OPTION_CHOICES, .choices = "read|dial|connect", .def = "read",
	    .help = "what it may do (read)" },
	{ .name = "expires", .type = OPTION_FUTURE, .value = "T",
	    .help = "good until then: 90d, or an RFC 3339 time (never)" },
	{ .name = "note", .type = OPTION_TEXT, .value = "TEXT",
	    .help = "where it is used, for whoever reads the list" },
	{ .name = "rate-limit", .type = OPTION_TEXT, .value = "RATE", .def = "default",
	    .help = "requests per window: 5000/15m, off, or as configured (default)" },
};

static const struct option key_list_options[] = {
	{ .name = "unused", .type = OPTION_PAST, .value = "T",
	    .help = "only usable keys made before and not used since then: 90d, or an RFC 3339 time" },
};

static const struct option key_check_options[] = {
	{ .name = "key-file", .type = OPTION_FILE, .value = "FILE",
	    .help = "read the key there instead of standard input" },
};

#define CLIENT_OPTIONS										\
	{ .name = "origin", .type = OPTION_TEXTS, .value = "URL",				\
	    .help = "pages it is for: https://crm.example.com, https://*.example.com; may be given again" },	\
	{ .name = "monthly-limit", .type = OPTION_TEXT, .value = "N",				\
	    .help = "calls a calendar month, in UTC, or none" },				\
	{ .name = "insecure", .type = OPTION_FLAG,						\
	    .help = "allow http:// pages of other hosts than this one, whose keys and calls anybody on the way can read" }

static const struct option client_create_options[] = {
	CLIENT_OPTIONS,
	{ .name = "note", .type = OPTION_TEXT, .value = "TEXT",
	    .help = "where it is used, for whoever reads the list" },
};

static const struct option client_change_options[] = {
	CLIENT_OPTIONS,
};

static const struct option session_options[] = {
	{ .name = "agent", .type = OPTION_TEXT, .value = "AGENTID", .help = "all of this agent" },
};

static const struct option agent_token_options[] = {
	{ .name = "for", .type = OPTION_DURATION, .value = "T", .min = 1000, .max = 3600000, .def = "15m",
	    .help = "how long it is good (15m)" },
};

static const struct option hook_create_options[] = {
	{ .name = "provider", .type = OPTION_CHOICE, .choices = "dialpad|exotel", .def = "dialpad",
	    .help = "who will post (dialpad)" },
	{ .name = "basic", .type = OPTION_FLAG,
	    .help = "for Exotel: with a secret, to be sent as the password of HTTP Basic" },
	{ .name = "name", .type = OPTION_TEXT, .value = "NAME", .help = "to tell hooks apart (the provider's name)" },
	{ .name = "org-id", .type = OPTION_TEXT, .value = "ID",
	    .help = "the company deliveries without hook address may name" },
	{ .name = "base-url", .type = OPTION_URL, .value = "URL",
	    .help = "how the provider reaches this server; put before the path" },
};

#define ADMIN											\
	{ .name = "admin", .type = OPTION_TEXT, .value = "ADDRESS",				\
	    .help = "the admin listener: unix:/path, 127.0.0.1:9090 or a URL (admin.listen of the configuration)" }
#define WAIT											\
	{ .name = "wait", .type = OPTION_DURATION, .value = "T", .min = 0, .max = DAY_MS, .def = "30s",	\
	    .help = "how long to wait for Dialpad (30s)" }
#define IDLE											\
	{ .name = "idle", .type = OPTION_DURATION, .value = "T", .min = 0, .max = 30 * DAY_MS, .def = "24h",	\
	    .help = "idle is what no event has used for so long (24h)" }

static const struct option hook_rotate_options[] = {
	{ .name = "overlap", .type = OPTION_DURATION, .value = "T", .min = 0, .max = 30 * DAY_MS, .def = "24h",
	    .help = "how long the old secret stays good beside the new one (24h)" },
	{ .name = "when-idle", .type = OPTION_FLAG,
	    .help = "no new secret: ends old ones that no event uses any more, of HOOKID, of APP, or of all; exit 1 if any is in use" },
	IDLE,
	ADMIN,
	WAIT,
};

static const struct option hook_secrets_options[] = {
	IDLE,
};

static const struct option calls_options[] = {
	{ .name = "active", .type = OPTION_FLAG, .help = "only ringing and active ones" },
	{ .name = "watch", .type = OPTION_FLAG,
	    .help = "look again each second until Ctrl-C; into a pipe: a line per change" },
	LIMIT(1000, "50"),
};

static const struct option events_list_options[] = {
	LIMIT(1000, "50"),
	{ .name = "since", .type = OPTION_PAST, .value = "T", .def = "24h",
	    .help = "received since: 7d, or an RFC 3339 time (24h)" },
	{ .name = "unrouted", .type = OPTION_FLAG, .help = "only those no app could be found for" },
};

static const struct option events_show_options[] = {
	{ .name = "raw", .type = OPTION_FLAG, .help = "only the payload, byte for byte as it came" },
};

static const struct option events_dead_options[] = {
	LIMIT(1000, "50"),
};

static const struct option events_replay_options[] = {
	{ .name = "dead", .type = OPTION_FLAG, .help = "all dead ones, of APP when given" },
	{ .name = "since", .type = OPTION_PAST, .value = "T",
	    .help = "all of APP received since then: 2h, or an RFC 3339 time" },
	{ .name = "until", .type = OPTION_PAST, .value = "T", .help = "and before then (now)" },
};

static const struct option fire_options[] = {
	{ .name = "url", .type = OPTION_URL, .value = "URL", .help = "the hook's whole address; needed" },
	{ .name = "secret-file", .type = OPTION_FILE, .value = "FILE",
	    .help = "holds the secret to sign with (RINGCTL_FIRE_SECRET)" },
	{ .name = "dialect", .type = OPTION_CHOICE, .choices = "jwt|seed", .def = "jwt",
	    .help = "jwt: body is a JWT, as Dialpad; seed: event_type and a signature header (jwt)" },
	{ .name = "encoding", .type = OPTION_CHOICE, .choices = "hex|sha256|base64", .def = "hex",
	    .help = "of the header (hex)" },
	{ .name = "header", .type = OPTION_TEXT, .value = "NAME", .def = "x-dialpad-signature",
	    .help = "name of the header" },
	{ .name = "scenario", .type = OPTION_CHOICE, .choices = "inbound|missed|voicemail|queue|outbound|all",
	    .def = "inbound", .help = "the calls to play; all takes each in turn (inbound)" },
	{ .name = "file", .type = OPTION_FILE, .value = "FILE",
	    .help = "send its lines, a JSON payload each, instead of a scenario" },
	{ .name = "calls", .type = OPTION_NUMBER, .value = "N", .min = 1, .max = 100000, .def = "1",
	    .help = "how many calls (1)" },
	{ .name = "shuffle", .type = OPTION_FLAG, .help = "send in random order" },
	{ .name = "double", .type = OPTION_FLAG, .help = "send each event twice" },
	{ .name = "rate", .type = OPTION_NUMBER, .value = "N", .min = 1, .max = 100000,
	    .help = "begin at most N a second" },
	{ .name = "concurrency", .type = OPTION_NUMBER, .value = "N", .min = 1, .max = 512, .def = "1",
	    .help = "requests under way at once; with 1 events arrive in order (1)" },
	{ .name = "timeout", .type = OPTION_DURATION, .value = "T", .min = 1, .max = DAY_MS, .def = "10s",
	    .help = "of a request (10s)" },
	{ .name = "seed", .type = OPTION_NUMBER, .value = "N", .min = 0, .max = INT64_MAX,
	    .help = "the same random choices each time" },
	{ .name = "ca-file", .type = OPTION_FILE, .value = "FILE", .help = "certificates to trust for https" },
};

static const struct option connect_url_options[] = {
	{ .name = "return-to", .type = OPTION_URL, .value = "URL",
	    .help = "where the browser goes when it is done; one of dialpad.return_to" },
	{ .name = "expires", .type = OPTION_DURATION, .value = "T", .min = 60000, .max = 7 * DAY_MS, .def = "1h",
	    .help = "how long the link may be opened (1h)" },
};

static const struct option gap_list_options[] = {
	{ .name = "open", .type = OPTION_FLAG, .help = "only what waits to be asked for" },
	LIMIT(1000, "50"),
};

static const struct option gap_repair_options[] = {
	{ .name = "from", .type = OPTION_PAST, .value = "T", .help = "the span's beginning: 2h, or an RFC 3339 time; needed" },
	{ .name = "to", .type = OPTION_PAST, .value = "T", .help = "and its end (now)" },
	{ .name = "wait", .type = OPTION_FLAG, .help = "until it is done, showing how far it is" },
};

#define KEY_FILE										\
	{ .name = "key-file", .type = OPTION_FILE, .value = "FILE",				\
	    .help = "the key ring (courier.key_file of the configuration)" }

static const struct option exotel_options[] = {
	{ .name = "credentials-file", .type = OPTION_FILE, .value = "FILE",
	    .help = "holds them, as JSON or as lines NAME=VALUE; asked for on a terminal, else read from standard input" },
	KEY_FILE,
};

static const struct option agent_add_options[] = {
	{ .name = "name", .type = OPTION_TEXT, .value = "NAME", .help = "what people call them" },
	{ .name = "email", .type = OPTION_TEXT, .value = "ADDRESS", .help = "their e-mail address" },
	{ .name = "phone", .type = OPTION_TEXT, .value = "NUMBER", .help = "their telephone, E.164; needed for callback" },
	{ .name = "mode", .type = OPTION_CHOICE, .choices = "webrtc|callback", .def = "webrtc",
	    .help = "webrtc: speaks in the browser; callback: their telephone rings first (webrtc)" },
	{ .name = "exotel-user", .type = OPTION_TEXT, .value = "ID", .help = "their AppUserId at Exotel (AGENTID)" },
	{ .name = "sip-user", .type = OPTION_TEXT, .value = "USER", .help = "their SIP user at Exotel; needed for webrtc" },
	{ .name = "sip-secret-file", .type = OPTION_FILE, .value = "FILE",
	    .help = "holds their SIP password; asked for on a terminal, else read from standard input" },
	KEY_FILE,
};

static const struct option status_options[] = {
	ADMIN,
};

static const struct option disconnect_options[] = {
	ADMIN,
	WAIT,
	{ .name = "forget", .type = OPTION_FLAG,
	    .help = "only here, asking neither ringd nor Dialpad: for when one of them cannot be had any more" },
};

static const struct option keyring_add_options[] = {
	KEY_FILE,
};

static const struct option keyring_options[] = {
	KEY_FILE,
	ADMIN,
};

static const struct option keyring_drop_options[] = {
	KEY_FILE,
	ADMIN,
	{ .name = "stopped", .type = OPTION_FLAG, .help = "no ringd runs on this key ring: do not insist on asking it" },
};

static const struct option change_options[] = {
	{ .name = "pid-file", .type = OPTION_FILE, .value = "FILE", .help = "the daemon's (pid_file of the configuration)" },
	{ .name = "timeout", .type = OPTION_DURATION, .value = "T", .min = 1000, .max = DAY_MS, .def = "2m",
	    .help = "how long to wait for the outcome (2m)" },
};

/* The folders of src/ that the daemon is made of, and main; a test compares. */
#define MODULES	"api|base|conf|courier|crypt|db|http|link|loop|main|model|net|os|proc|providers|reaper|worker"
#define OF_MODULE										\
	{ .name = "module", .type = OPTION_CHOICE, .choices = MODULES, .help = "lines of this part of the program" }
#define OF_APP											\
	{ .name = "app", .type = OPTION_TEXT, .value = "APP", .help = "lines about this app's requests and events" }

static const struct option log_set_options[] = {
	OF_MODULE, OF_APP, ADMIN,
	{ .name = "for", .type = OPTION_DURATION, .value = "T", .min = 1, .max = 7 * DAY_MS,
	    .help = "and then as before: 10m (until it is taken back, or ringd ends)" },
};

static const struct option log_reset_options[] = {
	OF_MODULE, OF_APP, ADMIN,
};

static const struct option requests_options[] = {
	{ .name = "since", .type = OPTION_PAST, .value = "T", .def = "1h",
	    .help = "since then: 24h, or an RFC 3339 time (1h)" },
};

static const struct option usage_options[] = {
	{ .name = "month", .type = OPTION_TEXT, .value = "YYYY-MM", .help = "of this month, in UTC (the current one)" },
	{ .name = "csv", .type = OPTION_FLAG, .help = "as CSV, for a spreadsheet or a bill" },
};

static const struct option audit_show_options[] = {
	{ .name = "since", .type = OPTION_PAST, .value = "T", .help = "since then: 7d, or an RFC 3339 time" },
	{ .name = "action", .type = OPTION_TEXT, .value = "ACTION", .help = "only this: key.create, ribbon.init" },
	LIMIT(1000, "50"),
};

static const struct option audit_verify_options[] = {
	{ .name = "head", .type = OPTION_TEXT, .value = "SEQ:HASH",
	    .help = "a head of APP that was noted elsewhere: what was before it must still be" },
};

static const struct command commands[] = {
	{ "migrate", NULL, "", 0, 0, OPTIONS(migrate_options), false,
	    "brings the database to this release: applies what is missing of NNNN_name.sql, in order", ctl_migrate },

	{ "app", "create", "NAME", 1, 1, NO_OPTIONS, true, "a new tenant and its first API key", ctl_app_create },
	{ "app", "list", "", 0, 0, NO_OPTIONS, false, "all tenants", ctl_app_list },
	{ "app", "disable", "APP", 1, 1, NO_OPTIONS, false, "its keys are refused from now on", ctl_app_disable },
	{ "app", "enable", "APP", 1, 1, NO_OPTIONS, false, "undoes disable", ctl_app_enable },

	{ "key", "create", "APP", 1, 1, OPTIONS(key_create_options), true, "one more API key", ctl_key_create },
	{ "key", "list", "APP", 1, 1, OPTIONS(key_list_options), false, "an app's keys, without the keys", ctl_key_list },
	{ "key", "limit", "APP KEYID RATE", 3, 3, NO_OPTIONS, false,
	    "a limit of its own: 5000/15m; off for none, default for the configured one", ctl_key_limit },
	{ "key", "revoke", "APP KEYID", 2, 2, NO_OPTIONS, false, "ends a key, for good", ctl_key_revoke },
	{ "key", "check", "", 0, 0, OPTIONS(key_check_options), false,
	    "says whether a key, read from standard input, would be let in and why not", ctl_key_check },

	{ "client", "create", "APP", 1, 1, OPTIONS(client_create_options), true,
	    "a browser key for the call ribbon, good on the pages named", ctl_client_create },
	{ "client", "list", "APP", 1, 1, NO_OPTIONS, false, "an app's browser keys and what they have used this month", ctl_client_list },
	{ "client", "change", "APP KEYID", 2, 2, OPTIONS(client_change_options), false,
	    "other pages instead of those it has, another limit, or both", ctl_client_change },
	{ "client", "revoke", "APP KEYID", 2, 2, NO_OPTIONS, false,
	    "ends a browser key and all its sessions, for good", ctl_client_revoke },
	{ "agent", "token", "APP AGENTID", 2, 2, OPTIONS(agent_token_options), false,
	    "what the CRM's server gives an agent's page, for trying the ribbon out", ctl_agent_token },
	{ "session", "list", "APP", 1, 1, OPTIONS(session_options), false, "who has a ribbon open", ctl_session_list },
	{ "session", "revoke", "APP [SESSIONID]", 1, 2, OPTIONS(session_options), false,
	    "ends a session, or all of an agent, at once", ctl_session_revoke },

	{ "hook", "create", "APP", 1, 1, OPTIONS(hook_create_options), true, "an address and a secret for a provider",
	    ctl_hook_create },
	{ "hook", "list", "APP", 1, 1, NO_OPTIONS, false, "an app's hooks", ctl_hook_list },
	{ "hook", "rotate", "[APP [HOOKID]]", 0, 2, OPTIONS(hook_rotate_options), true,
	    "a new secret for a hook; the old one stays for a while", ctl_hook_rotate },
	{ "hook", "secrets", "[APP]", 0, 1, OPTIONS(hook_secrets_options), false,
	    "which secrets events still use", ctl_hook_secrets },
	{ "hook", "disable", "APP HOOKID", 2, 2, NO_OPTIONS, false,
	    "its deliveries are refused from now on", ctl_hook_disable },
	{ "hook", "enable", "APP HOOKID", 2, 2, NO_OPTIONS, false, "undoes disable", ctl_hook_enable },

	{ "dialpad", "connect-url", "APP", 1, 1, OPTIONS(connect_url_options), true,
	    "a link that connects APP with a Dialpad company, once", ctl_dialpad_connect_url },
	{ "dialpad", "refresh", "APP", 1, 1, OPTIONS(status_options), false,
	    "renews the app's token now", ctl_dialpad_refresh },
	{ "dialpad", "disconnect", "APP", 1, 1, OPTIONS(disconnect_options), false,
	    "takes subscription and webhook away at Dialpad, gives the grant back, forgets the tokens", ctl_dialpad_disconnect },
	{ "dialpad", "status", "[APP]", 0, 1, NO_OPTIONS, false, "connections and how they are", ctl_dialpad_status },

	{ "exotel", "link", "APP", 1, 1, OPTIONS(exotel_options), true,
	    "stores an account's credentials, sealed, and makes the address Exotel reports calls to", ctl_exotel_link },
	{ "exotel", "rotate", "APP", 1, 1, OPTIONS(exotel_options), false,
	    "other credentials for the same account; those that are not given stay", ctl_exotel_rotate },
	{ "exotel", "status", "[APP]", 0, 1, NO_OPTIONS, false, "accounts and how they are", ctl_exotel_status },
	{ "exotel", "unlink", "APP", 1, 1, NO_OPTIONS, false, "forgets an account's credentials", ctl_exotel_unlink },

	{ "agent", "add", "APP AGENTID", 2, 2, OPTIONS(agent_add_options), false,
	    "somebody who may have a ribbon; AGENTID is what the CRM calls them", ctl_agent_add },
	{ "agent", "list", "APP", 1, 1, NO_OPTIONS, false, "an app's agents", ctl_agent_list },
	{ "agent", "sync", "APP", 1, 1, OPTIONS(status_options), false,
	    "has the courier fetch the agents from Exotel", ctl_agent_sync },
	{ "agent", "disable", "APP AGENTID", 2, 2, NO_OPTIONS, false,
	    "may neither call nor register from now on", ctl_agent_disable },
	{ "agent", "enable", "APP AGENTID", 2, 2, NO_OPTIONS, false, "undoes disable", ctl_agent_enable },

	{ "gap", "list", "[APP]", 0, 1, OPTIONS(gap_list_options), false,
	    "spans in which events may have been lost, and what was found, newest first", ctl_gap_list },
	{ "gap", "repair", "APP", 1, 1, OPTIONS(gap_repair_options), false,
	    "has the courier ask Dialpad for the calls of a span", ctl_gap_repair },

	{ "calls", NULL, "APP", 1, 1, OPTIONS(calls_options), false, "an app's calls, newest first", ctl_calls },

	{ "events", "list", "[APP]", 0, 1, OPTIONS(events_list_options), false,
	    "deliveries, newest first", ctl_events_list },
	{ "events", "show", "ID", 1, 1, OPTIONS(events_show_options), false,
	    "one delivery with its payload", ctl_events_show },
	{ "events", "dead", "[APP]", 0, 1, OPTIONS(events_dead_options), false,
	    "those given up on, and why", ctl_events_dead },
	{ "events", "replay", "[ID ... | APP]", 0, -1, OPTIONS(events_replay_options), false,
	    "puts events back into the queue: IDs, or --dead [APP], or APP --since T", ctl_events_replay },

	{ "requests", NULL, "[APP]", 0, 1, OPTIONS(requests_options), false,
	    "API requests of each app; of APP by route and status", ctl_requests },

	{ "usage", NULL, "[APP]", 0, 1, OPTIONS(usage_options), false,
	    "calls each client of the ribbon started in a month, and those its limit refused", ctl_usage },

	{ "audit", "show", "[APP]", 0, 1, OPTIONS(audit_show_options), false,
	    "what was done, and by whom, newest first", ctl_audit_show },
	{ "audit", "verify", "[APP]", 0, 1, OPTIONS(audit_verify_options), false,
	    "is the log as it was written? else the first row that does not fit, and why; exit 1", ctl_audit_verify },
	{ "audit", "head", "[APP]", 0, 1, NO_OPTIONS, false,
	    "the head of each chain, to be noted where nobody who may change the log can", ctl_audit_head },

	{ "log", "show", "", 0, 0, OPTIONS(status_options), false,
	    "the running daemon's log levels", ctl_log_show },
	{ "log", "set", "LEVEL", 1, 1, OPTIONS(log_set_options), false,
	    "error, warn, info or debug from now on, for all, a module, an app or both", ctl_log_set },
	{ "log", "reset", "", 0, 0, OPTIONS(log_reset_options), false,
	    "takes back what exactly these options set; without any, everything", ctl_log_reset },

	{ "fire", NULL, "", 0, 0, OPTIONS(fire_options), false,
	    "plays a provider: sends signed events to a hook", ctl_fire },
	{ "status", NULL, "", 0, 0, OPTIONS(status_options), false,
	    "the running daemon: processes, queue, latencies; exit 0 when ready", ctl_status },

	{ "keyring", "add", "", 0, 0, OPTIONS(keyring_add_options), false,
	    "a new master key, which encrypts from the next reload on", ctl_keyring_add },
	{ "keyring", "status", "", 0, 0, OPTIONS(keyring_options), false,
	    "the keys, and how many values in the database are sealed with each", ctl_keyring_status },
	{ "keyring", "rekey", "", 0, 0, OPTIONS(keyring_options), false,
	    "the running courier seals everything anew with the newest key; may be interrupted and run again",
	    ctl_keyring_rekey },
	{ "keyring", "drop", "KEYID", 1, 1, OPTIONS(keyring_drop_options), false,
	    "takes a key that seals nothing any more out of the file", ctl_keyring_drop },

	{ "courier", "status", "", 0, 0, OPTIONS(status_options), false,
	    "what the running courier holds and does", ctl_courier_status },
	{ "courier", "probe", "[PROVIDER]", 0, 1, OPTIONS(status_options), false,
	    "can the courier reach dialpad (or exotel, exotel-api), and what is in the way? exit 0 when it answers",
	    ctl_courier_probe },

	{ "reload", NULL, "", 0, 0, OPTIONS(change_options), false,
	    "the daemon takes its configuration anew; says what changed, or why nothing did", ctl_reload },
	{ "upgrade", NULL, "", 0, 0, OPTIONS(change_options), false,
	    "the program on disk takes over from the running one; or the running one stays", ctl_upgrade },

	{ "config", "check", "", 0, 0, NO_OPTIONS, false,
	    "reads the configuration as ringd -n does", ctl_config_check },
	{ "config", "keys", "", 0, 0, NO_OPTIONS, false, "every key it may hold", ctl_config_keys },

	{ "help", NULL, "[NOUN]", 0, 1, NO_OPTIONS, false, "this, or all about one noun", ctl_help },
	{ "version", NULL, "", 0, 0, NO_OPTIONS, false, "the release, and the schema it needs", ctl_version },
};

const struct command_table ctl_commands = {
	commands, COUNT(commands), globals, COUNT(globals),
};
