/*
 * envelope: records out of secrets and back. Pure but for the randomness of a nonce. Plain text exists only in a struct
 * secret and in a buffer that is wiped; keys of apps are made for one call and wiped after it.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "crypt/envelope.h"

#define LABEL		"ringd envelope 1"
#define AAD_MAX		512

static void
put_u32(struct buf *b, size_t v)
{
	const unsigned char bytes[4] = {
		(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v,
	};

	buf_put(b, bytes, sizeof(bytes));
}

static void
put_part(struct buf *b, const void *p, size_t n)
{
	put_u32(b, n);
	buf_put(b, p, n);
}

void
envelope_head(unsigned char out[ENVELOPE_HEAD], uint32_t key_id)
{
	out[0] = ENVELOPE_VERSION;
	for (int i = 0; i < 4; i++)
		out[1 + i] = (unsigned char)(key_id >> (24 - 8 * i));
}

/* What the tag also answers for. */
static void
put_aad(struct buf *b, const struct envelope_place *at, const unsigned char head[ENVELOPE_HEAD])
{
	put_part(b, at->table, strlen(at->table));
	put_part(b, at->column, strlen(at->column));
	put_part(b, at->app.b, sizeof(at->app.b));
	put_part(b, at->row.b, sizeof(at->row.b));
	put_part(b, head, ENVELOPE_HEAD);
}

static void
app_key(unsigned char out[GCM_KEY_SIZE], const struct key *master, struct uuid app)
{
	char message[sizeof(LABEL) + sizeof(app.b)];	/* the label's NUL parts the two */

	_Static_assert(GCM_KEY_SIZE == SHA256_SIZE, "one block of the MAC is the key");
	memcpy(message, LABEL, sizeof(LABEL));
	memcpy(message + sizeof(LABEL), app.b, sizeof(app.b));
	hash_hmac_sha256(out, (struct str){ (const char *)master->bytes, GCM_KEY_SIZE },
	    (struct str){ message, sizeof(message) });
}

bool
envelope_seal(struct buf *out, const struct keyring *k, const struct envelope_place *at, const struct secret *plain)
{
	unsigned char key[GCM_KEY_SIZE], head[ENVELOPE_HEAD], nonce[GCM_NONCE_SIZE], *to;
	const struct key *newest = keyring_newest(k);
	struct str text = secret_bytes(plain);
	struct buf aad;
	bool good;

	if (newest == NULL || text.p == NULL || text.n > ENVELOPE_PLAIN_MAX)
		return false;
	envelope_head(head, newest->id);
	hash_random(nonce, sizeof(nonce));
	buf_init(&aad, AAD_MAX);
	put_aad(&aad, at, head);
	good = !aad.failed && buf_reserve(out, ENVELOPE_OVERHEAD + text.n);
	if (good) {
		buf_put(out, head, sizeof(head));
		buf_put(out, nonce, sizeof(nonce));
		to = (unsigned char *)out->p + out->len;
		app_key(key, newest, at->app);
		gcm_seal(to, to + text.n, key, nonce, buf_as_str(&aad), text);
		hash_wipe(key, sizeof(key));
		out->len += text.n + GCM_TAG_SIZE;
	}
	buf_free(&aad);
	return good;
}

bool
envelope_key_id(struct str record, uint32_t *id)
{
	const unsigned char *p = (const unsigned char *)record.p;

	if (record.n < ENVELOPE_OVERHEAD || record.n > ENVELOPE_MAX || p[0] != ENVELOPE_VERSION)
		return false;
	*id = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
	return true;
}

static enum envelope_result
open_with(struct secret *plain, const struct key *master, const struct envelope_place *at, struct str record)
{
	const unsigned char *p = (const unsigned char *)record.p;
	size_t n = record.n - ENVELOPE_OVERHEAD;
	unsigned char key[GCM_KEY_SIZE], *text = malloc(n + 1);
	enum envelope_result result = ENVELOPE_NO_MEMORY;
	struct buf aad;

	buf_init(&aad, AAD_MAX);
	put_aad(&aad, at, p);
	if (text != NULL && !aad.failed) {
		app_key(key, master, at->app);
		result = ENVELOPE_FORGED;
		if (gcm_open(text, key, p + ENVELOPE_HEAD, buf_as_str(&aad),
		    (struct str){ record.p + ENVELOPE_HEAD + GCM_NONCE_SIZE, n }, p + record.n - GCM_TAG_SIZE))
			result = secret_set(plain, (struct str){ (const char *)text, n }) ? ENVELOPE_OK : ENVELOPE_NO_MEMORY;
		hash_wipe(key, sizeof(key));
		hash_wipe(text, n);
	}
	free(text);
	buf_free(&aad);
	return result;
}

enum envelope_result
envelope_open(struct secret *plain, const struct keyring *k, const struct envelope_place *at, struct str record)
{
	const struct key *master;
	uint32_t id;

	if (!envelope_key_id(record, &id))
		return ENVELOPE_MALFORMED;
	master = keyring_find(k, id);
	return master != NULL ? open_with(plain, master, at, record) : ENVELOPE_NO_KEY;
}

const char *
envelope_result_text(enum envelope_result r)
{
	static const char *const texts[] = {
		[ENVELOPE_OK] = "opened",
		[ENVELOPE_MALFORMED] = "is not a sealed record",
		[ENVELOPE_NO_KEY] = "is sealed with a key that is not in the key ring",
		[ENVELOPE_FORGED] = "does not open: it was changed, or moved here from another row, column or app",
		[ENVELOPE_NO_MEMORY] = "cannot be opened: out of memory",
	};

	return texts[r];
}
