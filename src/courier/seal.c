/*
 * seal: the one way of the courier's code to the key ring.
 */
#include <sys/types.h>

#include "base/log.h"
#include "courier/internal.h"

bool
courier_seal(struct courier *c, struct buf *out, const struct envelope_place *at, const struct secret *plain)
{
	bool good = envelope_seal(out, &c->keys, at, plain);

	c->sealed += good;
	return good;
}

enum envelope_result
courier_open(struct courier *c, struct secret *plain, const struct envelope_place *at, struct str record)
{
	enum envelope_result r = envelope_open(plain, &c->keys, at, record);
	char app[UUID_TEXT_SIZE], row[UUID_TEXT_SIZE];

	if (r == ENVELOPE_OK) {
		c->opened++;
		return r;
	}
	c->unopened++;
	uuid_format(app, at->app);
	uuid_format(row, at->row);
	log_error("%s.%s %s: app=%s row=%s", at->table, at->column, envelope_result_text(r), app, row);
	return r;
}
