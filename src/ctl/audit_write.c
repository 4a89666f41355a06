/*
 * audit_write: what ringctl changes stands in the app's audit log, in the transaction of the change: neither without the
 * other. Never writes a secret, nor what one could be made from.
 */
#include <sys/types.h>

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json_write.h"
#include "ctl/ctl.h"

#define DETAIL_MAX	((size_t)64 * 1024)

/* As the system knows who runs this; the environment could say anything. */
const char *
ctl_actor(char out[CTL_ACTOR_SIZE])
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw != NULL)
		snprintf(out, CTL_ACTOR_SIZE, "ringctl:%s", pw->pw_name);
	else
		snprintf(out, CTL_ACTOR_SIZE, "ringctl:%lld", (long long)getuid());
	return out;
}

/* The names and values that are given, as a JSON object. */
static void
write_detail(struct buf *b, va_list ap)
{
	const char *name, *value;
	struct json_out j;

	json_out_init(&j, b);
	json_obj(&j);
	while ((name = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (value != NULL)
			json_kstr(&j, name, str_c(value));
	}
	json_obj_end(&j);
	buf_putc(b, '\0');
}

int
ctl_audit(struct ctl *c, const char *app_id, const char *action, const char *subject, ...)
{
	char who[CTL_ACTOR_SIZE];
	struct buf detail;
	va_list ap;
	int code;

	buf_init(&detail, DETAIL_MAX);
	va_start(ap, subject);
	write_detail(&detail, ap);
	va_end(ap);
	code = detail.failed ? ctl_fail(CTL_FAILED, "the audit log: too much to say") : ctl_run(c, CTL_AUDIT, 5,
	    (const char *const[]){ app_id, ctl_actor(who), action, subject, detail.len > sizeof("{}") ? detail.p : NULL }, "the audit log");
	buf_free(&detail);
	return code;
}
