/*
 * agent_token: what the CRM's own server gives an agent's page (src/api/agent_token.h), made here for trying the ribbon out. The key
 * it is signed with is the hash of one of the app's server keys, which is all the database has of it.
 */
#include <sys/types.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/hash.h"
#include "base/json_write.h"
#include "ctl/nouns.h"

#define PART_MAX	((size_t)1024)

static const struct table_column columns[] = {
	{ "agent", "agent_id", COLUMN_TEXT, false },
	{ "until", "expires_at", COLUMN_TEXT, false },
	{ "token", "agent_token", COLUMN_TEXT, false },
};

static void
put_part(struct buf *b, const void *bytes, size_t n)
{
	char text[4 * (PART_MAX + 2) / 3 + 1];

	if (n > PART_MAX) {
		b->failed = true;
		return;
	}
	base64url_encode(text, bytes, n);
	buf_puts(b, text);
}

static bool
make(struct buf *b, const char *agent, int64_t now_s, int64_t expires_s, struct str key)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	unsigned char mac[SHA256_SIZE];
	struct json_out j;
	struct buf claims;

	buf_init(&claims, PART_MAX);
	json_out_init(&j, &claims);
	json_obj(&j);
	json_kstr(&j, "sub", str_c(agent));
	json_kint(&j, "iat", now_s);
	json_kint(&j, "exp", expires_s);
	json_obj_end(&j);
	put_part(b, header, sizeof(header) - 1);
	buf_putc(b, '.');
	if (json_done(&j))
		put_part(b, claims.p, claims.len);
	else
		b->failed = true;
	buf_free(&claims);
	if (b->failed)
		return false;
	hash_hmac_sha256(mac, key, buf_as_str(b));
	buf_putc(b, '.');
	put_part(b, mac, sizeof(mac));
	hash_wipe(mac, sizeof(mac));
	return !b->failed;
}

/* CTL_OK: the hash is there. */
static int
signing_key(struct ctl *c, const struct ctl_app *app, unsigned char key[SHA256_SIZE])
{
	struct dbs_result	*r = ctl_query(c, CTL_SIGNING_KEY, 1, (const char *const[]){ app->id }, "agent token");
	int			 code = CTL_OK;

	if (r == NULL)
		return CTL_FAILED;
	if (dbs_rows(r) == 0 || hex_decode(key, SHA256_SIZE, dbs_text(r, 0, 0)) != SHA256_SIZE)
		code = ctl_fail(CTL_NOT_FOUND, "app '%s' has no server key that is good still: 'ringctl key create APP' makes one", app->name);
	dbs_clear(r);
	return code;
}

static void
warn_of_agent(struct ctl *c, const struct ctl_app *app, const char *agent)
{
	struct dbs_result *r = ctl_query(c, CTL_AGENT_FIND, 2, (const char *const[]){ app->id, agent }, "agent token");

	if (r != NULL && dbs_rows(r) == 0)
		ctl_warn("app '%s' has no agent '%.80s': the token will be refused until it has", app->name, agent);
	else if (r != NULL && !str_eq(dbs_text(r, 0, 0), STR("t")))
		ctl_warn("agent '%.80s' is switched off: the token will be refused", agent);
	dbs_clear(r);
}

int
ctl_agent_token(struct ctl *c, const struct args *a)
{
	const char	*agent = args_word(a, 1);
	int64_t		 now_s = clock_real_ms() / 1000, expires_s = now_s + args_number(a, "for") / 1000;
	unsigned char	 key[SHA256_SIZE];
	char		 when[CLOCK_RFC3339_SIZE];
	struct ctl_app	 app;
	struct table	 t;
	struct buf	 b;
	int		 code = ctl_find_app(c, args_word(a, 0), &app);

	if (code != CTL_OK || (code = signing_key(c, &app, key)) != CTL_OK)
		return code;
	warn_of_agent(c, &app, agent);
	buf_init(&b, 4 * PART_MAX);
	if (!make(&b, agent, now_s, expires_s, (struct str){ (const char *)key, sizeof(key) }))
		code = ctl_fail(CTL_USAGE, "AGENTID is too long");
	hash_wipe(key, sizeof(key));
	if (code == CTL_OK) {
		clock_rfc3339(when, expires_s * 1000);
		table_init(&t, columns, COUNT(columns));
		table_cell(&t, str_c(agent));
		table_cell(&t, str_c(when));
		table_cell(&t, buf_as_str(&b));
		code = ctl_show_record(c, &t);
		table_free(&t);
	}
	buf_free(&b);
	return code;
}
