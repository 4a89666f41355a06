/*
 * exotel_sync: an app's agents are fetched from Exotel's user mapping, page by page, each page stored before the next is asked
 * for. Steps: look, ask, merge, store, and again. Nobody is deleted or switched off or on here; a value Exotel does not
 * give leaves the one we have. All agents' credentials are in the memory of this process while it lasts.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/phone.h"
#include "courier/exotel_line.h"
#include "db/array.h"
#include "providers/exotel_api.h"
#include "providers/exotel_users.h"

#define KNOWN_MEMORY	((size_t)32 * 1024 * 1024)
#define PAGE_MEMORY	((size_t)4 * 1024 * 1024)
#define AGENT_ID_MAX	128
#define QUERY_MAX	4096
#define SEEN_MAX	((size_t)EXOTEL_PAGE_MAX * 64)
#define WHY_SIZE	320

struct known {
	struct uuid		 id;
	struct str		 agent_id, name, email, phone;
	bool			 sealed;	/* has credentials */
	struct exotel_agent	 agent;
};

struct exotel_sync {
	LIST_ENTRY(exotel_sync)	 link;
	struct courier		*courier;
	struct link_request	*rq;
	struct uuid		 app, account_id;
	struct arena		 arena;		/* of account and known */
	struct exotel_account	 account;
	struct known		*known;
	size_t			 nknown;
	struct secret		 token;
	char			 cursor[EXOTEL_CURSOR_MAX + 1];	/* of the page under way; "": the first */
	bool			 last;		/* the page under way is the last */
	int64_t			 seen, added, changed;
	int64_t			 deadline_ms;
	const char		*outcome;	/* once it is known, with the next */
	char			 why[WHY_SIZE];
};

static void	ask(struct exotel_sync *s);

/* ---- the end */

static void
sync_free(struct exotel_sync *s)
{
	LIST_REMOVE(s, link);
	arena_wipe_free(&s->arena);
	secret_free(&s->token);
	free(s->known);
	free(s);
}

static void
answer(struct exotel_sync *s)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kstr(&j, "outcome", str_c(s->outcome));
	json_kint(&j, "seen", s->seen);
	json_kint(&j, "added", s->added);
	json_kint(&j, "changed", s->changed);
	json_kstr(&j, "why", s->why[0] != '\0' ? str_c(s->why) : STR_NONE);
	json_obj_end(&j);
	courier_answer_json(s->rq, &j);
	sync_free(s);
}

static void
written(void *arg, const struct db_result *r)
{
	struct exotel_sync *s = arg;

	log_about_app(s->app);
	if (db_outcome(r) != DB_OK)
		log_event(LEVEL_ERROR, "what came of fetching agents could not be stored", LOG_C("error", db_error_text(r)));
	answer(s);
}

static void
finish(struct exotel_sync *s)
{
	char id[UUID_TEXT_SIZE];
	struct json_out o;
	struct db_job *j;
	struct buf b;
	DB_PARAMS(p, 4);
	DB_PARAMS(q, 5);

	log_about_app(s->app);
	log_event(s->why[0] == '\0' ? LEVEL_INFO : LEVEL_WARN, "agents fetched", LOG_C("outcome", s->outcome), LOG_INT("seen", s->seen),
	    LOG_INT("added", s->added), LOG_INT("changed", s->changed), LOG_STR("reason", s->why[0] != '\0' ? str_c(s->why) : STR_NONE));
	if (s->courier->db == NULL) {		/* we are leaving */
		answer(s);
		return;
	}
	uuid_format(id, s->account_id);
	buf_init(&b, COURIER_JSON_MAX);
	json_out_init(&o, &b);
	json_obj(&o);
	json_kstr(&o, "outcome", str_c(s->outcome));
	json_kint(&o, "seen", s->seen);
	json_kint(&o, "added", s->added);
	json_kint(&o, "changed", s->changed);
	json_obj_end(&o);
	db_put_uuid(&p, s->app);
	db_put_uuid(&p, s->account_id);
	db_put_time_ms(&p, clock_real_ms());
	db_put_cstr(&p, s->why[0] != '\0' ? s->why : NULL);
	db_put_uuid(&q, s->app);
	db_put_cstr(&q, "courier");
	db_put_cstr(&q, "agent.sync");
	db_put_cstr(&q, id);
	db_put_str(&q, buf_as_str(&b));
	j = db_job_new(s->courier->db, 0, written, s);
	db_job_add(j, C_EXOTEL_SYNCED, p.p, p.n);
	db_job_add(j, C_AUDIT, q.p, q.n);
	db_job_submit(j);
	buf_free(&b);
}

static void
give_up(struct exotel_sync *s, const char *outcome, const char *why)
{
	s->outcome = outcome;
	snprintf(s->why, sizeof(s->why), "%s", why);
	finish(s);
}

/* ---- store */

static void
stored(void *arg, const struct db_result *r)
{
	struct exotel_sync *s = arg;

	if (db_outcome(r) != DB_OK) {
		give_up(s, "failed", "the database did not take the agents");
	} else if (s->last) {
		s->outcome = "ok";
		finish(s);
	} else {
		ask(s);
	}
}

static struct str
newer(struct str theirs, struct str ours)
{
	return theirs.n > 0 ? theirs : ours;
}

static bool
same(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* What u says of an agent of ours, or of a new one. false: nothing that is not known. */
static bool
merge(struct known *k, const struct exotel_user *u)
{
	struct known old = *k;
	struct str phone = u->phone.n > 0 && phone_is_e164(u->phone) ? u->phone : STR_NONE;

	k->name = newer(u->name, old.name);
	k->email = newer(u->email, old.email);
	k->phone = newer(phone, old.phone);
	k->agent.exotel_user_id = newer(u->id, old.agent.exotel_user_id);
	if (u->sip_user.n > 0 && u->sip_secret.n > 0) {
		k->agent.sip_user = u->sip_user;
		k->agent.sip_secret = u->sip_secret;
	}
	return !old.sealed || !same(k->name, old.name) || !same(k->email, old.email) || !same(k->phone, old.phone) ||
	    !same(k->agent.exotel_user_id, old.agent.exotel_user_id) || !same(k->agent.sip_user, old.agent.sip_user) ||
	    !same(k->agent.sip_secret, old.agent.sip_secret);
}

static bool
seal_agent(struct exotel_sync *s, struct buf *record, const struct known *k)
{
	const struct envelope_place at = { "ribbon_agents", "credentials", s->app, k->id };
	struct secret plain = { 0 };
	struct buf text;
	bool good;

	buf_init(&text, EXOTEL_TEXT_MAX);
	buf_reserve(&text, EXOTEL_TEXT_MAX);	/* at once, so that no copy is left behind by growing */
	exotel_agent_write(&text, &k->agent);
	good = !text.failed && secret_set(&plain, buf_as_str(&text)) && courier_seal(s->courier, record, &at, &plain);
	secret_free(&plain);
	buf_wipe_free(&text);
	return good && !record->failed;
}

static void
store_one(struct exotel_sync *s, struct db_job *j, const struct known *k, bool is_new)
{
	struct buf record;
	DB_PARAMS(p, 9);

	buf_init(&record, ENVELOPE_MAX);
	if (seal_agent(s, &record, k)) {
		db_put_uuid(&p, s->app);
		db_put_uuid(&p, k->id);
		db_put_str(&p, k->name);
		db_put_str(&p, k->email);
		db_put_str(&p, k->phone);
		db_put_bytes(&p, record.p, record.len);
		db_put_time_ms(&p, clock_real_ms());
		if (is_new) {
			db_put_str(&p, k->agent_id);
			db_put_cstr(&p, exotel_agent_has_sip(&k->agent) ? "webrtc" : "callback");
		}
		db_job_add(j, is_new ? C_AGENT_ADD : C_AGENT_CHANGE, p.p, p.n);
		s->added += is_new;
		s->changed += !is_new;
	}
	buf_free(&record);
}

static const struct known *
find(const struct exotel_sync *s, struct str id)
{
	for (size_t i = 0; i < s->nknown; i++)
		if (str_eq(s->known[i].agent_id, id) || str_eq(s->known[i].agent.exotel_user_id, id))
			return &s->known[i];
	return NULL;
}

static bool
agent_id_ok(struct str id)
{
	for (size_t i = 0; i < id.n; i++)
		if ((unsigned char)id.p[i] <= ' ' || id.p[i] == 0x7f)
			return false;
	return id.n <= AGENT_ID_MAX;
}

/* Those who can neither speak in a browser nor be rung are of no use; those Exotel switched off stay what they are here. */
static void
take_user(struct exotel_sync *s, struct db_job *j, const struct exotel_user *u, struct db_array *seen)
{
	const struct known *old = find(s, u->id);
	struct known k = old != NULL ? *old : (struct known){ .agent_id = u->id, .name = STR_NONE };

	s->seen++;
	if (old != NULL)
		db_array_uuid(seen, old->id);
	if (!u->active || !agent_id_ok(u->id) || !merge(&k, u))
		return;
	if (old == NULL && !exotel_agent_has_sip(&k.agent) && k.phone.n == 0)
		return;
	if (old == NULL)
		k.id = uuid_v7(clock_real_ms());
	store_one(s, j, &k, old == NULL);
}

static void
store_page(struct exotel_sync *s, const struct exotel_users *page)
{
	struct db_job *j = db_job_new(s->courier->db, 0, stored, s);
	struct db_array seen;
	DB_PARAMS(p, 3);

	db_array_init(&seen, DB_UUID, SEEN_MAX);
	for (size_t i = 0; i < page->n; i++)
		take_user(s, j, &page->user[i], &seen);
	db_put_uuid(&p, s->app);
	db_put_array(&p, &seen);
	db_put_time_ms(&p, clock_real_ms());
	db_job_add(j, C_AGENTS_SEEN, p.p, p.n);
	db_job_submit(j);
	db_array_free(&seen);
}

/* ---- ask */

static void
answered(void *arg, const struct errand_answer *whole)
{
	struct exotel_sync *s = arg;
	const struct client_answer *a = whole->last;
	struct exotel_users *page;
	struct arena arena;

	if (a == NULL || a->outcome != CLIENT_ANSWERED || s->courier->db == NULL) {
		give_up(s, "unreachable", a != NULL ? a->why : "the budget of requests is used up");
		return;
	}
	if (a->status == 401 || a->status == 403) {
		give_up(s, "forbidden", "Exotel does not take the app's token");
		return;
	}
	arena_init(&arena, PAGE_MEMORY);
	page = arena_alloc(&arena, sizeof(*page));
	if (a->status != 200 || page == NULL || !exotel_users_read(page, &arena, a->body)) {
		give_up(s, "failed", "Exotel's answer is no page of users");
	} else {
		/* A cursor that stays, or is too long to be one of ours, would never end. */
		s->last = page->n == 0 || page->next.n == 0 || page->next.n > EXOTEL_CURSOR_MAX || str_eq(page->next, str_c(s->cursor));
		if (!s->last) {
			memcpy(s->cursor, page->next.p, page->next.n);
			s->cursor[page->next.n] = '\0';
		}
		store_page(s, page);
	}
	arena_wipe_free(&arena);
}

static void
ask(struct exotel_sync *s)
{
	struct errand_request rq = { .endpoint = exotel_api(EXOTEL_USERS), .origin = &s->courier->origin[ORIGIN_EXOTEL],
	    .account = s->account.account_sid, .authorization = &s->token, .deadline_ms = s->deadline_ms };
	struct buf query;

	buf_init(&query, QUERY_MAX);
	exotel_users_query(&query, s->cursor[0] != '\0' ? str_c(s->cursor) : STR_NONE);
	buf_putc(&query, '\0');
	if (query.failed) {
		give_up(s, "failed", "out of memory");
	} else {
		rq.id = query.p;
		errand_send(s->courier->errands, &rq, answered, s);
	}
	buf_free(&query);
}

/* ---- look */

/* Columns: id, agent, name, e-mail, telephone, credentials in hex. One whose credentials do not open gets new ones. */
static bool
read_known(struct exotel_sync *s, const struct db_result *r)
{
	struct known *k;
	struct str text;
	int n = db_rows(r, 1);

	s->known = calloc((size_t)n + 1, sizeof(*s->known));
	if (s->known == NULL)
		return false;
	for (int row = 0; row < n; row++) {
		k = &s->known[s->nknown];
		if (!db_uuid(r, 1, row, 0, &k->id))
			continue;
		k->agent_id = arena_str(&s->arena, db_text(r, 1, row, 1));
		k->name = arena_str(&s->arena, db_text(r, 1, row, 2));
		k->email = arena_str(&s->arena, db_text(r, 1, row, 3));
		k->phone = arena_str(&s->arena, db_text(r, 1, row, 4));
		if (db_text(r, 1, row, 5).p != NULL) {
			text = exotel_line_open(s->courier, &s->arena, "ribbon_agents", s->app, k->id, db_text(r, 1, row, 5));
			k->sealed = text.p != NULL && exotel_agent_read(&k->agent, &s->arena, text);
		}
		s->nknown++;
	}
	return true;
}

/* Columns of the first: is the app active, id, credentials in hex, is the account active. */
static void
looked(void *arg, const struct db_result *r)
{
	struct exotel_sync *s = arg;
	struct str text = STR_NONE;

	if (db_outcome(r) != DB_OK) {
		courier_answer_db(s->rq, r);
		sync_free(s);
		return;
	}
	s->outcome = "not_linked";
	if (db_rows(r, 0) == 0 || !db_uuid(r, 0, 0, 1, &s->account_id)) {
		answer(s);
		return;
	}
	if (!db_bool(r, 0, 0, 0) || !db_bool(r, 0, 0, 3)) {
		s->outcome = "inactive";
		answer(s);
		return;
	}
	text = exotel_line_open(s->courier, &s->arena, "exotel_accounts", s->app, s->account_id, db_text(r, 0, 0, 2));
	if (text.p == NULL || !exotel_account_read(&s->account, &s->arena, text))
		give_up(s, "broken", "the account's credentials do not open");
	else if (!exotel_line_token(&s->token, &s->account))
		give_up(s, "not_linked", "the account has no app token: agents of telephones are added one by one");
	else if (!read_known(s, r))
		give_up(s, "failed", "out of memory");
	else
		ask(s);
}

void
courier_exotel_sync(struct courier *c, struct link_request *rq)
{
	struct exotel_sync *s;
	struct db_job *j;
	struct uuid app;
	DB_PARAMS(p, 1);

	if (rq->nfields != 1 || !uuid_parse(rq->field[0], &app)) {
		courier_answer_text(rq, FRAME_INVALID, "expected an app");
		return;
	}
	LIST_FOREACH(s, &c->exotel_syncs, link)
		if (uuid_cmp(s->app, app) == 0) {
			courier_answer_text(rq, FRAME_BUSY, "this app's agents are being fetched already");
			return;
		}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		courier_answer_text(rq, FRAME_BUSY, "out of memory");
		return;
	}
	LIST_INSERT_HEAD(&c->exotel_syncs, s, link);
	s->courier = c;
	s->rq = rq;
	s->app = app;
	s->deadline_ms = rq->deadline_ms - 2 * FRAME_MARGIN_MS;
	arena_init(&s->arena, KNOWN_MEMORY);
	db_put_uuid(&p, app);
	j = db_job_new(c->db, 0, looked, s);
	db_job_add(j, C_EXOTEL_ACCOUNT, p.p, p.n);
	db_job_add(j, C_EXOTEL_AGENTS, p.p, p.n);
	db_job_submit(j);
}
