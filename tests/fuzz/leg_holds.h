/*
 * leg_holds: what must hold of every leg, whichever provider it came from: its record comes back equal, joined with itself it is
 * the same, and a call can be made of it.
 */
#ifndef RINGD_FUZZ_LEG_HOLDS_H
#define RINGD_FUZZ_LEG_HOLDS_H

#include <stdlib.h>

#include "model/call.h"

#define RECORD_MAX	((size_t)4 << 20)

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
check_record(const struct leg *l, struct arena *a)
{
	struct leg	back, twice = *l;
	struct buf	out;

	buf_init(&out, RECORD_MAX);
	leg_write(l, &out);
	must(!out.failed);
	must(leg_read(&back, a, buf_as_str(&out)));
	must(leg_equal(l, &back));
	leg_join(&twice, &back);
	must(leg_equal(&twice, l));
	buf_free(&out);
}

static void
check_call(const struct leg *l)
{
	const struct leg	*legs[1] = { l };
	struct call		 c;

	call_derive(&c, legs, 1);
	must(c.provider_id.p != NULL);
	must((c.outcome != NULL) == (c.status == CALL_ENDED));
}

#endif
