/*
 * Sealed records: AES-256-GCM against the vectors of NIST's GCM submission, a record made by another implementation, and
 * that a record opens only unchanged, in its own place, with its own key. And the key file's text.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/hash.h"
#include "crypt/cfb.h"
#include "crypt/envelope.h"

#define K1	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define K2	"ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define AT	":2026-11-26T21:14:43.000Z\n"

static size_t
unhex(unsigned char *out, size_t max, const char *hex)
{
	long n = hex_decode(out, max, str_c(hex));

	assert_true(n >= 0);
	return (size_t)n;
}

/* Test cases 13 to 16 of "The Galois/Counter Mode of Operation". */
static const struct {
	const char *key, *nonce, *aad, *plain, *sealed, *tag;
} vectors[] = {
	{ "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
	    "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
	    "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
	    "d0d1c8a799996bf0265b98b5d48ab919" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad", "b094dac5d93471bdec1a502270e3cc6c" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662", "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static void
gcm_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		unsigned char key[32], nonce[12], aad[64], plain[64], sealed[64], tag[16], out[64], out_tag[16];
		struct str a = { (char *)aad, unhex(aad, sizeof(aad), vectors[i].aad) };
		struct str p = { (char *)plain, unhex(plain, sizeof(plain), vectors[i].plain) };
		size_t n = unhex(sealed, sizeof(sealed), vectors[i].sealed);

		unhex(key, sizeof(key), vectors[i].key);
		unhex(nonce, sizeof(nonce), vectors[i].nonce);
		unhex(tag, sizeof(tag), vectors[i].tag);
		assert_int_equal(n, p.n);
		gcm_seal(out, out_tag, key, nonce, a, p);
		assert_memory_equal(out, sealed, n);
		assert_memory_equal(out_tag, tag, sizeof(tag));
		assert_true(gcm_open(out, key, nonce, a, (struct str){ (char *)sealed, n }, tag));
		assert_memory_equal(out, plain, n);
		tag[15] ^= 1;
		memset(out, 'x', sizeof(out));
		assert_false(gcm_open(out, key, nonce, a, (struct str){ (char *)sealed, n }, tag));
		for (size_t b = 0; b < n; b++)
			assert_int_equal(out[b], 0);	/* nothing of a forged message is left to be used */
	}
}

static void
ring(struct keyring *k, const char *text)
{
	char why[KEYRING_WHY_SIZE];

	if (!keyring_parse(k, str_c(text), "ring", why))
		fail_msg("%s", why);
}

static struct envelope_place
place(const char *table, const char *column, unsigned char app, unsigned char row)
{
	return (struct envelope_place){ table, column, { { app, [15] = 7 } }, { { row, [15] = 9 } } };
}

static void
opens(const struct keyring *k, struct envelope_place at, struct str record, enum envelope_result expected,
    const char *text)
{
	struct secret plain = { 0 };

	assert_int_equal(envelope_open(&plain, k, &at, record), expected);
	if (expected == ENVELOPE_OK)
		assert_true(str_eq(secret_bytes(&plain), str_c(text)));
	else
		assert_null(plain.bytes);
	secret_free(&plain);
}

static void
seal(struct buf *out, const struct keyring *k, struct envelope_place at, struct str text)
{
	struct secret plain = { 0 };

	assert_true(secret_set(&plain, text));
	buf_init(out, ENVELOPE_MAX);
	assert_true(envelope_seal(out, k, &at, &plain));
	assert_int_equal(out->len, text.n + ENVELOPE_OVERHEAD);
	secret_free(&plain);
}

/* Made with Python's cryptography from the description in envelope.h alone. */
static void
a_record_of_another_implementation(void **state)
{
	static const char hex[] = "01000000076465666768696a6b6c6d6e6f4f424e2e551cfb5dff19ce9b407e80"
	    "87581ecd6a65b501d2fc4622933c";
	unsigned char record[128];
	struct keyring k;
	size_t n = unhex(record, sizeof(record), hex);

	(void)state;
	ring(&k, "7:" K1 AT);
	opens(&k, place("dialpad_connections", "access_token", 1, 2), (struct str){ (char *)record, n }, ENVELOPE_OK,
	    "token of Acme");
}

static void
a_record_opens_only_in_its_place(void **state)
{
	struct keyring one, other, both;
	struct buf r;
	struct str record;
	uint32_t id;

	(void)state;
	ring(&one, "1:" K1 AT);
	ring(&other, "1:" K2 AT);
	ring(&both, "2:" K2 AT "1:" K1 AT);
	seal(&r, &one, place("t", "c", 1, 2), STR("secret"));
	record = buf_as_str(&r);
	assert_true(envelope_key_id(record, &id));
	assert_int_equal(id, 1);
	opens(&one, place("t", "c", 1, 2), record, ENVELOPE_OK, "secret");
	opens(&both, place("t", "c", 1, 2), record, ENVELOPE_OK, "secret");
	opens(&one, place("t", "c", 1, 3), record, ENVELOPE_FORGED, NULL);
	opens(&one, place("t", "c", 2, 2), record, ENVELOPE_FORGED, NULL);
	opens(&one, place("t", "d", 1, 2), record, ENVELOPE_FORGED, NULL);
	opens(&one, place("u", "c", 1, 2), record, ENVELOPE_FORGED, NULL);
	opens(&one, place("tc", "", 1, 2), record, ENVELOPE_FORGED, NULL);	/* lengths keep the parts apart */
	opens(&one, place("", "tc", 1, 2), record, ENVELOPE_FORGED, NULL);
	opens(&other, place("t", "c", 1, 2), record, ENVELOPE_FORGED, NULL);
	ring(&other, "2:" K1 AT);
	opens(&other, place("t", "c", 1, 2), record, ENVELOPE_NO_KEY, NULL);
	buf_free(&r);
	seal(&r, &both, place("t", "c", 1, 2), STR("secret"));
	assert_true(envelope_key_id(buf_as_str(&r), &id));
	assert_int_equal(id, 2);		/* the newest, whichever line it stands on */
	buf_free(&r);
}

static void
a_record_opens_only_unchanged(void **state)
{
	struct envelope_place at = place("t", "c", 1, 2);
	struct secret plain = { 0 };
	struct keyring k;
	struct buf r;

	(void)state;
	ring(&k, "1:" K1 AT "2:" K2 AT);
	seal(&r, &k, at, STR("a secret of some length"));
	for (size_t i = 0; i < r.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			r.p[i] = (char)(r.p[i] ^ 1 << bit);
			assert_int_not_equal(envelope_open(&plain, &k, &at, buf_as_str(&r)), ENVELOPE_OK);
			r.p[i] = (char)(r.p[i] ^ 1 << bit);
		}
	for (size_t n = 0; n < r.len; n++)
		assert_int_not_equal(envelope_open(&plain, &k, &at, (struct str){ r.p, n }), ENVELOPE_OK);
	buf_putc(&r, '\0');
	assert_int_equal(envelope_open(&plain, &k, &at, buf_as_str(&r)), ENVELOPE_FORGED);
	assert_int_equal(envelope_open(&plain, &k, &at, STR_NONE), ENVELOPE_MALFORMED);
	opens(&k, at, (struct str){ r.p, r.len - 1 }, ENVELOPE_OK, "a secret of some length");
	buf_free(&r);
}

static void
every_length_comes_back_and_no_two_records_are_alike(void **state)
{
	char text[300];
	struct keyring k;
	struct buf a, b;

	(void)state;
	ring(&k, "1:" K1 AT);
	memset(text, 'x', sizeof(text));
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		text[n] = '\0';
		seal(&a, &k, place("t", "c", 1, 2), (struct str){ text, n });
		seal(&b, &k, place("t", "c", 1, 2), (struct str){ text, n });
		opens(&k, place("t", "c", 1, 2), buf_as_str(&a), ENVELOPE_OK, text);
		assert_memory_not_equal(a.p + ENVELOPE_HEAD, b.p + ENVELOPE_HEAD, GCM_NONCE_SIZE);
		assert_memory_not_equal(a.p + a.len - GCM_TAG_SIZE, b.p + b.len - GCM_TAG_SIZE, GCM_TAG_SIZE);
		text[n] = 'x';
		buf_free(&a);
		buf_free(&b);
	}
}

static void
what_cannot_be_sealed(void **state)
{
	struct envelope_place at = place("t", "c", 1, 2);
	struct secret plain = { 0 };
	struct keyring k = { .n = 0 };
	struct buf out;

	(void)state;
	buf_init(&out, ENVELOPE_MAX);
	assert_true(secret_set(&plain, STR("x")));
	assert_false(envelope_seal(&out, &k, &at, &plain));	/* no key */
	ring(&k, "1:" K1 AT);
	secret_free(&plain);
	assert_false(envelope_seal(&out, &k, &at, &plain));	/* no secret */
	plain.bytes = calloc(1, ENVELOPE_PLAIN_MAX + 2);
	plain.len = ENVELOPE_PLAIN_MAX + 1;
	assert_false(envelope_seal(&out, &k, &at, &plain));
	plain.len--;
	assert_true(envelope_seal(&out, &k, &at, &plain));
	assert_int_equal(out.len, ENVELOPE_MAX);
	secret_free(&plain);
	buf_free(&out);
}

static void
key_files(void **state)
{
	static const struct { const char *text, *why; } bad[] = {
		{ "", "ring: there is no key in it; 'ringctl keyring add' makes one" },
		{ "# only a remark\n\n", "ring: there is no key in it; 'ringctl keyring add' makes one" },
		{ "1\n", "ring:1: expected ID:KEY:CREATED" },
		{ "# x\n\n1:" K1 "\n", "ring:3: expected ID:KEY:CREATED" },
		{ "0:" K1 AT, "ring:1: expected an id from 1 to 4294967295 before the first colon" },
		{ "01:" K1 AT, "ring:1: expected an id from 1 to 4294967295 before the first colon" },
		{ " 1:" K1 AT, "ring:1: expected an id from 1 to 4294967295 before the first colon" },
		{ "-1:" K1 AT, "ring:1: expected an id from 1 to 4294967295 before the first colon" },
		{ ":" K1 AT, "ring:1: expected an id from 1 to 4294967295 before the first colon" },
		{ "4294967296:" K1 AT, "ring:1: expected an id from 1 to 4294967295 before the first colon" },
		{ "1:" K1 "00" AT, "ring:1: expected 64 hexadecimal digits between the colons" },
		{ "1:" AT, "ring:1: expected 64 hexadecimal digits between the colons" },
		{ "1: 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" AT,
		    "ring:1: expected 64 hexadecimal digits between the colons" },
		{ "1:0000000000000000000000000000000000000000000000000000000000000000" AT,
		    "ring:1: a key of zeros is no key" },
		{ "1:" K1 ":yesterday\n",
		    "ring:1: expected a time such as 2026-11-26T21:14:43Z after the second colon" },
		{ "1:" K1 AT "2:" K2 AT "1:" K2 AT, "ring:3: the id 1 is there already" },
		{ "1:" K1 AT "2:" K1 AT, "ring:2: this key is there already, with the id 1" },
		{ "1:" K1 AT "2:" K2 AT "nonsense", "ring:3: expected ID:KEY:CREATED" },
	};
	char why[KEYRING_WHY_SIZE], line[KEYRING_LINE_SIZE], many[KEYRING_LINE_SIZE * (KEYRING_MAX + 1)] = "";
	struct keyring k;
	struct key key;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(keyring_parse(&k, str_c(bad[i].text), "ring", why));
		assert_string_equal(why, bad[i].why);
		assert_int_equal(k.n, 0);
	}
	ring(&k, "# newest last or not\n9:" K1 AT "\n2:" K2 ":2026-01-01T00:00:00+01:00");
	assert_int_equal(k.n, 2);
	assert_int_equal(keyring_newest(&k)->id, 9);
	assert_int_equal(keyring_find(&k, 2)->bytes[0], 0xff);
	assert_null(keyring_find(&k, 1));
	for (uint32_t id = 1; id <= KEYRING_MAX + 1; id++) {
		key_make(&key, id, INT64_C(1795727683000));
		key_line(line, &key);
		strcat(many, line);
		if (id == KEYRING_MAX) {
			ring(&k, many);
			assert_memory_equal(keyring_newest(&k)->bytes, key.bytes, sizeof(key.bytes));
			assert_int_equal(keyring_newest(&k)->created_ms, key.created_ms);
		}
	}
	assert_false(keyring_parse(&k, str_c(many), "ring", why));
	assert_string_equal(why, "ring:65: more than 64 keys");
}

/* NIST SP 800-38A, F.3.17. */
static void
cfb_vector(void **state)
{
	unsigned char key[CFB_KEY_SIZE], iv[CFB_IV_SIZE], sealed[48], out[48], plain[48];

	(void)state;
	assert_int_equal(hex_decode(key, sizeof(key), STR("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")), sizeof(key));
	assert_int_equal(hex_decode(iv, sizeof(iv), STR("000102030405060708090a0b0c0d0e0f")), sizeof(iv));
	assert_int_equal(hex_decode(plain, sizeof(plain),
	    STR("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef")), sizeof(plain));
	assert_int_equal(hex_decode(sealed, sizeof(sealed),
	    STR("dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407bdf10132415e54b92a13ed0a8267ae2f9")), sizeof(sealed));
	for (size_t n = 0; n <= sizeof(sealed); n++) {
		cfb_open(out, key, iv, (struct str){ (char *)sealed, n });
		assert_memory_equal(out, plain, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gcm_vectors),
		cmocka_unit_test(cfb_vector),
		cmocka_unit_test(a_record_of_another_implementation),
		cmocka_unit_test(a_record_opens_only_in_its_place),
		cmocka_unit_test(a_record_opens_only_unchanged),
		cmocka_unit_test(every_length_comes_back_and_no_two_records_are_alike),
		cmocka_unit_test(what_cannot_be_sealed),
		cmocka_unit_test(key_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
