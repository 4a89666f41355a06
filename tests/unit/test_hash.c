/*
 * Digests and MACs against published vectors (FIPS 180-4, RFC 4231, RFC 4648), and encodings that are strict.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "base/hash.h"

static void
assert_digest(const unsigned char digest[SHA256_SIZE], const char *expected)
{
	char text[2 * SHA256_SIZE + 1];

	hex_encode(text, digest, SHA256_SIZE);
	assert_string_equal(text, expected);
}

static void
sha256_vectors(void **unused)
{
	unsigned char d[SHA256_SIZE];

	(void)unused;
	hash_sha256(d, STR("abc"));
	assert_digest(d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_sha256(d, STR(""));
	assert_digest(d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hash_sha256(d, STR_NONE);
	assert_digest(d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hash_sha256(d, STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
	assert_digest(d, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 1321, A.5. */
static void
md5_vectors(void **unused)
{
	static const struct { const char *text, *digest; } cases[] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a" },
	};
	unsigned char d[MD5_SIZE];
	char hex[2 * MD5_SIZE + 1];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		hash_md5(d, str_c(cases[i].text));
		hex_encode(hex, d, sizeof(d));
		assert_string_equal(hex, cases[i].digest);
	}
}

static void
hmac_vectors(void **unused)
{
	unsigned char	d[SHA256_SIZE];
	char		key[131];

	(void)unused;
	hash_hmac_sha256(d, STR("Jefe"), STR("what do ya want for nothing?"));
	assert_digest(d, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0x0b, 20);
	hash_hmac_sha256(d, (struct str){ key, 20 }, STR("Hi There"));
	assert_digest(d, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	memset(key, 0xaa, sizeof(key));
	hash_hmac_sha256(d, (struct str){ key, sizeof(key) },
	    STR("Test Using Larger Than Block-Size Key - Hash Key First"));
	assert_digest(d, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	hash_hmac_sha256(d, STR_NONE, STR_NONE);
	assert_digest(d, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
parts_know_their_borders(void **unused)
{
	struct str	ab_c[] = { STR("ab"), STR("c") }, a_bc[] = { STR("a"), STR("bc") }, abc[] = { STR("abc") };
	unsigned char	d[SHA256_SIZE], e[SHA256_SIZE];

	(void)unused;
	hash_sha256_parts(d, ab_c, 2);
	hash_sha256_parts(e, a_bc, 2);
	assert_memory_not_equal(d, e, SHA256_SIZE);
	hash_sha256_parts(d, abc, 1);
	hash_sha256(e, STR("\0\0\0\0\0\0\0\3abc"));
	assert_memory_equal(d, e, SHA256_SIZE);
	hash_sha256_parts(d, ab_c, 2);
	hash_sha256(e, STR("\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c"));
	assert_memory_equal(d, e, SHA256_SIZE);
	hash_sha256_parts(d, NULL, 0);
	assert_digest(d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
crc32_is_the_common_one(void **unused)
{
	(void)unused;
	assert_int_equal(hash_crc32(STR("123456789")), 0xcbf43926);
	assert_int_equal(hash_crc32(STR("")), 0);
	assert_int_equal(hash_crc32(STR("a")), 0xe8b7be43);
	assert_int_equal(hash_crc32(STR("The quick brown fox jumps over the lazy dog")), 0x414fa339);
}

static void
equal_compares_every_byte(void **unused)
{
	char	a[64] = { 0 }, b[64] = { 0 };
	int	i;

	(void)unused;
	assert_true(hash_equal(a, b, sizeof(a)));
	for (i = 0; i < 64; i++) {
		b[i] = 1;
		assert_false(hash_equal(a, b, sizeof(a)));
		b[i] = 0;
	}
	b[10] = 1;
	assert_true(hash_equal(a, b, 10));
	assert_true(hash_equal(a, b, 0));
}

static void
random_fills_all_and_never_repeats(void **unused)
{
	unsigned char	a[1000] = { 0 }, b[1000] = { 0 };
	size_t		i, zeroes = 0;

	(void)unused;
	hash_random(a, sizeof(a) - 1);
	hash_random(b, sizeof(b) - 1);
	assert_memory_not_equal(a, b, 32);
	assert_memory_not_equal(a + 960, b + 960, 32);
	for (i = 0; i < 999; i++)
		zeroes += a[i] == 0;
	assert_in_range(zeroes, 0, 40);
	assert_int_equal(a[999], 0);
}

static void
wipe_leaves_zeroes(void **unused)
{
	char a[] = "hunter2 and more";

	(void)unused;
	hash_wipe(a, 7);
	assert_memory_equal(a, "\0\0\0\0\0\0\0 and", 11);
}

static void
hex_both_ways(void **unused)
{
	unsigned char	out[8];
	char		text[17];

	(void)unused;
	hex_encode(text, "\x00\x0f\xf0\xff", 4);
	assert_string_equal(text, "000ff0ff");
	hex_encode(text, "", 0);
	assert_string_equal(text, "");
	assert_int_equal(hex_decode(out, sizeof(out), STR("000fF0Ff")), 4);
	assert_memory_equal(out, "\x00\x0f\xf0\xff", 4);
	assert_int_equal(hex_decode(out, sizeof(out), STR("")), 0);
	assert_int_equal(hex_decode(out, 2, STR("0001")), 2);
	assert_int_equal(hex_decode(out, 1, STR("0001")), -1);
	assert_int_equal(hex_decode(out, sizeof(out), STR("0")), -1);
	assert_int_equal(hex_decode(out, sizeof(out), STR("0g")), -1);
	assert_int_equal(hex_decode(out, sizeof(out), STR("@0")), -1);
	assert_int_equal(hex_decode(out, sizeof(out), STR(" 0")), -1);
	assert_int_equal(hex_decode(out, sizeof(out), STR("0x")), -1);
	assert_int_equal(hex_decode(out, sizeof(out), STR("00\n0")), -1);
}

static const struct {
	const char	*plain, *padded, *url;
} rfc4648[] = {
	{ "", "", "" }, { "f", "Zg==", "Zg" }, { "fo", "Zm8=", "Zm8" }, { "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" }, { "fooba", "Zm9vYmE=", "Zm9vYmE" }, { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+", "-__-" }, { "\xff", "/w==", "_w" },
};

static void
base64_both_ways(void **unused)
{
	unsigned char	out[16];
	char		text[16];
	size_t		i, n;

	(void)unused;
	for (i = 0; i < sizeof(rfc4648) / sizeof(rfc4648[0]); i++) {
		n = strlen(rfc4648[i].plain);
		base64_encode(text, rfc4648[i].plain, n);
		assert_string_equal(text, rfc4648[i].padded);
		base64url_encode(text, rfc4648[i].plain, n);
		assert_string_equal(text, rfc4648[i].url);
		assert_int_equal(base64_decode(out, n, str_c(rfc4648[i].padded)), (long)n);
		assert_memory_equal(out, rfc4648[i].plain, n);
		assert_int_equal(base64url_decode(out, n, str_c(rfc4648[i].url)), (long)n);
		assert_memory_equal(out, rfc4648[i].plain, n);
		if (n > 0) {
			assert_int_equal(base64_decode(out, n - 1, str_c(rfc4648[i].padded)), -1);
			assert_int_equal(base64url_decode(out, n - 1, str_c(rfc4648[i].url)), -1);
		}
	}
}

static void
base64_every_value_survives(void **unused)
{
	unsigned char	in[256], out[256];
	char		text[345];
	size_t		i, n;

	(void)unused;
	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 167);
	for (n = 0; n <= sizeof(in); n++) {
		base64_encode(text, in, n);
		assert_int_equal(strlen(text), 4 * ((n + 2) / 3));
		assert_int_equal(base64_decode(out, sizeof(out), str_c(text)), (long)n);
		assert_memory_equal(in, out, n);
		base64url_encode(text, in, n);
		assert_int_equal(base64url_decode(out, sizeof(out), str_c(text)), (long)n);
		assert_memory_equal(in, out, n);
	}
}

static void
base64_has_one_spelling(void **unused)
{
	static const char *const bad[] = {
		"Zg", "Zg=", "Zg===", "Zg====", "=", "==", "====", "Z===", "Zh==", "Zm9=", "Zm8=Zm8=",
		"Zg==Zg==", "Z=g=",
		"Zm9v\n", " Zm9v", "Zm9 ", "Zm\n9", "-__-", "Zm9vZ", "Z", "Zm.v", "Zm9\xc3",
	};
	static const char *const bad_url[] = {
		"Z", "Zm9vY", "Zg==", "Zm8=", "Zh", "Zm9", "+//+", "Zm9v\n", " Zm9v", "Zm 9", "=", "Zm,v",
	};
	unsigned char	out[16];
	size_t		i;

	(void)unused;
	for (i = 0; i < COUNT(bad); i++)
		if (base64_decode(out, sizeof(out), str_c(bad[i])) != -1)
			fail_msg("base64 \"%s\" was taken", bad[i]);
	for (i = 0; i < COUNT(bad_url); i++)
		if (base64url_decode(out, sizeof(out), str_c(bad_url[i])) != -1)
			fail_msg("base64url \"%s\" was taken", bad_url[i]);
	assert_int_equal(base64_decode(out, sizeof(out), STR("Zm9\0")), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_vectors),
		cmocka_unit_test(md5_vectors),
		cmocka_unit_test(hmac_vectors),
		cmocka_unit_test(parts_know_their_borders),
		cmocka_unit_test(crc32_is_the_common_one),
		cmocka_unit_test(equal_compares_every_byte),
		cmocka_unit_test(random_fills_all_and_never_repeats),
		cmocka_unit_test(wipe_leaves_zeroes),
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(base64_both_ways),
		cmocka_unit_test(base64_every_value_survives),
		cmocka_unit_test(base64_has_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
