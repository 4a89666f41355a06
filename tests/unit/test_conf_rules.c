/*
 * The rules of the configuration: which values a key takes, which keys there are, what must fit together, and what a
 * reload may change.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/count.h"
#include "conf/conf.h"
#include "conf/conf_keys.h"
#include "conf/conf_value.h"

#define URLS	"database: {worker_url: postgresql://w@/r, reaper_url: postgresql://p@/r}\n"
#define SIXTEEN	"unix:/1, unix:/2, unix:/3, unix:/4, unix:/5, unix:/6, unix:/7, unix:/8, " \
		"unix:/9, unix:/10, unix:/11, unix:/12, unix:/13, unix:/14, unix:/15, unix:/16"
#define LISTEN	"listen: 127.0.0.1:8080\n"

struct refusal {
	const char	*text;
	const char	*where;		/* line, column and the beginning of the message; NULL: taken */
};

/* conf_load() of a text, in a file nobody else may read. */
static struct conf *
load(const char *text, struct conf_error *err)
{
	char		 path[] = "/tmp/ringd-conf-XXXXXX";
	int		 fd = mkstemp(path);
	struct conf	*c;

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	c = conf_load(path, err);
	unlink(path);
	/* Without the name, which is another each time. */
	if (c == NULL)
		memmove(err->text, err->text + strlen(path) + 1, strlen(err->text) - strlen(path));
	return c;
}

static void
check_loads(const struct refusal *cases, size_t n)
{
	struct conf_error	err;

	for (size_t i = 0; i < n; i++) {
		struct conf	*c = load(cases[i].text, &err);

		if ((c != NULL) != (cases[i].where == NULL))
			fail_msg("%s: %s", c != NULL ? "taken" : err.text, cases[i].text);
		if (c == NULL && strncmp(err.text, cases[i].where, strlen(cases[i].where)) != 0)
			fail_msg("expected %s\nbut got  %s", cases[i].where, err.text);
		conf_free(c);
	}
}

static void
test_wrong_values(void **unused)
{
	static const struct refusal	wrong[] = {
		{ "log: {access: yes}", "1:15: \"log.access\": expected true or false; found \"yes\"; write true" },
		{ "log:\n  access: Off", "2:11: \"log.access\": expected true or false; found \"Off\"; write false" },
		{ "log:\n  access: 'true'",
		    "2:11: \"log.access\": expected true or false; found \"true\"; write it without" },
		{ "workers: '4'",
		    "1:10: \"workers\": expected auto or a number, within 1..64; found \"4\"; a number stands" },
		{ "workers: 0", "1:10: \"workers\": expected auto or a number, within 1..64; found \"0\"" },
		{ "workers: 65", "1:10: \"workers\"" },
		{ "workers: 4.0", "1:10: \"workers\"" },
		{ "http:\n  body_bytes: 65M", "2:15: \"http.body_bytes\": expected a size such as" },
		{ "http: {body_timeout: 30}", "1:22: \"http.body_timeout\": expected a duration such as" },
		{ "http: {body_timeout: [1s]}", "1:22: \"http.body_timeout\": expected a duration such as" },
		{ "user: {a: b}", "1:7: \"user\": expected a text of one line; found a mapping" },
		{ "user: ''", "1:7: \"user\"" },
		{ "user: \"a\\nb\"", "1:7: \"user\": expected a text of one line; found \"a?b\"" },
		{ "pid_file: run/r.pid", "1:11: \"pid_file\": expected an absolute path; found \"run/r.pid\"" },
		{ "log: {to: ringd.log}", "1:11: \"log.to\": expected stderr, syslog or an absolute path" },
		{ "log: {format: xml}", "1:15: \"log.format\": expected text or json; found \"xml\"" },
		{ "request_logs: {mode: on}", "1:22: \"request_logs.mode\": expected full, rollup or off; found \"on\"" },
		{ "log: {level: warning}",
		    "1:14: \"log.level\": expected error, warn, info or debug; found \"warning\"" },
		{ "sandbox: true", "1:10: \"sandbox\": expected enforce, require, log or off; found \"true\"" },
		{ "core_dumps: on", "1:13: \"core_dumps\": expected true or false" },
		{ "webhooks: {dialpad: {signature_header: 'a b'}}", "1:40: \"webhooks.dialpad.signature_header\"" },
		{ "webhooks: {dialpad: {secret: \"a\\tb\"}}",
		    "1:30: \"webhooks.dialpad.secret\": expected a text of one line" },
		{ "proxy: {trusted: 10.0.0.1/8}", "1:18: \"proxy.trusted\": expected a list of networks" },
		{ "proxy: {trusted: {a: b}}", "1:18: \"proxy.trusted\": expected a list of networks" },
		{ "admin: {users: {a: b}}", "1:16: \"admin.users\": expected a list of texts of one line; found a mapping" },
		{ "admin: {groups: [wheel, [a]]}", "1:25: \"admin.groups\": expected" },
		{ "admin: {users: ['']}", "1:17: \"admin.users\": expected a text of one line" },
		{ "admin: {users: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,b]}",
		    "1:81: \"admin.users\": more than 32 entries" },
		{ "listen: [127.0.0.1]", "1:10: \"address\": expected IPv4:port" },
		{ "listen:\n  - address: host:80", "2:14: \"address\": expected IPv4:port" },
		{ "listen:\n  - insecure: true", "2:5: missing key \"address\"" },
		{ "listen: {address: 127.0.0.1:80}", "1:9: \"listen\": expected a list of addresses; found a mapping" },
		{ "listen: [[a]]", "1:10: \"address\"" },
		{ "http: 1", "1:7: \"http\" is a section" },
		{ "- a", "1:1: expected lines of the form" },
		{ "database: {worker_url: ringd}", "1:24: \"database.worker_url\": expected postgresql://" },
	};

	(void)unused;
	check_loads(wrong, COUNT(wrong));
}

static void
test_unknown_keys(void **unused)
{
	static const struct refusal	unknown[] = {
		{ "#\n\nhttp:\n  bodybytes: 1M",
		    "4:3: unknown key \"http.bodybytes\"; did you mean \"http.body_bytes\"?" },
		{ "htp: {}", "1:1: unknown key \"htp\"; did you mean \"http\"?" },
		{ "webhooks: {dialpda: {}}",
		    "1:12: unknown key \"webhooks.dialpda\"; did you mean \"webhooks.dialpad\"?" },
		{ "Listen: a", "1:1: unknown key \"Listen\"; did you mean \"listen\"?" },
		{ "body_bytes: 1M", "1:1: unknown key \"body_bytes\"; did you mean \"http.body_bytes\"?" },
		{ "http.body_bytes: 1M", "1:1: \"http.body_bytes\" is not written with dots" },
		{ "listen:\n  - adress: a", "2:5: unknown key \"adress\"; did you mean \"address\"?" },
		{ "gibberish: 1", "1:1: unknown key \"gibberish\"" },
		{ "\"a\\nb\": 1", "1:1: unknown key \"a?b\"" },
		{ "http: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: 1}",
		    "1:8: unknown key \"http.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"" },
	};
	struct conf_error		err;

	(void)unused;
	check_loads(unknown, COUNT(unknown));
	assert_null(load("gibberish: 1", &err));
	assert_null(strstr(err.text, "did you mean"));
}

static void
test_values_fit_together(void **unused)
{
	static const struct refusal	cases[] = {
		{ LISTEN URLS, NULL },
		{ URLS, "1:1: missing key \"listen\"" },
		{ "listen: []\n" URLS, "1:9: \"listen\" names no address" },
		{ LISTEN, "1:1: missing key \"database.worker_url\"" },
		{ LISTEN "database: {worker_url: a=1}", "1:1: missing key \"database.reaper_url\"" },
		{ LISTEN "database: {worker_url: a=1, reaper_url: ~}", "1:1: missing key \"database.reaper_url\"" },
		{ "listen: ['*:80']\n" URLS, "1:10: \"*:80\" would serve plain HTTP to other hosts" },
		{ "listen:\n  - address: 192.0.2.1:80\n" URLS, "2:14: \"192.0.2.1:80\" would serve plain HTTP" },
		{ "listen: '[2001:db8::1]:80'\n" URLS, "1:9: \"[2001:db8::1]:80\" would serve plain HTTP" },
		{ "listen: ['*:80']\nproxy: {trusted: 10.0.0.1}\n" URLS, NULL },
		{ "listen: ['*:80']\nproxy: {trusted: []}\n" URLS, "1:10: \"*:80\" would serve plain HTTP" },
		{ "listen:\n  - address: '*:80'\n    insecure: true\n" URLS, NULL },
		{ "listen:\n  - {address: '*:80', insecure: true}\n  - '*:81'\n" URLS, "3:5: \"*:81\" would serve" },
		{ "listen: [unix:/s, '[::1]:80', 127.9.9.9:80, localhost:81]\n" URLS, NULL },
		{ LISTEN "admin: {listen: [unix:/a, localhost:81]}\n" URLS, NULL },
		{ LISTEN "admin: {listen: 192.0.2.1:81}\n" URLS, "2:17: \"admin.listen\" must be loopback" },
		{ LISTEN "proxy: {trusted: 10.0.0.1}\nadmin: {listen: '*:81'}\n" URLS,
		    "3:17: \"admin.listen\" must be" },
		{ LISTEN "admin: {listen: [{address: '*:81', insecure: true}]}\n" URLS,
		    "2:28: \"admin.listen\" must be" },
		{ LISTEN "admin: {listen: 127.0.0.1:8080}\n" URLS,
		    "2:17: duplicate address \"127.0.0.1:8080\"; line 1" },
		{ "listen: [unix:/a, unix:/b, unix:/a]\n" URLS, "1:28: duplicate address \"unix:/a\"" },
		{ "listen: [localhost:80, 127.0.0.1:80]\n" URLS, "1:24: duplicate address" },
		{ "listen: ['[::1]:80', localhost:80]\n" URLS, "1:22: duplicate address" },
		{ "listen: ['[::1]:80', '[0:0::1]:80']\n" URLS, "1:22: duplicate address" },
		{ "proxy: {trusted: unix}\nlisten: ['*:80', '[::]:80']\n" URLS, "2:18: duplicate address" },
		{ "proxy: {trusted: unix}\nlisten: [0.0.0.0:80, '[::]:80', 127.0.0.1:80]\n" URLS, NULL },
		{ "listen: [127.0.0.1:80, 127.0.0.2:80, 127.0.0.1:81]\n" URLS, NULL },
		{ "listen: [" SIXTEEN "]\n" URLS, NULL },
		{ "listen: [" SIXTEEN ",\n  unix:/17]\n" URLS, "2:3: \"listen\": more than 16 entries" },
		{ LISTEN "database:\n  worker_url: a=1\n  reaper_url: a=2\n  statement_timeout: 5s\n",
		    "5:22: \"database.statement_timeout\" must not be larger than \"database.job_timeout\"" },
		{ LISTEN "database:\n  worker_url: a=1\n  reaper_url: a=2\n  job_timeout: 1s\n",
		    "5:16: \"database.statement_timeout\" must not be larger than \"database.job_timeout\"" },
		{ LISTEN "database:\n  worker_url: a=1\n  reaper_url: a=2\n  reconnect_min: 11s\n",
		    "5:18: \"database.reconnect_min\" must not be larger" },
		{ LISTEN URLS "courier: {key_file: /k}",
		    "3:21: \"courier.key_file\" needs \"database.courier_url\"" },
		{ LISTEN "database: {worker_url: a=1, reaper_url: a=2, courier_url: a=3}\ncourier: {key_file: /k}", NULL },
		{ LISTEN URLS "courier: {timeout: 4s}", "3:20: \"courier.connect_timeout\" must not be larger" },
		{ LISTEN URLS "dialpad: {base_url: 'https://sandbox.dialpad.com'}", NULL },
		{ LISTEN URLS "dialpad: {base_url: 'http://127.0.0.1:8443'}", NULL },
		{ LISTEN URLS "dialpad: {base_url: 'http://sandbox.dialpad.com'}", "3:21: \"dialpad.base_url\" must begin with https" },
		{ LISTEN URLS "dialpad: {base_url: 'https://dialpad.com/'}",
		    "3:21: \"dialpad.base_url\": expected https://host or https://host:port, nothing after it; found" },
		{ LISTEN URLS "http: {url_bytes: 17K}", "3:19: \"http.url_bytes\" must not be larger" },
		{ LISTEN URLS "http: {body_bytes: 5M}", "3:20: \"http.body_bytes\" must not be larger" },
		{ LISTEN URLS "webhooks: {batch_bytes: 5M}", "3:25: \"webhooks.batch_bytes\" must not be larger" },
		{ LISTEN URLS "api: {max_limit: 49}", "3:18: \"api.default_limit\" must not be larger" },
		{ LISTEN URLS "api: {max_limit: 50}", NULL },
		{ LISTEN URLS "reaper: {retry_min: 11m}", "3:21: \"reaper.retry_min\" must not be larger" },
		{ LISTEN URLS "limits: {window: 1500ms}", "3:18: \"limits.window\" must be whole seconds" },
		{ LISTEN URLS "limits:\n  failure_window: 60001ms", "4:19: \"limits.failure_window\" must be whole seconds" },
		{ LISTEN URLS "limits: {window: 60000ms}", NULL },
	};

	(void)unused;
	check_loads(cases, COUNT(cases));
}

/* The edges of every bounded number: just inside is taken, just outside is not and changes nothing. */
static void
test_bounds(void **unused)
{
	static struct conf	c;

	(void)unused;
	for (size_t i = 0; i < conf_keys.n; i++) {
		const struct conf_key	*k = &conf_keys.keys[i];
		const int64_t		 tries[] = { k->min, k->max, k->min - 1, k->max + 1 };
		int64_t			*field = (int64_t *)(void *)((char *)&c + k->offset);
		char			 text[32];

		if ((k->min == 0 && k->max == 0) || conf_value_is_list(k->type))
			continue;
		for (size_t j = 0; j < COUNT(tries); j++) {
			snprintf(text, sizeof(text), "%lld%s", (long long)tries[j],
			    k->type == CONF_DURATION ? "ms" : "");
			*field = -7;
			assert_int_equal(conf_value_set(k, &c, str_c(text), false), j < 2 ? CONF_SET : CONF_UNFIT);
			assert_int_equal(*field, j < 2 ? tries[j] : -7);
		}
	}
}

/* A log that goes elsewhere than to a file has no file. */
static void
test_log_file_goes_with_its_choice(void **unused)
{
	static struct conf	 c;
	const struct conf_key	*k = conf_table_find(&conf_keys, STR("log.to"));

	(void)unused;
	assert_int_equal(conf_value_set(k, &c, STR("/var/log/r"), false), CONF_SET);
	assert_int_equal(conf_value_set(k, &c, STR("r"), false), CONF_UNFIT);
	assert_string_equal(c.log_file, "/var/log/r");
	assert_int_equal(c.log_target, LOG_TO_FILE);
	assert_int_equal(conf_value_set(k, &c, STR("syslog"), false), CONF_SET);
	assert_null(c.log_file);
	assert_int_equal(c.log_target, LOG_TO_SYSLOG);
}

static void
test_table_as_printed(void **unused)
{
	char	 line[512], *at, *tab, text[65536];
	FILE	*f = tmpfile();
	size_t	 lines = 0, restart = 0, n;

	(void)unused;
	assert_non_null(f);
	conf_print_keys(f);
	rewind(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		lines++;
		n = 0;
		for (at = line; (tab = strchr(at, '\t')) != NULL; at = tab + 1)
			n++;
		assert_int_equal(n, 5);
		restart += strstr(line, "\trestart\t") != NULL;
	}
	assert_int_equal(lines, conf_keys.n + conf_listen_keys.n + conf_certificate_keys.n);
	assert_int_equal(restart, 3);
	rewind(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	assert_non_null(strstr(text, "http.body_bytes\tsize\t1M\t1K..64M\treload\tlargest request body\n"));
	assert_non_null(strstr(text, "database.connect_timeout\tduration\t5s\t100ms..5m\treload\t"));
	assert_ptr_equal(strstr(text, "user\tstring\t-\t-\trestart\t"), text);
	assert_non_null(strstr(text, "listen[].address\taddress\t-\t-\treload\t"));
	for (size_t i = 0; i < conf_keys.n; i++)
		assert_ptr_equal(conf_table_find(&conf_keys, str_c(conf_keys.keys[i].name)), &conf_keys.keys[i]);
}

static void
collect(void *arg, const char *text)
{
	buf_puts(arg, text);
	buf_putc(arg, '\n');
}

/* What conf_diff says of two texts, and that a reload leaves alone what only a restart can change. */
static void
check_diff(const char *one, const char *two, const char *lines)
{
	struct conf_error	 err;
	struct conf		*a = load(one, &err), *b = load(two, &err);
	struct buf		 said;

	assert_non_null(a);
	assert_non_null(b);
	buf_init(&said, 4096);
	conf_diff(a, b, collect, &said);
	buf_putc(&said, '\0');
	assert_string_equal(said.p, lines);
	assert_true(conf_keep(a, b));
	for (size_t i = 0; i < conf_keys.n; i++)
		if (conf_keys.keys[i].when == CONF_RESTART)
			assert_true(conf_value_equal(&conf_keys.keys[i], a, b));
	buf_free(&said);
	conf_free(a);
	conf_free(b);
}

static void
test_diff(void **unused)
{
	(void)unused;
	check_diff(LISTEN URLS, URLS LISTEN "http: {body_bytes: 1024K}\n", "");
	check_diff(LISTEN URLS, LISTEN URLS "http: {body_bytes: 2M}\n", "http.body_bytes: 1M -> 2M\n");
	check_diff(LISTEN URLS, LISTEN URLS "user: a\n", "user: none -> a, restart needed\n");
	check_diff(LISTEN URLS "user: a\n", LISTEN URLS, "user: a -> none, restart needed\n");
	check_diff(LISTEN URLS "group: a\npid_file: /a\n", LISTEN URLS "group: b\npid_file: /b\njson: {depth: 9}\n",
	    "group: a -> b, restart needed\npid_file: /a -> /b, restart needed\njson.depth: 64 -> 9\n");
	check_diff(LISTEN URLS "workers: 2\n", LISTEN URLS "workers: 4\nreaper: {poll: 1500ms}\n",
	    "workers: 2 -> 4\nreaper.poll: 1s -> 1500ms\n");
	check_diff(LISTEN URLS, LISTEN URLS "webhooks: {dialpad: {secret: geheim}}\n",
	    "webhooks.dialpad.secret: changed\n");
	check_diff(LISTEN URLS "webhooks: {dialpad: {secret: geheim}}\n",
	    LISTEN URLS "webhooks: {dialpad: {secret: gEheim}}\n", "webhooks.dialpad.secret: changed\n");
	check_diff(LISTEN URLS, "listen: [127.0.0.1:8080, 127.0.0.1:8081]\n" URLS,
	    "listen: 127.0.0.1:8080 -> 127.0.0.1:8080, 127.0.0.1:8081\n");
	check_diff(LISTEN URLS, "listen: [{address: 127.0.0.1:8080, proxy_protocol: true}]\n" URLS,
	    "listen: 127.0.0.1:8080 -> 127.0.0.1:8080 (proxy_protocol)\n");
	check_diff(LISTEN URLS "log: {to: /a}\n", LISTEN URLS "log: {to: /b, level: warn, access: false}\n",
	    "log.to: /a -> /b\nlog.level: info -> warn\nlog.access: true -> false\n");
	check_diff(LISTEN URLS "log: {to: syslog}\n", LISTEN URLS, "log.to: syslog -> stderr\n");
	check_diff(LISTEN URLS, LISTEN URLS "log: {format: json}\nrequest_logs: {mode: rollup}\n",
	    "log.format: text -> json\nrequest_logs.mode: full -> rollup\n");
	check_diff(LISTEN URLS "proxy: {trusted: 10.0.0.0/8}\n", LISTEN URLS "proxy: {trusted: 10.0.0.0/9}\n",
	    "proxy.trusted: 10.0.0.0/8 -> 10.0.0.0/9\n");
	check_diff(LISTEN URLS "admin: {users: [a, b]}\n", LISTEN URLS "admin: {users: [a, c]}\n",
	    "admin.users: a, b -> a, c\n");
	check_diff(LISTEN URLS "admin: {groups: a}\n", LISTEN URLS, "admin.groups: a -> none\n");
	check_diff(LISTEN URLS "admin: {groups: [a]}\n", LISTEN URLS "admin: {groups: a}\n", "");
	check_diff(LISTEN URLS "proxy: {trusted: [10.0.0.0/8, unix]}\n", LISTEN URLS,
	    "proxy.trusted: 10.0.0.0/8, unix -> none\n");
}

/* An address of a database is never shown, whatever part of it changed. */
static void
test_diff_hides(void **unused)
{
	struct conf_error	err;
	struct conf		*a = load(LISTEN URLS, &err), *b = load(LISTEN "database: {worker_url: "
				    "postgresql://w:geheim@elsewhere/r, reaper_url: postgresql://r@elsewhere/r}\n", &err);
	struct buf		 said;

	(void)unused;
	assert_non_null(a);
	assert_non_null(b);
	buf_init(&said, 4096);
	conf_diff(a, b, collect, &said);
	buf_putc(&said, '\0');
	assert_string_equal(said.p, "database.worker_url: changed\ndatabase.reaper_url: changed\n");
	buf_free(&said);
	conf_free(a);
	conf_free(b);
}

/* Sixteen long paths do not fit a line: cut, and both ends of it still there. */
static void
test_diff_is_cut(void **unused)
{
	static char		two[4096];
	struct conf_error	err;
	struct conf		*a = load(LISTEN URLS, &err), *b;
	struct buf		 said;

	(void)unused;
	snprintf(two, sizeof(two), "listen:\n");
	for (int i = 0; i < CONF_MAX_LISTEN; i++)
		snprintf(two + strlen(two), sizeof(two) - strlen(two), " - unix:/%080d\n", i);
	snprintf(two + strlen(two), sizeof(two) - strlen(two), URLS);
	b = load(two, &err);
	assert_non_null(a);
	assert_non_null(b);
	buf_init(&said, 4096);
	conf_diff(a, b, collect, &said);
	buf_putc(&said, '\0');
	assert_true(said.len < CONF_DIFF_SIZE + 2);
	assert_ptr_equal(strstr(said.p, "listen: 127.0.0.1:8080 -> unix:/0"), said.p);
	assert_string_equal(said.p + said.len - 5, "...\n");
	buf_free(&said);
	conf_free(a);
	conf_free(b);
}

static bool
alike(const char *one, const char *two)
{
	char			 first[CONF_FINGERPRINT_SIZE], second[CONF_FINGERPRINT_SIZE];
	struct conf_error	 err;
	struct conf		*a = load(one, &err), *b = load(two, &err);

	assert_non_null(a);
	assert_non_null(b);
	conf_fingerprint(first, a);
	conf_fingerprint(second, b);
	conf_free(a);
	conf_free(b);
	assert_int_equal(strlen(first), CONF_FINGERPRINT_SIZE - 1);
	return strcmp(first, second) == 0;
}

/* A fingerprint stands for what may be shown: nobody can try secrets against it. */
static void
test_fingerprint(void **unused)
{
	(void)unused;
	assert_true(alike(LISTEN URLS, URLS LISTEN "http: {body_bytes: 1024K}\n"));
	assert_false(alike(LISTEN URLS, LISTEN URLS "http: {body_bytes: 2M}\n"));
	assert_false(alike(LISTEN URLS "group: a\n", LISTEN URLS "user: a\n"));
	assert_true(alike(LISTEN URLS "webhooks: {dialpad: {secret: geheim}}\n", LISTEN URLS "webhooks: {dialpad: {secret: gEheim}}\n"));
	assert_true(alike(LISTEN URLS, LISTEN "database: {worker_url: postgresql://w:geheim@elsewhere/r, "
	    "reaper_url: postgresql://r@elsewhere/r}\n"));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_unknown_keys),
		cmocka_unit_test(test_values_fit_together),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_log_file_goes_with_its_choice),
		cmocka_unit_test(test_table_as_printed),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_hides),
		cmocka_unit_test(test_diff_is_cut),
		cmocka_unit_test(test_fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
