/*
 * status: asks the daemon's admin listener for its scoreboard. Ready means what a load balancer would want: every
 * process of the serving generation is ready and has its database.
 */
#include <sys/types.h>

#include "ctl/admin.h"
#include "ctl/nouns.h"
#include "ctl/status_show.h"

static int
show(struct ctl *c, struct admin_reply *r)
{
	struct buf	b;
	int		code;

	if (c->json) {
		buf_init(&b, ADMIN_ANSWER_BYTES + 1);
		buf_str(&b, json_raw(r->data));
		buf_putc(&b, '\n');
		code = ctl_print(&b);
		buf_free(&b);
	} else
		code = status_show(c, r->data, &r->arena);
	return code == CTL_OK && !status_is_ready(r->data) ? CTL_FAILED : code;
}

int
ctl_status(struct ctl *c, const struct args *a)
{
	const char		*address;
	struct admin_reply	 r;
	int			 code = admin_address(c, a, &address);

	if (code != CTL_OK)
		return code;
	code = admin_ask(address, "/status", STR_NONE, ADMIN_TIMEOUT_MS, &r);
	if (code == CTL_OK && json_type(json_get(r.data, "children")) != JSON_ARRAY)
		code = admin_fail(address, "/status", &r);
	if (code == CTL_OK)
		code = show(c, &r);
	admin_free(&r);
	return code;
}
