/*
 * ringctl's command line: what the table allows is taken, everything else is told; help and completion say the same.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/count.h"
#include "ctl/commands.h"

#define NOW	INT64_C(1790000000000)

static struct args	args;
static char		err[ARGS_ERROR_SIZE];

#define PARSE(...)	parse((const char *const[]){ __VA_ARGS__, NULL })

static enum args_result
parse(const char *const *argv)
{
	int n = 0;

	while (argv[n] != NULL)
		n++;
	args_free(&args);
	return args_parse(&args, &ctl_commands, n, argv, NOW, err);
}

static int
done(void **state)
{
	(void)state;
	args_free(&args);
	return 0;
}

static void
test_words_and_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--json", "key", "create", "Base44 CRM", "--scopes", "read,dial", "-fx.yaml"), ARGS_OK);
	assert_string_equal(args.command->noun, "key");
	assert_string_equal(args.command->verb, "create");
	assert_string_equal(args_word(&args, 0), "Base44 CRM");
	assert_null(args_word(&args, 1));
	assert_true(args_given(&args, "json"));
	assert_string_equal(args_text(&args, "config"), "x.yaml");
	assert_string_equal(args_text(&args, "scopes"), "read,dial");
	assert_string_equal(args_text(&args, "kind"), "server");
	assert_false(args_given(&args, "kind"));
	assert_null(args_text(&args, "note"));
	assert_int_equal(PARSE("calls", "--limit=7", "--", "--odd name"), ARGS_OK);
	assert_int_equal(args_number(&args, "limit"), 7);
	assert_string_equal(args_word(&args, 0), "--odd name");
	assert_int_equal(PARSE("events", "replay", "a", "b", "c"), ARGS_OK);
	assert_int_equal(args.nwords, 3);
}

/* Given again, each adds one; so many and no more. */
static void
test_several(void **state)
{
	const char *argv[2 * ARGS_TEXTS_MAX + 6] = { "client", "create", "a" };
	const struct option_value *v;
	size_t i;

	(void)state;
	assert_int_equal(PARSE("client", "create", "a", "--origin", "https://x.example", "--origin=https://y.example", "--note", "n"), ARGS_OK);
	v = args_option(&args, "origin");
	assert_int_equal(v->ntexts, 2);
	assert_string_equal(v->texts[0], "https://x.example");
	assert_string_equal(v->texts[1], "https://y.example");
	assert_int_equal(PARSE("client", "create", "a"), ARGS_OK);
	assert_int_equal(args_option(&args, "origin")->ntexts, 0);
	for (i = 0; i < ARGS_TEXTS_MAX; i++) {
		argv[3 + 2 * i] = "--origin";
		argv[4 + 2 * i] = "x";
	}
	assert_int_equal(parse(argv), ARGS_OK);
	assert_int_equal(args_option(&args, "origin")->ntexts, ARGS_TEXTS_MAX);
	argv[3 + 2 * i] = "--origin";
	argv[4 + 2 * i] = "x";
	assert_int_equal(parse(argv), ARGS_WRONG);
}

static void
test_times(void **state)
{
	(void)state;
	assert_int_equal(PARSE("events", "list"), ARGS_OK);
	assert_int_equal(args_number(&args, "since"), NOW - 86400000);
	assert_int_equal(PARSE("events", "list", "--since", "2h"), ARGS_OK);
	assert_int_equal(args_number(&args, "since"), NOW - 7200000);
	assert_int_equal(PARSE("events", "list", "--since", "2026-01-27T10:30:00Z"), ARGS_OK);
	assert_int_equal(args_number(&args, "since"), INT64_C(1769509800000));
	assert_int_equal(PARSE("key", "create", "a", "--expires", "90d"), ARGS_OK);
	assert_int_equal(args_number(&args, "expires"), NOW + INT64_C(90) * 86400000);
	assert_int_equal(PARSE("hook", "rotate", "a", "b", "--overlap", "31d"), ARGS_WRONG);
	assert_non_null(strstr(err, "at most 30d"));
}

static void
test_wrong(void **state)
{
	static const struct {
		const char	*argv[6];
		const char	*says;
	} wrong[] = {
		{ { "kye" }, "did you mean 'key'?" },
		{ { "key", "creat" }, "did you mean 'create'?" },
		{ { "zzzzzz" }, "'ringctl help' lists them" },
		{ { "key" }, "'key' needs a verb" },
		{ { "--json" }, "what to do?" },
		{ { "key", "revoke", "a" }, "too few words: ringctl key revoke APP KEYID" },
		{ { "app", "list", "a" }, "too many words" },
		{ { "app", "list", "--limti", "3" }, "unknown option '--limti' for 'app list'" },
		{ { "calls", "a", "--limti", "3" }, "did you mean --limit?" },
		{ { "calls", "a", "--limit" }, "needs a value" },
		{ { "calls", "a", "--limit", "0" }, "a number from 1 to 1000" },
		{ { "calls", "a", "--limit", "1001" }, "'1001' is wrong" },
		{ { "calls", "a", "--active=yes" }, "takes no value" },
		{ { "fire", "--dialect", "jw" }, "one of jwt|seed" },
		{ { "key", "create", "a", "--scopes", "read," }, "one or more of read|dial" },
		{ { "fire", "--url", "ftp://x" }, "http:// or https://" },
		{ { "events", "list", "--since", "yesterday" }, "a time such as" },
		{ { "-x" }, "unknown option '-x'" },
		{ { "--config" }, "needs a value" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(parse(wrong[i].argv), ARGS_WRONG);
		if (strstr(err, wrong[i].says) == NULL)
			fail_msg("'%s' does not say '%s'", err, wrong[i].says);
	}
}

/* An address may hold a password: an error must not repeat it. */
static void
test_secret_not_repeated(void **state)
{
	(void)state;
	assert_int_equal(PARSE("hook", "create", "a", "--base-url", "hunter2"), ARGS_WRONG);
	assert_null(strstr(err, "hunter2"));
}

static void
test_help(void **state)
{
	struct buf b;

	(void)state;
	assert_int_equal(PARSE("key", "create", "--help"), ARGS_HELP);
	assert_string_equal(args.noun, "key");
	assert_int_equal(PARSE("-h"), ARGS_HELP);
	assert_null(args.noun);
	buf_init(&b, 65536);
	assert_true(help_text(&ctl_commands, "fire", &b));
	buf_putc(&b, '\0');
	assert_non_null(strstr(b.p, "--scenario inbound|missed|voicemail|queue|outbound|all"));
	assert_null(strstr(b.p, "ringctl app"));
	buf_free(&b);
	assert_false(help_text(&ctl_commands, "fir", &b));
	buf_free(&b);
}

static void
complete_is(const char *const *words, const char *expected)
{
	struct buf	b;
	int		n = 0;

	while (words[n] != NULL)
		n++;
	buf_init(&b, 65536);
	complete_words(&ctl_commands, n, words, &b);
	buf_putc(&b, '\0');
	assert_string_equal(b.p, expected);
	buf_free(&b);
}

static void
test_completion(void **state)
{
	(void)state;
	complete_is((const char *const[]){ "ev", NULL }, "events\n");
	complete_is((const char *const[]){ "hook", "", NULL }, "create\nlist\nrotate\nsecrets\ndisable\nenable\n");
	complete_is((const char *const[]){ "--json", "-f", "key", "app", "c", NULL }, "create\n");
	complete_is((const char *const[]){ "fire", "--encoding", "", NULL }, "hex\nsha256\nbase64\n");
	complete_is((const char *const[]){ "fire", "--secret-file", "/e", NULL }, ":file\n");
	complete_is((const char *const[]){ "migrate", "--d", NULL }, "--dir\n--database\n");
	complete_is((const char *const[]){ "key", "list", "", NULL }, "");
	complete_is((const char *const[]){ "help", "st", NULL }, "status\n");
}

/* The table itself: what the parser relies on. */
static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ctl_commands.ncommands; i++) {
		const struct command *c = &ctl_commands.commands[i];

		assert_true(c->noptions <= ARGS_OPTIONS_MAX);
		assert_non_null(c->run);
		assert_true(c->most == -1 || c->most >= c->least);
		for (size_t k = 0; k < c->noptions; k++) {
			assert_non_null(c->options[k].help);
			assert_true(c->options[k].type == OPTION_FLAG || c->options[k].value != NULL ||
			    c->options[k].choices != NULL);
		}
		for (size_t k = 0; k < i; k++)	/* a noun has verbs, or stands alone, never both */
			if (strcmp(ctl_commands.commands[k].noun, c->noun) == 0)
				assert_true(c->verb != NULL && strcmp(ctl_commands.commands[k].verb, c->verb) != 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_words_and_options, done),
		cmocka_unit_test_teardown(test_several, done),
		cmocka_unit_test_teardown(test_times, done),
		cmocka_unit_test_teardown(test_wrong, done),
		cmocka_unit_test_teardown(test_secret_not_repeated, done),
		cmocka_unit_test_teardown(test_help, done),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
