/*
 * sealed: see sealed.h.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/hash.h"
#include "crypt/key_file.h"
#include "ctl/keyring.h"
#include "ctl/sealed.h"

int
ring_open(struct ctl *c, const struct args *a, struct ring *r)
{
	char why[KEYRING_WHY_SIZE];
	const char *path;
	int code;

	*r = (struct ring){ .text = { NULL, 0 } };
	code = ctl_keyring_path(c, a, &path);
	if (code != CTL_OK)
		return code;
	return key_file_read(path, &r->text, &r->keys, why) ? CTL_OK : ctl_fail(CTL_FAILED, "%s", why);
}

void
ring_close(struct ring *r)
{
	keyring_wipe(&r->keys);
	secret_free(&r->text);
}

struct envelope_place
sealed_at(const char *table, const char *app_id, const char *row)
{
	struct envelope_place at = { .table = table, .column = "credentials" };

	if (!uuid_parse(str_c(app_id), &at.app) || !uuid_parse(str_c(row), &at.row))
		abort();	/* both come from the database, or from us */
	return at;
}

int
sealed_make(const struct ring *r, const struct envelope_place *at, struct str plain, struct buf *hex)
{
	struct secret secret = { 0 };
	struct buf record;
	int code = CTL_OK;

	buf_init(&record, ENVELOPE_MAX);
	if (!secret_set(&secret, plain) || !envelope_seal(&record, &r->keys, at, &secret) || record.failed ||
	    !buf_reserve(hex, 2 * record.len + 1)) {
		code = ctl_fail(CTL_FAILED, "the credentials could not be sealed: too long, or no memory");
	} else {
		hex_encode(hex->p + hex->len, record.p, record.len);
		hex->len += 2 * record.len + 1;
	}
	secret_free(&secret);
	buf_free(&record);
	return code;
}

int
sealed_open(const struct ring *r, const struct envelope_place *at, struct str hex, struct secret *plain)
{
	unsigned char *record = malloc(hex.n / 2 + 1);
	long n = record != NULL ? hex_decode(record, hex.n / 2, hex) : -1;
	enum envelope_result result = ENVELOPE_NO_MEMORY;

	if (n >= 0)
		result = envelope_open(plain, &r->keys, at, (struct str){ (char *)record, (size_t)n });
	free(record);
	return result == ENVELOPE_OK ? CTL_OK :
	    ctl_fail(CTL_FAILED, "%s.%s %s", at->table, at->column, envelope_result_text(result));
}
