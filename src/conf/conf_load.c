/*
 * conf_load: tree to struct conf, by the table. All or nothing: a fault anywhere leaves no configuration. No error
 * shows a value that is a secret or came from the environment or another file.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "conf/conf_check.h"
#include "conf/conf_source.h"
#include "conf/conf_value.h"
#include "conf/conf_yaml.h"

#define CALLBACK_PATH	"/auth/dialpad/callback"

struct loading {
	const struct conf_report	*report;
	mode_t				 mode;		/* of the configuration file */
	struct conf			*conf;
	struct conf_places		*places;
};

struct target {				/* what a mapping fills */
	const struct conf_table	*table;
	void			*base;
	struct conf_place	*places;	/* one per row of the table */
};

static bool	load_mapping(struct loading *, const struct conf_node *, const struct target *, const char *);

static enum conf_secrecy
secrecy_of(enum conf_type t)
{
	if (t == CONF_SECRET)
		return CONF_HIDDEN;
	return t == CONF_CONNINFO ? CONF_HIDDEN_PASSWORD : CONF_OPEN;
}

/* People write booleans in many ways; YAML's own are only some of them. */
static const char *
bool_hint(struct str text, bool quoted)
{
	static const char *const yes[] = { "true", "yes", "on", "y", "1" };
	static const char *const no[] = { "false", "no", "off", "n", "0" };

	if (quoted && (str_eq(text, STR("true")) || str_eq(text, STR("false"))))
		return "; write it without quotes";
	for (size_t i = 0; i < COUNT(yes); i++) {
		if (str_ieq(text, str_c(yes[i])))
			return "; write true";
		if (str_ieq(text, str_c(no[i])))
			return "; write false";
	}
	return "";
}

static bool
report_unfit(const struct loading *l, const struct conf_key *k, const struct conf_node *n, struct str text)
{
	const char	*hint = "";
	char		 expected[CONF_EXPECTED_SIZE], shown[CONF_SHOWN_SIZE];

	conf_value_expected(k, expected);
	if (k->type == CONF_BOOL)
		hint = bool_hint(text, n->quoted);
	else if (n->quoted && (k->type == CONF_NUMBER || k->type == CONF_WORKERS))
		hint = "; a number stands without quotes";
	if (n->tag != NODE_PLAIN || secrecy_of(k->type) != CONF_OPEN)
		return conf_fault(l->report, n->place, "\"%s\": expected %s", k->name, expected);
	conf_show(shown, text);
	return conf_fault(l->report, n->place, "\"%s\": expected %s; found \"%s\"%s", k->name, expected, shown, hint);
}

static bool
report_kind(const struct loading *l, const struct conf_key *k, const struct conf_node *n)
{
	static const char *const kinds[] = {
		[NODE_NULL] = "nothing",
		[NODE_SCALAR] = "a single value",
		[NODE_LIST] = "a list",
		[NODE_MAP] = "a mapping",
	};
	char	expected[CONF_EXPECTED_SIZE];

	conf_value_expected(k, expected);
	return conf_fault(l->report, n->place, "\"%s\": expected %s; found %s", k->name, expected, kinds[n->kind]);
}

static bool
load_scalar(struct loading *l, const struct conf_node *n, const struct conf_key *k, void *base)
{
	struct secret	text = { 0 };
	enum conf_set	done;

	if (n->kind != NODE_SCALAR)
		return report_kind(l, k, n);
	if (!conf_source_text(l->report, l->mode, n, secrecy_of(k->type), &text))
		return false;
	done = conf_value_set(k, base, secret_bytes(&text), n->quoted && n->tag == NODE_PLAIN);
	if (done == CONF_UNFIT)
		report_unfit(l, k, n, secret_bytes(&text));
	else if (done == CONF_NO_MEMORY)
		conf_fault(l->report, n->place, "out of memory");
	secret_free(&text);
	return done == CONF_SET;
}

/* One entry of a list: a mapping, by its own table. places: where each of its keys stands. */
static bool
load_record(struct loading *l, const struct conf_node *n, const struct conf_table *t, void *out, struct conf_place *places)
{
	const struct target	target = { t, out, places };

	if (!load_mapping(l, n, &target, ""))
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (t->keys[i].required && places[i].line == 0)
			return conf_fault(l->report, n->place, "missing key \"%s\": %s", t->keys[i].name, t->keys[i].help);
	return true;
}

static struct conf_place
place_in(const struct conf_table *t, const struct conf_place *places, struct str name)
{
	return places[conf_table_find(t, name) - t->keys];
}

/* One listener: a mapping, or its address alone. */
static bool
load_listener(struct loading *l, const struct conf_node *n, struct conf_listen *out, struct conf_listen_place *place)
{
	const struct conf_table	*t = &conf_listen_keys;
	struct conf_place	 places[CONF_KEYS_MAX] = { { 0 } };

	place->address = n->place;
	if (!conf_table_defaults(t, out))
		return conf_fault(l->report, n->place, "out of memory");
	if (n->kind != NODE_MAP)
		return load_scalar(l, n, conf_table_find(t, STR("address")), out);
	if (!load_record(l, n, t, out, places))
		return false;
	place->address = place_in(t, places, STR("address"));
	place->tls = place_in(t, places, STR("tls"));
	place->redirect = place_in(t, places, STR("redirect"));
	return true;
}

static bool
load_certificate(struct loading *l, const struct conf_node *n, const struct conf_key *k, struct conf_certificate *out)
{
	const struct conf_table	*t = &conf_certificate_keys;
	struct conf_place	 places[CONF_KEYS_MAX] = { { 0 } };

	if (n->kind != NODE_MAP)
		return report_kind(l, k, n);
	if (!load_record(l, n, t, out, places))
		return false;
	out->cert_at = place_in(t, places, STR("cert"));
	out->key_at = place_in(t, places, STR("key"));
	out->ocsp_at = place_in(t, places, STR("ocsp"));
	return true;
}

static bool
load_net(struct loading *l, const struct conf_node *n, const struct conf_key *k, struct addr_net *out)
{
	struct secret	text = { 0 };
	bool		good;

	if (n->kind != NODE_SCALAR)
		return report_kind(l, k, n);
	if (!conf_source_text(l->report, l->mode, n, CONF_OPEN, &text))
		return false;
	if (!(good = addr_parse_net(out, secret_bytes(&text))))
		report_unfit(l, k, n, secret_bytes(&text));
	secret_free(&text);
	return good;
}

static bool
load_item(struct loading *l, const struct conf_node *n, const struct conf_key *k, void *items, size_t i)
{
	/* Each name is loaded as a string of its own. */
	const struct conf_key name = { .name = k->name, .type = CONF_STRING, .offset = i * sizeof(char *) };

	if (k->type == CONF_NETS)
		return load_net(l, n, k, (struct addr_net *)items + i);
	if (k->type == CONF_NAMES)
		return load_scalar(l, n, &name, items);
	if (k->type == CONF_CERTIFICATES)
		return load_certificate(l, n, k, (struct conf_certificate *)items + i);
	return load_listener(l, n, (struct conf_listen *)items + i,
	    items == l->conf->listen ? &l->places->listen[i] : &l->places->admin[i]);
}

/* A list, or a single value that stands for a list of one. */
static bool
load_list(struct loading *l, const struct conf_node *n, const struct conf_key *k, void *base)
{
	void	*items = (char *)base + k->offset;
	size_t	*count = (size_t *)(void *)((char *)base + k->extra);

	if (n->kind == NODE_SCALAR) {
		*count = 1;
		return load_item(l, n, k, items, 0);
	}
	if (n->kind != NODE_LIST)
		return report_kind(l, k, n);
	for (const struct conf_node *item = n->first; item != NULL; item = item->next) {
		if (*count == (size_t)k->max)
			return conf_fault(l->report, item->place, "\"%s\": more than %zu entries", k->name, *count);
		/* Counted first, so that what a failure leaves half done is freed with the rest. */
		if (!load_item(l, item, k, items, (*count)++))
			return false;
	}
	return true;
}

static bool
report_unknown(const struct loading *l, const struct conf_node *n, const struct target *t, const char *prefix)
{
	struct str	 written = str_c(n->name);
	char		 shown[CONF_SHOWN_SIZE], name[CONF_NAME_SIZE], section[CONF_NAME_SIZE];
	const char	*near = NULL, *dot = prefix[0] != '\0' ? "." : "";
	int		 len = snprintf(name, sizeof(name), "%s%s%s", prefix, dot, n->name);

	conf_show(shown, written);
	if (len > 0 && (size_t)len < sizeof(name)) {
		if (conf_table_find(t->table, str_c(name)) != NULL)
			return conf_fault(l->report, n->name_place,
			    "\"%s\" is not written with dots: every part before a dot is a line of its own, "
			    "and what it holds is indented below it", shown);
		near = conf_table_nearest(t->table, str_c(name), section);
	}
	if (near == NULL)
		return conf_fault(l->report, n->name_place, "unknown key \"%s%s%s\"", prefix, dot, shown);
	return conf_fault(l->report, n->name_place, "unknown key \"%s%s%s\"; did you mean \"%s\"?", prefix, dot, shown,
	    near);
}

static bool
load_section(struct loading *l, const struct conf_node *n, const struct target *t, const char *name)
{
	if (n->kind == NODE_NULL)
		return true;
	if (n->kind != NODE_MAP)
		return conf_fault(l->report, n->place, "\"%s\" is a section: expected its keys, indented below it",
		    name);
	return load_mapping(l, n, t, name);
}

static bool
load_member(struct loading *l, const struct conf_node *n, const struct target *t, const char *prefix)
{
	const struct conf_key	*k;
	char			 name[CONF_NAME_SIZE];
	int			 len;

	len = snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", n->name);
	if (len < 0 || (size_t)len >= sizeof(name) || strchr(n->name, '.') != NULL)
		return report_unknown(l, n, t, prefix);
	if ((k = conf_table_find(t->table, str_c(name))) == NULL)
		return conf_table_has_section(t->table, str_c(name)) ? load_section(l, n, t, name) :
		    report_unknown(l, n, t, prefix);
	if (n->kind == NODE_NULL)
		return true;
	t->places[k - t->table->keys] = n->place;
	return conf_value_is_list(k->type) ? load_list(l, n, k, t->base) : load_scalar(l, n, k, t->base);
}

/* Enters itself only for a section the table has, so the table bounds the depth. */
static bool
load_mapping(struct loading *l, const struct conf_node *map, const struct target *t, const char *prefix)
{
	for (const struct conf_node *n = map->first; n != NULL; n = n->next)
		if (!load_member(l, n, t, prefix))
			return false;
	return true;
}

static bool
load_tree(struct loading *l, const struct conf_node *root)
{
	const struct target	t = { &conf_keys, l->conf, l->places->key };

	if (!conf_table_defaults(&conf_keys, l->conf))
		return conf_fault(l->report, root->place, "out of memory");
	if (root->kind != NODE_MAP && root->kind != NODE_NULL)
		return conf_fault(l->report, root->place, "expected lines of the form \"key: value\"");
	return load_mapping(l, root, &t, "") && conf_check(l->conf, l->places, l->report);
}

/* What follows from other keys when it is not said. */
static bool
complete(struct conf *c, const struct conf_report *r)
{
	size_t size;

	if (c->dialpad_redirect_uri != NULL || c->public_url == NULL)
		return true;
	size = strlen(c->public_url) + sizeof(CALLBACK_PATH);
	c->dialpad_redirect_uri = malloc(size);
	if (c->dialpad_redirect_uri == NULL)
		return conf_fault(r, (struct conf_place){ 0 }, "out of memory");
	snprintf(c->dialpad_redirect_uri, size, "%s%s", c->public_url, CALLBACK_PATH);
	return true;
}

static struct conf *
load_text(struct str text, mode_t mode, const struct conf_report *r)
{
	struct conf		*c = calloc(1, sizeof(*c));
	struct conf_places	*places = calloc(1, sizeof(*places));
	struct conf_node	*root = NULL;
	struct loading		 l = { r, mode, c, places };
	bool			 good = false;

	if (c == NULL || places == NULL || (c->path = strdup(r->file)) == NULL)
		conf_fault(r, (struct conf_place){ 0 }, "out of memory");
	else if ((root = conf_yaml_parse(text, r)) != NULL)
		good = load_tree(&l, root) && complete(c, r);
	conf_yaml_free(root);
	free(places);
	if (good)
		return c;
	conf_free(c);
	return NULL;
}

struct conf *
conf_load(const char *path, struct conf_error *err)
{
	const struct conf_report	 r = { path, err };
	struct secret			 text = { 0 };
	struct conf			*c = NULL;
	char				 why[CONF_WHY_SIZE];
	mode_t				 mode = 0;

	if (conf_source_read(path, CONF_YAML_BYTES, &text, &mode, why))
		c = load_text(secret_bytes(&text), mode, &r);
	else
		conf_fault(&r, (struct conf_place){ 0 }, "%s", why);
	secret_free(&text);
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	conf_table_free(&conf_keys, c);
	secret_free(&c->keyring);
	free(c->path);
	free(c);
}
