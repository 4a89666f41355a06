/*
 * audit_write: what ringctl changes stands in the app's audit log, in the transaction of the change: neither without the
 * other. What it changes outside the database stands in the installation's, when the database can be reached. Never writes a
 * secret, nor what one could be made from.
 */
#include <sys/types.h>

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json_write.h"
#include "ctl/audit.h"

#define DETAIL_MAX		((size_t)64 * 1024)
#define UNDEFINED_FUNCTION	"42883"

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

/* buf_free(detail) remains to the caller. The parameter, or NULL when nothing is to be said. */
static const char *
detail_text(struct buf *detail, va_list ap)
{
	buf_init(detail, DETAIL_MAX);
	write_detail(detail, ap);
	return detail->len > sizeof("{}") ? detail->p : NULL;
}

int
ctl_audit(struct ctl *c, const char *app_id, const char *action, const char *subject, ...)
{
	char who[CTL_ACTOR_SIZE];
	struct buf detail;
	const char *text;
	va_list ap;
	int code;

	va_start(ap, subject);
	text = detail_text(&detail, ap);
	va_end(ap);
	code = detail.failed ? ctl_fail(CTL_FAILED, "the audit log: too much to say") : ctl_run(c, CTL_AUDIT, 5,
	    (const char *const[]){ app_id, ctl_actor(who), action, subject, text }, "the audit log");
	buf_free(&detail);
	return code;
}

/* What was done stands already, so a failure only warns. Before the schema there is no log, and nothing to warn of. */
void
ctl_audit_installation(struct ctl *c, const char *action, const char *subject, ...)
{
	char who[CTL_ACTOR_SIZE];
	struct dbs_result *r;
	struct buf detail;
	const char *text;
	va_list ap;

	if (!ctl_db_named(c))
		return;
	if (ctl_db(c) != CTL_OK) {
		ctl_warn("this was done, and is not in the audit log");
		return;
	}
	va_start(ap, subject);
	text = detail_text(&detail, ap);
	va_end(ap);
	r = dbs_query(c->db, stmt_ctl.stmt[CTL_AUDIT].sql, 5,
	    (const char *const[]){ INSTALLATION_APP, ctl_actor(who), action, subject, text });
	if (r == NULL && strcmp(dbs_sqlstate(c->db), UNDEFINED_FUNCTION) != 0)
		ctl_warn("this was done, and is not in the audit log: %s", dbs_error(c->db));
	dbs_clear(r);
	buf_free(&detail);
}
