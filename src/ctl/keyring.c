/*
 * keyring: the file of the master keys: one more, which are there and what for, one less. Never shows a key. Whether a key
 * may go is asked of the database, which knows what is sealed with it, and of the running courier, which may still seal
 * with it.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/hash.h"
#include "base/num.h"
#include "crypt/key_file.h"
#include "ctl/admin.h"
#include "ctl/keyring.h"
#include "ctl/nouns.h"

#define HEAD	"# The key ring of ringd, see ringctl(8). Keep a copy, apart from the database's backups: without these keys nothing\n" \
		"# that is sealed in the database can be opened again.\n"

static const struct table_column added_columns[] = {
	{ "key", "id", COLUMN_NUMBER, false },
	{ "created", "created_at", COLUMN_TEXT, false },
	{ "file", "path", COLUMN_TEXT, false },
	{ "keys in it", "keys", COLUMN_NUMBER, false },
};

static const struct table_column status_columns[] = {
	{ "key", "id", COLUMN_NUMBER, false },
	{ "created", "created_at", COLUMN_TEXT, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "sealed values", "values", COLUMN_NUMBER, false },
	{ "in the courier", "loaded", COLUMN_BOOL, false },
};

static const struct table_column dropped_columns[] = {
	{ "key", "id", COLUMN_NUMBER, false },
	{ "state", "state", COLUMN_STATE, false },
	{ "keys left", "keys", COLUMN_NUMBER, false },
};

int
ctl_keyring_path(struct ctl *c, const struct args *a, const char **path)
{
	int code;

	*path = args_text(a, "key-file");
	if (*path != NULL)
		return CTL_OK;
	code = ctl_conf(c);
	if (code != CTL_OK)
		return code;
	*path = c->conf->courier_key_file;
	return *path != NULL ? CTL_OK :
	    ctl_fail(CTL_USAGE, "%s has no courier.key_file: give --key-file FILE", c->config_path);
}

static struct str
number(char out[CTL_I64_SIZE], int64_t v)
{
	return str_c(ctl_i64(out, v));
}

/* ---- one more */

/* The text with one more line, checked as the daemon will check it, in the old one's place. */
static int
write_with(const char *path, struct str text, const struct key *key, size_t *keys)
{
	char		line[KEYRING_LINE_SIZE], why[KEYRING_WHY_SIZE];
	struct keyring	k = { .n = 0 };
	struct buf	b;
	int		code = CTL_OK;

	buf_init(&b, KEYRING_FILE_MAX);
	buf_reserve(&b, KEYRING_FILE_MAX);		/* at once, so that no copy is left behind by growing */
	buf_str(&b, text.n > 0 ? text : STR(HEAD));
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_putc(&b, '\n');
	key_line(line, key);
	buf_puts(&b, line);
	hash_wipe(line, sizeof(line));
	if (b.failed)
		code = ctl_fail(CTL_FAILED, "%s would be larger than %zu bytes", path, KEYRING_FILE_MAX);
	else if (!keyring_parse(&k, buf_as_str(&b), path, why) || !key_file_write(path, buf_as_str(&b), why))
		code = ctl_fail(CTL_FAILED, "%s", why);
	*keys = k.n;
	keyring_wipe(&k);
	buf_wipe_free(&b);
	return code;
}

static int
show_added(struct ctl *c, const struct key *key, const char *path, size_t keys)
{
	char		created[CLOCK_RFC3339_SIZE], text[CTL_I64_SIZE];
	struct table	t;
	int		code;

	clock_rfc3339(created, key->created_ms);
	table_init(&t, added_columns, COUNT(added_columns));
	table_cell(&t, number(text, key->id));
	table_cell(&t, str_c(created));
	table_cell(&t, str_c(path));
	table_cell(&t, number(text, (int64_t)keys));
	code = ctl_show_record(c, &t);
	table_free(&t);
	if (!c->json && keys > 1)
		fprintf(stderr, "Next: copy the file to every host that shares the database, reload ringd (SIGHUP) there,\n"
		    "then 'ringctl keyring rekey'.\n");
	return code;
}

int
ctl_keyring_add(struct ctl *c, const struct args *a)
{
	char		 why[KEYRING_WHY_SIZE], id[CTL_I64_SIZE];
	struct secret	 text = { 0 };
	struct keyring	 k = { .n = 0 };
	const struct key *newest;
	struct key	 key;
	const char	*path;
	size_t		 keys;
	int		 code = ctl_keyring_path(c, a, &path);

	if (code != CTL_OK)
		return code;
	if (access(path, F_OK) == 0 || errno != ENOENT) {
		if (!key_file_read(path, &text, &k, why))
			return ctl_fail(CTL_FAILED, "%s", why);
	}
	newest = keyring_newest(&k);
	if (newest != NULL && newest->id == UINT32_MAX)
		code = ctl_fail(CTL_FAILED, "%s: there is no id after that of the newest key", path);
	else {
		key_make(&key, newest != NULL ? newest->id + 1 : 1, clock_real_ms());
		code = write_with(path, secret_bytes(&text), &key, &keys);
		if (code == CTL_OK) {
			code = show_added(c, &key, path, keys);
			ctl_audit_installation(c, "keyring.add", ctl_i64(id, key.id), "file", path, NULL);
		}
		hash_wipe(&key, sizeof(key));
	}
	keyring_wipe(&k);
	secret_free(&text);
	return code;
}

/* ---- which, and what for */

int
ctl_keyring_courier(struct ctl *c, const struct args *a, struct courier_keys *k)
{
	const char		*address;
	struct admin_reply	 r;
	int64_t			 id = 0;
	int			 code = admin_address(c, a, &address);

	memset(k, 0, sizeof(*k));
	if (code != CTL_OK || (code = admin_ask(address, "/keyring", STR_NONE, ADMIN_TIMEOUT_MS, &r)) != CTL_OK)
		return code;
	k->answered = json_i64(json_get(r.data, "newest"), &id) && json_i64(json_get(r.data, "stale"), &k->stale);
	k->newest = (uint32_t)id;
	for (struct json e = json_first(json_get(r.data, "keys")); json_type(e) != JSON_ABSENT && k->n < KEYRING_MAX;
	    e = json_next(e))
		if (json_i64(e, &id))
			k->id[k->n++] = (uint32_t)id;
	if (r.status == 0)
		snprintf(k->why, sizeof(k->why), "%.60s does not answer: %.120s", address, r.error);
	else if (!k->answered)
		snprintf(k->why, sizeof(k->why), "%.60s answers %d: %.*s", address, r.status,
		    r.problem.n < 120 ? (int)r.problem.n : 120, r.problem.p != NULL ? r.problem.p : "");
	admin_free(&r);
	return CTL_OK;
}

static bool
courier_has_key(const struct courier_keys *k, uint32_t id)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->id[i] == id)
			return true;
	return false;
}

static int64_t
used_by(const struct dbs_result *r, int64_t id)
{
	int64_t key, n;

	for (int row = 0; row < dbs_rows(r); row++)
		if (num_i64(dbs_text(r, row, 0), 0, UINT32_MAX, &key) && key == id &&
		    num_i64(dbs_text(r, row, 1), 0, INT64_MAX, &n))
			return n;
	return 0;
}

static void
add_row(struct table *t, int64_t id, const char *created, const char *state, int64_t values,
    const struct courier_keys *courier)
{
	char text[CTL_I64_SIZE];

	table_cell(t, number(text, id));
	table_cell(t, str_c(created));
	table_cell(t, str_c(state));
	table_cell(t, number(text, values));
	table_cell(t, !courier->answered ? STR_NONE : courier_has_key(courier, (uint32_t)id) ? STR("true") : STR("false"));
}

/* Keys of the file, then those that only the database knows of. How many of those there are. */
static int
fill(struct table *t, const struct keyring *k, bool readable, const struct dbs_result *used,
    const struct courier_keys *courier)
{
	char	created[CLOCK_RFC3339_SIZE];
	int64_t	id;
	int	missing = 0;

	for (size_t i = 0; i < k->n; i++) {
		clock_rfc3339(created, k->key[i].created_ms);
		add_row(t, k->key[i].id, created, &k->key[i] == keyring_newest(k) ? "encrypts" : "decrypts",
		    used_by(used, k->key[i].id), courier);
	}
	for (int row = 0; row < dbs_rows(used); row++) {
		if (!num_i64(dbs_text(used, row, 0), 0, UINT32_MAX, &id) || keyring_find(k, (uint32_t)id) != NULL)
			continue;
		add_row(t, id, NULL, readable ? "missing" : NULL, used_by(used, id), courier);
		missing++;
	}
	return readable ? missing : 0;
}

int
ctl_keyring_status(struct ctl *c, const struct args *a)
{
	char			 why[KEYRING_WHY_SIZE];
	struct secret		 text = { 0 };
	struct keyring		 k = { .n = 0 };
	struct courier_keys	 courier;
	struct dbs_result	*used;
	const char		*path;
	struct table		 t;
	bool			 readable;
	int			 missing, code = ctl_keyring_path(c, a, &path);

	if (code != CTL_OK || (code = ctl_db(c)) != CTL_OK || (code = ctl_keyring_courier(c, a, &courier)) != CTL_OK)
		return code;
	used = ctl_query(c, CTL_KEYS_USED, 0, NULL, "keyring status");
	if (used == NULL)
		return CTL_FAILED;
	readable = key_file_read(path, &text, &k, why);
	if (!readable)
		ctl_warn("%s; shown is only what the database knows", why);
	if (!courier.answered)
		ctl_warn("%s", courier.why);
	table_init(&t, status_columns, COUNT(status_columns));
	missing = fill(&t, &k, readable, used, &courier);
	code = ctl_show(c, &t, "no key is in use");
	if (code == CTL_OK && missing > 0)
		code = ctl_fail(CTL_FAILED, "values are sealed with a key that is not in %s: bring it back from a copy", path);
	table_free(&t);
	dbs_clear(used);
	keyring_wipe(&k);
	secret_free(&text);
	return code;
}

/* ---- one less */

/* Everything but the key's line. */
static int
write_without(const char *path, struct str text, uint32_t id)
{
	char		why[KEYRING_WHY_SIZE], prefix[16];
	struct str	line;
	struct buf	b;
	int		code = CTL_OK;

	snprintf(prefix, sizeof(prefix), "%lu:", (unsigned long)id);
	buf_init(&b, KEYRING_FILE_MAX);
	buf_reserve(&b, KEYRING_FILE_MAX);
	while (str_cut(&text, '\n', &line)) {
		if (str_starts(line, str_c(prefix)) || (line.n == 0 && text.p == NULL))
			continue;
		buf_str(&b, line);
		buf_putc(&b, '\n');
	}
	if (b.failed)
		code = ctl_fail(CTL_FAILED, "out of memory");
	else if (!key_file_write(path, buf_as_str(&b), why))
		code = ctl_fail(CTL_FAILED, "%s", why);
	buf_wipe_free(&b);
	return code;
}

/* CTL_OK: nothing needs the key, neither what is stored nor what may be sealed in this moment. */
static int
may_drop(struct ctl *c, const struct args *a, const struct keyring *k, const char *path, uint32_t id)
{
	uint32_t		 newest = keyring_newest(k)->id;
	struct courier_keys	 courier;
	struct dbs_result	*used;
	int64_t			 n;
	int			 code;

	if (keyring_find(k, id) == NULL)
		return ctl_fail(CTL_NOT_FOUND, "%s has no key %lu", path, (unsigned long)id);
	if (id == newest)
		return ctl_fail(CTL_FAILED, "key %lu is the one that encrypts: 'ringctl keyring add' first", (unsigned long)id);
	/* The courier first: once it seals with the newest, the count of what is sealed with this one can only fall. */
	code = ctl_keyring_courier(c, a, &courier);
	if (code != CTL_OK)
		return code;
	if (!courier.answered && !args_given(a, "stopped"))
		return ctl_fail(CTL_FAILED, "%s; whether it still seals with key %lu is not known. Where no ringd runs: "
		    "--stopped", courier.why, (unsigned long)id);
	if (courier.answered && courier.newest != newest)
		return ctl_fail(CTL_FAILED, "the running courier still seals with key %lu, not with %lu: reload ringd (SIGHUP) "
		    "first", (unsigned long)courier.newest, (unsigned long)newest);
	code = ctl_db(c);
	used = code == CTL_OK ? ctl_query(c, CTL_KEYS_USED, 0, NULL, "keyring drop") : NULL;
	if (used == NULL)
		return code != CTL_OK ? code : CTL_FAILED;
	n = used_by(used, id);
	dbs_clear(used);
	if (n > 0)
		return ctl_fail(CTL_FAILED, "%lld values are sealed with key %lu: 'ringctl keyring rekey' first", (long long)n,
		    (unsigned long)id);
	return CTL_OK;
}

int
ctl_keyring_drop(struct ctl *c, const struct args *a)
{
	char		 why[KEYRING_WHY_SIZE], digits[CTL_I64_SIZE];
	struct secret	 text = { 0 };
	struct keyring	 k;
	const char	*path;
	struct table	 t;
	int64_t		 id;
	int		 code = ctl_keyring_path(c, a, &path);

	if (code != CTL_OK)
		return code;
	if (!num_i64(str_c(args_word(a, 0)), 1, UINT32_MAX, &id))
		return ctl_fail(CTL_USAGE, "KEYID is a number such as 'ringctl keyring status' shows");
	if (!key_file_read(path, &text, &k, why))
		return ctl_fail(CTL_FAILED, "%s", why);
	code = may_drop(c, a, &k, path, (uint32_t)id);
	if (code == CTL_OK)
		code = write_without(path, secret_bytes(&text), (uint32_t)id);
	if (code == CTL_OK) {
		table_init(&t, dropped_columns, COUNT(dropped_columns));
		table_cell(&t, number(digits, id));
		table_cell(&t, STR("dropped"));
		table_cell(&t, number(digits, (int64_t)k.n - 1));
		code = ctl_show_record(c, &t);
		table_free(&t);
		ctl_audit_installation(c, "keyring.drop", ctl_i64(digits, id), "file", path, NULL);
	}
	keyring_wipe(&k);
	secret_free(&text);
	return code;
}
