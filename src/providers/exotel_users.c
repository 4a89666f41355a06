/*
 * exotel_users: see exotel_users.h.
 */
#include <sys/types.h>

#include "base/hash.h"
#include "base/json_read.h"
#include "base/percent.h"
#include "crypt/cfb.h"
#include "providers/exotel_account.h"
#include "providers/exotel_users.h"

#define PAGE_SIZE_TEXT	"100"

/* Printed in Exotel's SDK for browsers. */
static const unsigned char published_key[] = "change this password to a secret";

_Static_assert(sizeof(published_key) - 1 == CFB_KEY_SIZE, "the key is 32 bytes long");

void
exotel_users_query(struct buf *b, struct str cursor)
{
	buf_puts(b, "?page_size=" PAGE_SIZE_TEXT);
	percent_pair(b, "last_value", cursor);
}

/* What no password holds came of decrypting something that was not encrypted. */
static bool
sensible(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] >= 0x7f)
			return false;
	return n > 0;
}

struct str
exotel_secret_open(struct arena *a, struct str secret)
{
	unsigned char *bytes, *plain;
	long n;

	if (secret.n <= (size_t)2 * CFB_IV_SIZE || secret.n % 2 != 0 || secret.n > EXOTEL_VALUE_MAX)
		return secret;
	bytes = arena_alloc(a, secret.n / 2);
	plain = arena_alloc(a, secret.n / 2);
	if (bytes == NULL || plain == NULL)
		return STR_NONE;
	n = hex_decode(bytes, secret.n / 2, secret);
	if (n <= CFB_IV_SIZE)
		return secret;
	n -= CFB_IV_SIZE;
	cfb_open(plain, published_key, bytes, (struct str){ (char *)bytes + CFB_IV_SIZE, (size_t)n });
	return sensible(plain, (size_t)n) ? (struct str){ (char *)plain, (size_t)n } : secret;
}

/* Some answers spell a member otherwise. */
static struct json
either(struct json object, const char *one, const char *other)
{
	struct json v = json_get(object, one);

	return json_type(v) != JSON_ABSENT ? v : json_get(object, other);
}

/* A short text without control bytes; absent for anything else. */
static struct str
text_of(struct json v, struct arena *a)
{
	struct str s = json_text(v, a);

	if (s.n == 0 || s.n > EXOTEL_VALUE_MAX)
		return STR_NONE;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return STR_NONE;
	return s;
}

static void
take_user(struct exotel_users *page, struct arena *a, struct json v)
{
	struct exotel_user *u = &page->user[page->n];
	struct str sip;

	*u = (struct exotel_user){ .id = text_of(either(v, "AppUserId", "app_user_id"), a) };
	if (u->id.p == NULL)
		return;
	u->name = text_of(json_get(v, "ExotelUserName"), a);
	if (u->name.p == NULL)
		u->name = text_of(json_get(v, "AppUsername"), a);
	u->email = text_of(json_get(v, "Email"), a);
	u->phone = text_of(json_get(v, "AgentNumber"), a);
	sip = text_of(json_get(v, "SipId"), a);
	if (str_starts(sip, STR("sip:")))
		sip = (struct str){ sip.p + 4, sip.n - 4 };
	u->sip_user = sip.n > 0 ? sip : STR_NONE;
	u->sip_secret = text_of(json_get(v, "SipSecret"), a);
	if (u->sip_secret.p != NULL)
		u->sip_secret = exotel_secret_open(a, u->sip_secret);
	u->active = json_bool(json_get(v, "IsActive")) != 0;
	page->n++;
}

bool
exotel_users_read(struct exotel_users *page, struct arena *a, struct str body)
{
	static const struct json_limits limits = { .depth = 16, .tokens = 65536 };
	struct json_error err;
	struct json_doc doc;
	struct json data, users;
	int64_t code = 0;

	page->n = 0;
	page->next = STR_NONE;
	if (!json_parse(&doc, a, body, &limits, &err))
		return false;
	if (json_i64(json_get(json_root(&doc), "Code"), &code) && code >= 400)
		return false;
	data = json_get(json_root(&doc), "Data");
	users = json_type(data) == JSON_ARRAY ? data : json_get(data, "Users");
	if (json_type(users) == JSON_ARRAY) {
		for (struct json e = json_first(users); json_type(e) != JSON_ABSENT && page->n < EXOTEL_PAGE_MAX; e = json_next(e))
			take_user(page, a, e);
		page->next = text_of(json_get(data, "LastEvaluatedValue"), a);
		return true;
	}
	if (json_type(data) != JSON_OBJECT)
		return false;
	take_user(page, a, data);
	return true;
}
