/*
 * Tokens: their form, and that no slip of the pen gets through.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/token.h"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Checksums worked out elsewhere, with zlib's crc32 and plain division: ours must not be right only to itself. */
static void
known_tokens(void **unused)
{
	(void)unused;
	assert_true(token_valid(STR("app_" "0000000000000000000000000000000000000000000" "19SdUs"), "app_"));
	assert_true(token_valid(STR("hk_" "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg" "1s1W3m"), "hk_"));
	assert_true(token_valid(STR("web_" "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJ" "08rArg"), "web_"));
	assert_false(token_valid(STR("app_" "0000000000000000000000000000000000000000000" "000000"), "app_"));
}

static void
made_tokens_are_valid(void **unused)
{
	static const char *const prefixes[] = {
		TOKEN_SERVER_KEY, TOKEN_CLIENT_KEY, TOKEN_HOOK, TOKEN_HOOK_SECRET, "",
	};
	char	t[TOKEN_SIZE], other[TOKEN_SIZE];
	size_t	i, k, n;

	(void)unused;
	for (i = 0; i < COUNT(prefixes); i++) {
		for (k = 0; k < 200; k++) {
			token_make(t, prefixes[i]);
			n = strlen(prefixes[i]);
			assert_int_equal(strlen(t), n + TOKEN_RANDOM_CHARS + TOKEN_CRC_CHARS);
			assert_memory_equal(t, prefixes[i], n);
			assert_int_equal(strspn(t + n, alphabet), TOKEN_RANDOM_CHARS + TOKEN_CRC_CHARS);
			assert_true(token_valid(str_c(t), prefixes[i]));
		}
		token_make(other, prefixes[i]);
		assert_string_not_equal(t, other);
	}
}

/* A number of 256 bits in 43 digits: all but the first (which 2^256 does not fill) take every value. */
static void
random_part_uses_its_digits(void **unused)
{
	char		t[TOKEN_SIZE];
	unsigned char	seen_last[128] = { 0 }, seen_second[128] = { 0 };
	size_t		i, last = 0, second = 0;

	(void)unused;
	for (i = 0; i < 3000; i++) {
		token_make(t, "");
		seen_second[(unsigned char)t[1]] = 1;
		seen_last[(unsigned char)t[TOKEN_RANDOM_CHARS - 1]] = 1;
	}
	for (i = 0; alphabet[i] != '\0'; i++) {
		second += seen_second[(unsigned char)alphabet[i]];
		last += seen_last[(unsigned char)alphabet[i]];
	}
	assert_int_equal(second, 62);
	assert_int_equal(last, 62);
}

static void
every_slip_is_noticed(void **unused)
{
	char	t[TOKEN_SIZE], kept;
	size_t	i, k;

	(void)unused;
	token_make(t, TOKEN_SERVER_KEY);
	for (i = 0; t[i] != '\0'; i++) {
		kept = t[i];
		for (k = 0; alphabet[k] != '\0'; k++) {
			t[i] = alphabet[k];
			if (t[i] != kept && token_valid(str_c(t), TOKEN_SERVER_KEY))
				fail_msg("place %zu, %c for %c", i, t[i], kept);
		}
		t[i] = kept;
	}
	for (i = 4; t[i + 1] != '\0'; i++) {		/* neighbours swapped */
		if (t[i] == t[i + 1])
			continue;
		kept = t[i];
		t[i] = t[i + 1];
		t[i + 1] = kept;
		assert_false(token_valid(str_c(t), TOKEN_SERVER_KEY));
		t[i + 1] = t[i];
		t[i] = kept;
	}
	assert_true(token_valid(str_c(t), TOKEN_SERVER_KEY));
}

static void
prefix_and_length_must_fit(void **unused)
{
	char		t[TOKEN_SIZE], longer[TOKEN_SIZE + 1];
	struct str	s;

	(void)unused;
	token_make(t, TOKEN_SERVER_KEY);
	s = str_c(t);
	assert_true(token_valid(s, "app_"));
	assert_false(token_valid(s, "web_"));
	assert_false(token_valid(s, "app"));
	assert_false(token_valid(s, ""));
	assert_false(token_valid((struct str){ s.p, s.n - 1 }, "app_"));
	assert_false(token_valid((struct str){ s.p + 1, s.n - 1 }, "app_"));
	memcpy(longer, t, s.n);
	memcpy(longer + s.n, "0", 2);
	assert_false(token_valid(str_c(longer), "app_"));
	assert_false(token_valid(STR_NONE, "app_"));
	assert_false(token_valid(STR(""), "app_"));
	assert_false(token_valid(STR("app_"), "app_"));
}

/* Bytes outside the alphabet are refused even under a checksum that fits them. */
static void
alphabet_is_checked_apart_from_the_crc(void **unused)
{
	(void)unused;
	assert_false(token_valid(STR("app_" "000000000000000000000-000000000000000000000" "1raZEd"), "app_"));
	assert_false(token_valid(STR("app_" "000000000000000000000\0" "000000000000000000000" "0ZsElA"), "app_"));
	assert_false(token_valid(STR("app_" "000000000000000000000\xc3" "000000000000000000000" "2zMzyG"), "app_"));
}

static void
stored_form_is_the_plain_digest(void **unused)
{
	unsigned char	d[SHA256_SIZE];
	char		text[2 * SHA256_SIZE + 1];

	(void)unused;
	token_hash(d, STR("abc"));
	hex_encode(text, d, sizeof(d));
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_tokens),
		cmocka_unit_test(made_tokens_are_valid),
		cmocka_unit_test(random_part_uses_its_digits),
		cmocka_unit_test(every_slip_is_noticed),
		cmocka_unit_test(prefix_and_length_must_fit),
		cmocka_unit_test(alphabet_is_checked_apart_from_the_crc),
		cmocka_unit_test(stored_form_is_the_plain_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
