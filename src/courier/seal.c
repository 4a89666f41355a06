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
	char row[UUID_TEXT_SIZE];

	if (r == ENVELOPE_OK) {
		c->opened++;
		return r;
	}
	c->unopened++;
	uuid_format(row, at->row);
	log_about_app(at->app);
	log_event(LEVEL_ERROR, "a sealed value does not open", LOG_C("table", at->table), LOG_C("column", at->column),
	    LOG_C("reason", envelope_result_text(r)), LOG_C("row", row));
	return r;
}
