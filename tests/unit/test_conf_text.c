/*
 * The parts of the configuration that are pure text: YAML's narrow gate and its limits, addresses, passwords hidden in
 * connection strings, and which words are near each other.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/count.h"
#include "conf/conf.h"
#include "conf/conf_source.h"
#include "conf/conf_yaml.h"
#include "conf/suggest.h"

#define TWENTY		"aaaaaaaaaaaaaaaaaaaa"

struct refusal {
	const char	*text;
	const char	*where;		/* line, column and the beginning of the message; NULL: taken */
};

/* The tree of text, which must be taken, or refused as told. */
static void
check_yaml(struct str text, const char *where)
{
	struct conf_error		 err = { "" };
	const struct conf_report	 r = { "f", &err };
	struct conf_node		*root = conf_yaml_parse(text, &r);

	if (where == NULL && root == NULL)
		fail_msg("refused: %s", err.text);
	if (where != NULL && (root != NULL || strncmp(err.text + 2, where, strlen(where)) != 0))
		fail_msg("expected %s\nbut got  %s\nfor %.*s", where, root != NULL ? "a tree" : err.text + 2,
		    (int)(text.n < 200 ? text.n : 200), text.p);
	conf_yaml_free(root);
}

static void
test_yaml_gate(void **unused)
{
	static const struct refusal	cases[] = {
		{ "", NULL },
		{ "# nothing\n", NULL },
		{ "---\na: 1\n...\n", NULL },
		{ "a: {b: [1, 'two', ~]}\n", NULL },
		{ "a: 1\nb:\n  a: 1\n", NULL },
		{ "a: &x 1", "1:4: anchors (&x) are not supported" },
		{ "a: &x {b: 1}", "1:4: anchors (&x) are not supported" },
		{ "a: &x [b]", "1:4: anchors (&x) are not supported" },
		{ "&x a: 1", "1:1: anchors (&x) are not supported" },
		{ "a: 1\nb: *a", "2:4: aliases (*) are not supported" },
		{ "*a : 1", "1:1: aliases (*) are not supported" },
		{ "a: *:80",
		    "1:5: did not find expected alphabetic or numeric character while scanning an alias; quote" },
		{ "a: [::1]:80", "1:5: did not find expected node content while parsing a flow node; quote" },
		{ "a: b: c", "1:5: mapping values are not allowed in this context; quote" },
		{ "a:\n\tb: 1",
		    "2:1: found character that cannot start any token while scanning for the next token; indent" },
		{ "<<: {a: 1}", "1:1: merge keys (<<) are not supported" },
		{ "a:\n  \"<<\": 1", "2:3: merge keys" },
		{ "a: 1\n---\nb: 2", "2:1: a second document begins here" },
		{ "a: 1\nb: 2\na: 3", "3:1: duplicate key \"a\"; it is already on line 1" },
		{ "a: {b: 1, c: 2, \"b\": 3}", "1:17: duplicate key \"b\"" },
		{ "? [a]\n: 1", "1:3: expected a key name, found a list or a mapping" },
		{ "? {a: 1}\n: 1", "1:3: expected a key name, found a list or a mapping" },
		{ ": 1", "1:1: " },
		{ "{'': 1}", "1:2: expected a key name" },
		{ "!env a: 1", "1:1: a key name takes no tag" },
		{ "a: !secret b", "1:4: unknown tag \"!secret\"; expected !env NAME or !file PATH" },
		{ "a: !!str b", "1:4: unknown tag" },
		{ "a: !env {b: 1}", "1:4: only single values take a tag" },
		{ "a: !file [b]", "1:4: only single values take a tag" },
		{ "a: \"x\\0y\"", "1:4: a value holds a NUL byte" },
		{ "\"x\\0y\": 1", "1:1: a key name holds a NUL byte" },
		{ "a: \xc3\xbc\nb: \xff", "2:4: invalid leading UTF-8 octet" },
		{ "a: \xc3\xbc \x01", "1:6: control characters are not allowed" },
		{ "a: {\xc3\xbc: 1, b: &x 1}", "1:14: anchors" },
		{ "a: \"b", "1:6: found unexpected end of stream" },
		{ "a:\n  \"b\nc",
		    "3:2: found unexpected end of stream while scanning a quoted scalar that begins in line 2" },
		{ "a: [b", "2:1: did not find expected ',' or ']'" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++)
		check_yaml(str_c(cases[i].text), cases[i].where);
	check_yaml((struct str){ "a: b\0c", 6 }, "1:5: control characters are not allowed");
}

static void
test_yaml_limits(void **unused)
{
	struct buf	b;

	(void)unused;
	buf_init(&b, 2 * CONF_YAML_BYTES);
	for (int depth = CONF_YAML_DEPTH; depth <= CONF_YAML_DEPTH + 1; depth++) {
		buf_consume(&b, b.len);
		for (int i = 0; i < depth; i++)
			buf_putc(&b, '[');
		for (int i = 0; i < depth; i++)
			buf_putc(&b, ']');
		check_yaml(buf_as_str(&b), depth > CONF_YAML_DEPTH ? "1:17: nested more than 16 deep" : NULL);
	}
	/* A list is one node itself; so is each name and each value of a mapping. */
	buf_consume(&b, b.len);
	for (int i = 0; i < CONF_YAML_NODES - 1; i++)
		buf_puts(&b, "- a\n");
	check_yaml(buf_as_str(&b), NULL);
	buf_puts(&b, "- a\n");
	check_yaml(buf_as_str(&b), "4096:3: more than 4096 names and values");
	buf_consume(&b, b.len);
	for (int i = 0; i < CONF_YAML_NODES / 2; i++)
		buf_printf(&b, "k%d: a\n", i);
	check_yaml(buf_as_str(&b), "2048:");
	buf_consume(&b, b.len);
	for (size_t i = 0; i < CONF_YAML_BYTES; i++)
		buf_putc(&b, '#');
	check_yaml(buf_as_str(&b), NULL);
	buf_putc(&b, '#');
	check_yaml(buf_as_str(&b), "1:1: larger than 1048576 bytes");
	assert_false(b.failed);
	buf_free(&b);
}

static void
test_addresses(void **unused)
{
	static const struct {
		const char		*text;
		bool			 good;
		enum conf_address_kind	 kind;
		bool			 local;
	} cases[] = {
		{ "127.0.0.1:8080", true, CONF_ADDRESS_IP, true },
		{ "0.0.0.0:8080", true, CONF_ADDRESS_IP, false },
		{ "[::1]:8080", true, CONF_ADDRESS_IP, true },
		{ "[::]:8080", true, CONF_ADDRESS_IP, false },
		{ "localhost:8080", true, CONF_ADDRESS_LOCALHOST, true },
		{ "*:8080", true, CONF_ADDRESS_ANY, false },
		{ "unix:/run/s", true, CONF_ADDRESS_UNIX, true },
		{ .text = "" }, { .text = "8080" }, { .text = ":8080" }, { .text = "127.0.0.1" },
		{ .text = "127.0.0.1:" },
		{ .text = "127.0.0.1:0" }, { .text = "127.0.0.1:65536" }, { .text = "127.0.0.1:80x" },
		{ .text = "127.0.0.1:+80" }, { .text = "127.0.0.1 :80" }, { .text = "127.1:80" },
		{ .text = "256.0.0.1:80" },
		{ .text = "::1:8080" }, { .text = "[::1]8080" }, { .text = "[::1:80" }, { .text = "[127.0.0.1]:80" },
		{ .text = "[::ffff:127.0.0.1]:80" }, { .text = "[fe80::1%eth0]:80" }, { .text = "[]:80" },
		{ .text = "example.com:80" }, { .text = "Localhost:80" }, { .text = "http://127.0.0.1:80" },
		{ .text = "unix:" }, { .text = "unix:/" }, { .text = "unix:run/s" }, { .text = "/run/s" },
		{ .text = "unix:/" TWENTY TWENTY TWENTY TWENTY TWENTY TWENTY },
	};
	struct conf_address	a;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (conf_address_parse(cases[i].text, &a) != cases[i].good)
			fail_msg("\"%s\" was %s", cases[i].text, cases[i].good ? "refused" : "taken");
		if (!cases[i].good)
			continue;
		assert_int_equal(a.kind, cases[i].kind);
		assert_int_equal(conf_address_is_local(&a), cases[i].local);
		if (a.kind == CONF_ADDRESS_UNIX)
			assert_string_equal(a.path, "/run/s");
		else
			assert_int_equal(a.ip.port, 8080);
	}
}

static void
test_passwords_in_conninfos(void **unused)
{
	static const char *const	with[] = {
		"postgresql://u:p@h/d", "postgres://u:p@/d?host=/run", "postgresql://:p@h/d", "postgresql://u:p:q@h/d",
		"postgresql://u:p/q@h/d", "postgresql://h/d?password=p", "postgresql://h/d?user=u&password=p",
		"postgresql://h/d?pass%77ord=p", "postgresql://h/d?sslpassword=p", "postgresql://u:p?q@h/d",
		"password=p", "user=u password=p", "user=u password = 'p'",
		"user = 'a b' password=p", "user='a\\' ' password=p",
		"user=a\\ b password=p", "user=u\npassword=p", "user=u sslpassword=p", "user u password=p",
	};
	static const char *const	without[] = {
		"postgresql://", "postgresql://u@/d?host=/run", "postgresql://u@h:5432/d",
		"postgresql://u@[::1]:5432/d",
		"postgresql://h:5432/d?sslmode=verify-full&passfile=/etc/p", "postgresql://u:@h/d", "user=password",
		"user='password=p'", "user=u host=/run/postgresql dbname = ringd", "passfile=/etc/pgpass",
		" user=u ", "d", "user='a\\' password=p'",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(with); i++)
		if (!conf_source_has_password(str_c(with[i])))
			fail_msg("no password seen in %s", with[i]);
	for (size_t i = 0; i < COUNT(without); i++)
		if (conf_source_has_password(str_c(without[i])))
			fail_msg("a password seen in %s", without[i]);
}

static void
test_suggestions(void **unused)
{
	static const struct { const char *a, *b; size_t distance; } pairs[] = {
		{ "", "", 0 }, { "a", "", 1 }, { "", "abc", 3 }, { "kitten", "sitting", 3 }, { "depht", "depth", 1 },
		{ "ca", "abc", 3 }, { "Body-Bytes", "body_bytes", 0 }, { "user", "users", 1 }, { "abcd", "dcba", 3 },
	};
	static const char	long_word[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct suggest		s;

	(void)unused;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		assert_int_equal(suggest_distance(str_c(pairs[i].a), str_c(pairs[i].b)), pairs[i].distance);
		assert_int_equal(suggest_distance(str_c(pairs[i].b), str_c(pairs[i].a)), pairs[i].distance);
	}
	assert_int_equal(strlen(long_word), SUGGEST_WORD_MAX + 1);
	assert_int_equal(suggest_distance(str_c(long_word), STR("a")), SIZE_MAX);
	assert_int_equal(suggest_distance((struct str){ long_word, SUGGEST_WORD_MAX }, STR("a")), SUGGEST_WORD_MAX - 1);
	suggest_begin(&s, STR("usre"));
	suggest_offer(&s, "workers");
	assert_null(s.best);
	suggest_offer(&s, "user");
	suggest_offer(&s, "used");
	assert_string_equal(s.best, "user");
	suggest_begin(&s, STR(TWENTY));
	suggest_offer(&s, "bbbbaaaaaaaaaaaaaaaa");
	assert_null(s.best);
	suggest_offer(&s, "bbbaaaaaaaaaaaaaaaaa");
	assert_non_null(s.best);
	suggest_begin(&s, STR("dead_letter_box"));
	suggest_offer(&s, "database_queue");
	assert_null(s.best);
}

static void
test_values_shown(void **unused)
{
	static const struct { const char *text, *shown; } cases[] = {
		{ "", "" },
		{ "a\n\x7f\x1b[1m\xc3\xbc", "a???[1m\xc3\xbc" },
		{ TWENTY TWENTY "12345678", TWENTY TWENTY "12345678" },
		{ TWENTY TWENTY "123456789", TWENTY TWENTY "12345678..." },
		{ TWENTY TWENTY "1234567\xc3\xbc", TWENTY TWENTY "1234567..." },
		{ TWENTY TWENTY "123456\xe2\x82\xac", TWENTY TWENTY "123456..." },
		{ TWENTY TWENTY "123456\xc3\xbc", TWENTY TWENTY "123456\xc3\xbc" },
	};
	char	shown[CONF_SHOWN_SIZE];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		conf_show(shown, str_c(cases[i].text));
		assert_string_equal(shown, cases[i].shown);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_yaml_gate),
		cmocka_unit_test(test_yaml_limits),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_passwords_in_conninfos),
		cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_values_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
