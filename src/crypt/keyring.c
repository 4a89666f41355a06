/*
 * keyring: reads and writes the text of a key file. Strict, because a key that was read wrongly shows only when nothing
 * opens any more: one spelling per value, no blanks, no id or key twice.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/num.h"
#include "crypt/keyring.h"

struct reading {
	struct keyring	*k;
	const char	*file;
	size_t		 line;
	char		*why;
};

static bool __attribute__((format(printf, 2, 3)))
fault(const struct reading *r, const char *fmt, ...)
{
	int n = snprintf(r->why, KEYRING_WHY_SIZE, "%.256s:%zu: ", r->file, r->line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why + n, KEYRING_WHY_SIZE - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static bool
is_nothing(const unsigned char *bytes)
{
	unsigned char any = 0;

	for (size_t i = 0; i < GCM_KEY_SIZE; i++)
		any |= bytes[i];
	return any == 0;
}

/* In its place by id; an id or a key that is there already is refused. */
static bool
insert(const struct reading *r, const struct key *key)
{
	struct keyring *k = r->k;
	size_t at = k->n;

	for (size_t i = 0; i < k->n; i++) {
		if (k->key[i].id == key->id)
			return fault(r, "the id %lu is there already", (unsigned long)key->id);
		if (hash_equal(k->key[i].bytes, key->bytes, GCM_KEY_SIZE))
			return fault(r, "this key is there already, with the id %lu", (unsigned long)k->key[i].id);
	}
	if (k->n == KEYRING_MAX)
		return fault(r, "more than %d keys", KEYRING_MAX);
	while (at > 0 && k->key[at - 1].id > key->id)
		at--;
	memmove(&k->key[at + 1], &k->key[at], (k->n - at) * sizeof(*key));
	k->key[at] = *key;
	k->n++;
	return true;
}

static bool
read_line(const struct reading *r, struct str line, struct key *key)
{
	struct str id, hex;
	int64_t number;

	if (!str_cut(&line, ':', &id) || !str_cut(&line, ':', &hex) || line.p == NULL)
		return fault(r, "expected ID:KEY:CREATED");
	if (id.n == 0 || id.p[0] == '0' || !num_i64(id, 1, UINT32_MAX, &number))
		return fault(r, "expected an id from 1 to %lu before the first colon", (unsigned long)UINT32_MAX);
	if (hex.n != (size_t)2 * GCM_KEY_SIZE || hex_decode(key->bytes, GCM_KEY_SIZE, hex) != GCM_KEY_SIZE)
		return fault(r, "expected %d hexadecimal digits between the colons", 2 * GCM_KEY_SIZE);
	if (is_nothing(key->bytes))
		return fault(r, "a key of zeros is no key");
	if (!clock_parse_rfc3339(line, &key->created_ms))
		return fault(r, "expected a time such as 2026-11-26T21:14:43Z after the second colon");
	key->id = (uint32_t)number;
	return insert(r, key);
}

bool
keyring_parse(struct keyring *k, struct str text, const char *file, char why[KEYRING_WHY_SIZE])
{
	struct reading r = { k, file, 0, why };
	struct key key;
	struct str line;
	bool good = true;

	memset(k, 0, sizeof(*k));
	while (good && str_cut(&text, '\n', &line)) {
		r.line++;
		if (line.n > 0 && line.p[0] != '#')
			good = read_line(&r, line, &key);
	}
	if (good && k->n == 0) {
		snprintf(why, KEYRING_WHY_SIZE, "%.256s: there is no key in it; 'ringctl keyring add' makes one", file);
		good = false;
	}
	hash_wipe(&key, sizeof(key));
	if (!good)
		keyring_wipe(k);
	return good;
}

void
keyring_wipe(struct keyring *k)
{
	hash_wipe(k, sizeof(*k));
}

const struct key *
keyring_find(const struct keyring *k, uint32_t id)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->key[i].id == id)
			return &k->key[i];
	return NULL;
}

const struct key *
keyring_newest(const struct keyring *k)
{
	return k->n > 0 ? &k->key[k->n - 1] : NULL;
}

void
key_make(struct key *key, uint32_t id, int64_t now_ms)
{
	key->id = id;
	key->created_ms = now_ms;
	hash_random(key->bytes, sizeof(key->bytes));
}

void
key_line(char out[KEYRING_LINE_SIZE], const struct key *key)
{
	char hex[2 * GCM_KEY_SIZE + 1], created[CLOCK_RFC3339_SIZE];

	hex_encode(hex, key->bytes, sizeof(key->bytes));
	clock_rfc3339(created, key->created_ms);
	snprintf(out, KEYRING_LINE_SIZE, "%lu:%s:%s\n", (unsigned long)key->id, hex, created);
	hash_wipe(hex, sizeof(hex));
}
