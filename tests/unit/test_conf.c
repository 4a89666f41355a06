/*
 * Loading a configuration: what is taken, what is refused and where the refusal points, what may never be seen in it.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/count.h"
#include "conf/conf.h"

#define SAMPLE	"etc/ringd.yaml"	/* the programs run in the top folder */
#define DATABASE \
	"database:\n  worker_url: postgresql://w@/r\n  reaper_url: postgresql://p@/r\n"
#define MINIMAL	"listen: 127.0.0.1:8080\n" DATABASE

static char	folder[] = "/tmp/ringd-conf-XXXXXX";
static char	path[PATH_MAX];		/* of the configuration */

static const char *
beside(const char *name)
{
	static char	out[PATH_MAX];

	snprintf(out, sizeof(out), "%s/%s", folder, name);
	return out;
}

static void
put_bytes(const char *name, mode_t mode, const void *p, size_t n)
{
	FILE	*f = fopen(beside(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(beside(name), mode), 0);
}

static void
put(const char *name, mode_t mode, const char *text)
{
	put_bytes(name, mode, text, strlen(text));
}

static int
make_folder(void **unused)
{
	(void)unused;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/ringd.yaml", folder);
	return 0;
}

static int
remove_folder(void **unused)
{
	DIR		*d = opendir(folder);
	struct dirent	*e;

	(void)unused;
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlink(beside(e->d_name));
	if (d != NULL)
		closedir(d);
	return rmdir(folder);
}

static struct conf *
taken(const char *text)
{
	struct conf_error	 err;
	struct conf		*c;

	put("ringd.yaml", 0600, text);
	if ((c = conf_load(path, &err)) == NULL)
		fail_msg("refused: %s\n%s", err.text, text);
	return c;
}

static void
is_taken(const char *text)
{
	conf_free(taken(text));
}

/* Loads what stands in the file already; the error must be exactly "path:where", for as far as `where` goes. */
static void
file_is_refused(const char *text, const char *where)
{
	struct conf_error	err;
	char			want[PATH_MAX + 512];

	if (conf_load(path, &err) != NULL)
		fail_msg("taken, but expected %s\n%s", where, text);
	snprintf(want, sizeof(want), "%s:%s", path, where);
	if (strncmp(err.text, want, strlen(want)) != 0)
		fail_msg("expected %s\nbut got  %s\nfor\n%s", want, err.text, text);
}

static void
is_refused(const char *text, const char *where)
{
	put("ringd.yaml", 0600, text);
	file_is_refused(text, where);
}

static void
test_minimal_has_defaults(void **unused)
{
	struct conf	*c = taken(MINIMAL);

	(void)unused;
	assert_string_equal(c->path, path);
	assert_null(c->user);
	assert_null(c->pid_file);
	assert_int_equal(c->sandbox, CONF_SANDBOX_ENFORCE);
	assert_false(c->core_dumps);
	assert_in_range(c->workers, 1, CONF_MAX_WORKERS);
	assert_int_equal(c->log_target, LOG_TO_STDERR);
	assert_int_equal(c->log_level, LEVEL_INFO);
	assert_true(c->log_access);
	assert_int_equal(c->log_format, LOG_AS_TEXT);
	assert_true(c->log_mask_numbers);
	assert_int_equal(c->request_logs, REQUEST_LOGS_FULL);
	assert_true(c->request_logs_client);
	assert_int_equal(c->nlisten, 1);
	assert_string_equal(c->listen[0].address, "127.0.0.1:8080");
	assert_false(c->listen[0].proxy_protocol);
	assert_int_equal(c->nadmin, 0);
	assert_int_equal(c->ntrusted, 0);
	assert_string_equal(secret_bytes(&c->worker_url).p, "postgresql://w@/r");
	assert_string_equal(secret_bytes(&c->reaper_url).p, "postgresql://p@/r");
	assert_false(secret_present(&c->owner_url));
	assert_int_equal(c->db_statement_timeout_ms, 2000);
	assert_int_equal(c->http_body_bytes, 1024 * 1024);
	assert_int_equal(c->http_idle_timeout_ms, 75000);
	assert_string_equal(c->dialpad_signature_header, "x-dialpad-signature");
	assert_false(c->dialpad_allow_unsigned);
	assert_int_equal(c->reaper_retry_max_ms, 600000);
	assert_int_equal(c->partitions_ahead_days, 14);
	conf_free(c);
}

/* Every number of the table gets a value of its own, so that no row can fill another row's field. */
static void
test_every_number_reaches_its_field(void **unused)
{
	struct conf	*c = taken("workers: 3\n"
	    "listen: 127.0.0.1:1\n"
	    "database: {worker_url: a=1, reaper_url: a=2, owner_url: a=3, connect_timeout: 401ms,"
	    " statement_timeout: 402ms, job_timeout: 403ms, queue: 404, reconnect_min: 405ms, reconnect_max: 406ms}\n"
	    "http: {header_bytes: 2501, header_count: 502, url_bytes: 503, body_bytes: 2504, header_timeout: 505ms,"
	    " body_timeout: 506ms, idle_timeout: 507ms, write_timeout: 508ms, connections: 509, reserve_fds: 510,"
	    " drain_timeout: 511ms, requests_per_connection: 512}\n"
	    "json: {depth: 61, tokens: 602}\n"
	    "webhooks: {batch_rows: 7, batch_bytes: 7020, queue_bytes: 70300, refresh: 704ms, secret_trials: 705}\n"
	    "api: {default_limit: 81, max_limit: 82, max_offset: 803, total_cap: 804}\n"
	    "reaper: {batch: 901, poll: 902ms, max_attempts: 93, retry_min: 904ms, retry_max: 905ms}\n"
	    "retention: {events_days: 101, dedupe_days: 102, partitions_ahead: 103}\n");
	const struct { int64_t have, want; } pairs[] = {
		{ c->workers, 3 },
		{ c->db_connect_timeout_ms, 401 }, { c->db_statement_timeout_ms, 402 }, { c->db_job_timeout_ms, 403 },
		{ c->db_queue, 404 }, { c->db_reconnect_min_ms, 405 }, { c->db_reconnect_max_ms, 406 },
		{ c->http_header_bytes, 2501 }, { c->http_header_count, 502 }, { c->http_url_bytes, 503 },
		{ c->http_body_bytes, 2504 }, { c->http_header_timeout_ms, 505 }, { c->http_body_timeout_ms, 506 },
		{ c->http_idle_timeout_ms, 507 }, { c->http_write_timeout_ms, 508 }, { c->http_connections, 509 },
		{ c->http_reserve_fds, 510 }, { c->http_drain_timeout_ms, 511 },
		{ c->http_requests_per_connection, 512 },
		{ c->json_depth, 61 }, { c->json_tokens, 602 },
		{ c->webhook_batch_rows, 7 }, { c->webhook_batch_bytes, 7020 }, { c->webhook_queue_bytes, 70300 },
		{ c->webhook_refresh_ms, 704 }, { c->webhook_secret_trials, 705 },
		{ c->api_default_limit, 81 }, { c->api_max_limit, 82 }, { c->api_max_offset, 803 },
		{ c->api_total_cap, 804 },
		{ c->reaper_batch, 901 }, { c->reaper_poll_ms, 902 }, { c->reaper_max_attempts, 93 },
		{ c->reaper_retry_min_ms, 904 }, { c->reaper_retry_max_ms, 905 },
		{ c->events_keep_days, 101 }, { c->dedupe_keep_days, 102 }, { c->partitions_ahead_days, 103 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(pairs); i++)
		assert_int_equal(pairs[i].have, pairs[i].want);
	assert_string_equal(secret_bytes(&c->worker_url).p, "a=1");
	assert_string_equal(secret_bytes(&c->reaper_url).p, "a=2");
	assert_string_equal(secret_bytes(&c->owner_url).p, "a=3");
	conf_free(c);
}

static void
test_every_other_value_reaches_its_field(void **unused)
{
	struct conf	*c = taken("user: \"ringd\"\ngroup: telephony\npid_file: /run/r.pid\n"
	    "sandbox: off\ncore_dumps: true\n"
	    "log: {to: /var/log/r.log, level: debug, access: false, format: json, mask_numbers: false}\n"
	    "request_logs: {mode: off, client: false}\n"
	    "listen:\n  - address: '*:80'\n    proxy_protocol: true\n    insecure: true\n  - unix:/run/r.sock\n"
	    "admin:\n  listen:\n    - address: localhost:81\n"
	    "proxy:\n  trusted: [10.0.0.0/8, unix]\n"
	    "webhooks:\n  dialpad:\n    signature_header: X-Sign_1\n    secret: one\n    previous_secret: two\n"
	    "    allow_unsigned: true\n" DATABASE);

	(void)unused;
	assert_string_equal(c->user, "ringd");
	assert_string_equal(c->group, "telephony");
	assert_string_equal(c->pid_file, "/run/r.pid");
	assert_int_equal(c->sandbox, CONF_SANDBOX_OFF);
	assert_true(c->core_dumps);
	assert_int_equal(c->log_target, LOG_TO_FILE);
	assert_string_equal(c->log_file, "/var/log/r.log");
	assert_int_equal(c->log_level, LEVEL_DEBUG);
	assert_false(c->log_access);
	assert_int_equal(c->log_format, LOG_AS_JSON);
	assert_false(c->log_mask_numbers);
	assert_int_equal(c->request_logs, REQUEST_LOGS_OFF);
	assert_false(c->request_logs_client);
	assert_int_equal(c->nlisten, 2);
	assert_string_equal(c->listen[0].address, "*:80");
	assert_true(c->listen[0].proxy_protocol && c->listen[0].insecure);
	assert_string_equal(c->listen[1].address, "unix:/run/r.sock");
	assert_false(c->listen[1].proxy_protocol || c->listen[1].insecure);
	assert_int_equal(c->nadmin, 1);
	assert_string_equal(c->admin[0].address, "localhost:81");
	assert_int_equal(c->ntrusted, 2);
	assert_int_equal(c->trusted[0].bits, 8);
	assert_string_equal(c->dialpad_signature_header, "x-sign_1");
	assert_string_equal(secret_bytes(&c->dialpad_secret).p, "one");
	assert_string_equal(secret_bytes(&c->dialpad_previous_secret).p, "two");
	assert_true(c->dialpad_allow_unsigned);
	conf_free(c);
}

static void
test_absent_is_not_wrong(void **unused)
{
	struct conf	*c = taken("\xef\xbb\xbf"
	    "user: ~\nhttp:\nlog: {to: syslog, level: null}\nproxy:\n  trusted:\n" MINIMAL);

	(void)unused;
	assert_null(c->user);
	assert_int_equal(c->log_target, LOG_TO_SYSLOG);
	assert_int_equal(c->log_level, LEVEL_INFO);
	conf_free(c);
	c = taken("user: \"null\"\n" MINIMAL);
	assert_string_equal(c->user, "null");
	conf_free(c);
}

static void
test_environment(void **unused)
{
	struct conf	*c;

	(void)unused;
	setenv("RINGD_TEST_A", "ringd", 1);
	setenv("RINGD_TEST_B", "12", 1);
	setenv("RINGD_TEST_C", "true", 1);
	setenv("RINGD_TEST_EMPTY", "", 1);
	setenv("RINGD_TEST_SECRET", "geheim", 1);
	unsetenv("RINGD_TEST_UNSET");
	c = taken("user: !env RINGD_TEST_A\njson: {depth: !env RINGD_TEST_B}\n"
	    "webhooks: {dialpad: {allow_unsigned: !env 'RINGD_TEST_C', secret: !env RINGD_TEST_SECRET}}\n" MINIMAL);
	assert_string_equal(c->user, "ringd");
	assert_int_equal(c->json_depth, 12);
	assert_true(c->dialpad_allow_unsigned);
	assert_string_equal(secret_bytes(&c->dialpad_secret).p, "geheim");
	conf_free(c);
	is_refused("user: !env RINGD_TEST_UNSET", "1:7: environment variable RINGD_TEST_UNSET is not set");
	is_refused("user: !env RINGD_TEST_EMPTY", "1:7: environment variable RINGD_TEST_EMPTY is empty");
	is_refused("user: !env", "1:7: expected the name of an environment variable");
	is_refused("user: !env 1A", "1:7: expected the name of an environment variable");
	is_refused("user: !env A-B", "1:7: expected the name of an environment variable");
	is_refused("json: {depth: !env RINGD_TEST_A}", "1:15: \"json.depth\": expected a number, within 4..512");
}

/* "user: !file name" points at the value and says what is wrong with the file. */
static void
is_refused_for_its_file(const char *text, const char *name, const char *why)
{
	char	where[PATH_MAX + 256];

	snprintf(where, sizeof(where), "1:7: %s/%s %s", folder, name, why);
	is_refused(text, where);
}

static void
test_files(void **unused)
{
	static char	 big[64 * 1024 + 2];
	struct conf	*c;

	(void)unused;
	put("name", 0644, "ringd\n");
	put("crlf", 0644, "ringd\r\n");
	put("empty", 0644, "\n");
	put("lines", 0644, "a\n\n");
	c = taken("user: !file name\ngroup: !file crlf\n" MINIMAL);
	assert_string_equal(c->user, "ringd");
	assert_string_equal(c->group, "ringd");
	conf_free(c);
	is_refused_for_its_file("user: !file empty", "empty", "is empty");
	is_refused("user: !file lines", "1:7: \"user\": expected a text of one line");
	is_refused_for_its_file("user: !file nowhere", "nowhere", "cannot be opened: No such file");
	is_refused("user: !file ''", "1:7: expected a path after !file");
	is_refused("user: !file \"a\\nb\"", "1:7: expected a path after !file");
	assert_int_equal(mkfifo(beside("fifo"), 0600), 0);
	is_refused_for_its_file("user: !file fifo", "fifo", "is not a regular file");
	is_refused_for_its_file("user: !file .", ".", "is not a regular file");
	memset(big, 'a', sizeof(big));
	put_bytes("big", 0600, big, 64 * 1024);
	is_taken("webhooks: {dialpad: {secret: !file big}}\n" MINIMAL);
	put_bytes("big", 0600, big, 64 * 1024 + 1);
	is_refused_for_its_file("user: !file big", "big", "is larger than 65536 bytes");
}

static void
test_secret_files_are_closed_to_others(void **unused)
{
	char	where[PATH_MAX * 2 + 256];

	(void)unused;
	put("secret", 0640, "geheim\n");
	is_taken("webhooks: {dialpad: {secret: !file secret}}\n" MINIMAL);
	for (mode_t others = 1; others <= 4; others <<= 1) {
		put("secret", 0600 | others, "geheim\n");
		snprintf(where, sizeof(where), "1:30: %s/secret holds a secret and is open to every user (mode %04o); "
		    "mend it with: chmod o= %s/secret", folder, 0600 | (unsigned)others, folder);
		is_refused("webhooks: {dialpad: {secret: !file secret}}\n" MINIMAL, where);
	}
	put("secret", 0604, "a=1\n");
	snprintf(where, sizeof(where), "1:23: %s/secret holds a secret", folder);
	is_refused("database: {owner_url: !file secret}\n", where);
	is_taken("user: !file secret\n" MINIMAL);
}

static void
test_inline_secrets_want_a_closed_file(void **unused)
{
	const struct { const char *text; bool open; } cases[] = {
		{ MINIMAL, true },
		{ "user: ringd\n" MINIMAL, true },
		{ "webhooks: {dialpad: {secret: geheim}}\n" MINIMAL, false },
		{ "webhooks: {dialpad: {secret: 'geheim'}}\n" MINIMAL, false },
		{ "listen: unix:/s\ndatabase: {worker_url: 'postgresql://w:geheim@h/r', reaper_url: a=1}", false },
		{ "listen: unix:/s\ndatabase: {worker_url: 'user=w password=geheim', reaper_url: a=1}", false },
		{ "listen: unix:/s\ndatabase: {worker_url: 'user=w host=/run', reaper_url: a=1}", true },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf_error	 err;
		struct conf		*c;

		is_taken(cases[i].text);
		put("ringd.yaml", 0644, cases[i].text);
		c = conf_load(path, &err);
		if ((c != NULL) != cases[i].open)
			fail_msg("mode 0644 %s: %s", c != NULL ? "taken" : "refused", cases[i].text);
		if (c == NULL)
			assert_non_null(strstr(err.text, "chmod o= "));
		conf_free(c);
	}
}

static void
test_no_secret_in_an_error(void **unused)
{
	static const char *const	texts[] = {
		"database: {worker_url: geheim}",
		"database: {worker_url: \"a=geheim\\n\"}",
		"database: {worker_url: [geheim]}",
		"webhooks: {dialpad: {secret: \"geheim\\t\"}}",
		"webhooks: {dialpad: {secret: &geheim a, user: *geheim}}",
		"json: {depth: !env RINGD_TEST_SECRET}",
		"json: {depth: !file geheim-file}",
		"proxy: {trusted: !env RINGD_TEST_SECRET}",
		"listen: !env RINGD_TEST_SECRET",
		"webhooks: {dialpad: {secret: \"geheim",
		"webhooks: {dialpad: {secret: geheim: geheim}}",
	};
	struct conf_error		err;

	(void)unused;
	setenv("RINGD_TEST_SECRET", "geheim", 1);
	put("geheim-file", 0600, "geheim");
	for (size_t i = 0; i < COUNT(texts); i++)
		for (mode_t mode = 0600; mode <= 0644; mode += 044) {
			put("ringd.yaml", mode, texts[i]);
			assert_null(conf_load(path, &err));
			assert_true(err.text[0] != '\0');
			if (i != 4 && strstr(err.text, "geheim") != NULL)
				fail_msg("shows a secret: %s", err.text);
		}
}

/* The sample as it is, and with every commented-out key live. */
static void
test_sample(void **unused)
{
	struct conf_error	 err;
	struct conf		*c = conf_load(SAMPLE, &err);
	FILE			*in = fopen(SAMPLE, "r"), *out = fopen(path, "w");
	char			 line[512], *hash;
	bool			 item = false;

	(void)unused;
	if (c == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(c->nlisten, 1);
	assert_int_equal(c->nadmin, 1);
	assert_null(c->user);
	conf_free(c);
	assert_non_null(in);
	assert_non_null(out);
	while (fgets(line, sizeof(line), in) != NULL) {
		hash = line + strspn(line, " ");
		/* An item of a list, and what follows below it. */
		item = hash[0] == '#' && (strncmp(hash + 1 + strspn(hash + 1, " "), "- ", 2) == 0 ||
		    (item && strncmp(hash, "#    ", 5) == 0));
		if (hash[0] == '#' && (hash[1] != ' ' || item))
			memmove(hash, hash + 1, strlen(hash));
		fputs(line, out);
	}
	fclose(in);
	fclose(out);
	put("dialpad.secret", 0600, "one\n");
	put("dialpad.previous_secret", 0600, "two\n");
	put("dialpad.client_secret", 0600, "three\n");
	if ((c = conf_load(path, &err)) == NULL)
		fail_msg("%s", err.text);
	assert_string_equal(c->user, "ringd");
	assert_int_equal(c->nadmin, 1);
	assert_int_equal(c->ntrusted, 2);
	assert_int_equal(c->ncertificates, 1);
	assert_non_null(c->certificate[0].ocsp);
	assert_true(secret_present(&c->dialpad_previous_secret));
	assert_true(secret_present(&c->dialpad_client_secret));
	assert_int_equal(c->ndialpad_return, 1);
	conf_free(c);
}

static void
test_unreadable_file(void **unused)
{
	struct conf_error	err;
	char			long_name[2000];

	(void)unused;
	unlink(path);
	file_is_refused("", "1:1: cannot be opened: No such file");
	assert_null(conf_load(folder, &err));
	assert_non_null(strstr(err.text, ":1:1: is not a regular file"));
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_null(conf_load(long_name, &err));
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_minimal_has_defaults),
		cmocka_unit_test(test_every_number_reaches_its_field),
		cmocka_unit_test(test_every_other_value_reaches_its_field),
		cmocka_unit_test(test_absent_is_not_wrong),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_secret_files_are_closed_to_others),
		cmocka_unit_test(test_inline_secrets_want_a_closed_file),
		cmocka_unit_test(test_no_secret_in_an_error),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_unreadable_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
