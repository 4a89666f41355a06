/*
 * conf_yaml: libyaml's events to a tree. The only file that names libyaml. Refuses, with the place, what would let a
 * file mean more than it shows (anchors, aliases, merge keys, tags, several documents, duplicate keys) and what would
 * let it cost more than it should (bytes, depth, nodes). Knows no key. Scalars may be secrets: what held one is wiped.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/count.h"
#include "base/hash.h"
#include "conf/conf_yaml.h"

#define BYTE_ORDER_MARK	"\xef\xbb\xbf"	/* some editors begin a file with it */

struct reader {
	yaml_parser_t			 parser;
	const struct conf_report	*report;
	struct conf_node		*root;
	struct conf_node		*open[CONF_YAML_DEPTH];
	size_t				 depth;
	size_t				 nodes;
	unsigned			 documents;
	char				*name;		/* read, its value not yet */
	struct conf_place		 name_place;
};

static struct conf_place
place_of(yaml_mark_t mark)
{
	return (struct conf_place){ mark.line + 1, mark.column + 1 };
}

static struct conf_place
place_of_offset(struct str text, size_t offset)
{
	struct conf_place	at = { 1, 1 };

	for (size_t i = 0; i < offset && i < text.n; i++) {
		if (text.p[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80)
			at.column++;
	}
	return at;
}

static bool
count_node(struct reader *r, struct conf_place at)
{
	if (++r->nodes > CONF_YAML_NODES)
		return conf_fault(r->report, at, "more than %d names and values", CONF_YAML_NODES);
	return true;
}

static bool
is_map(const struct conf_node *n)
{
	return n != NULL && n->kind == NODE_MAP;
}

static struct conf_node *
innermost(const struct reader *r)
{
	return r->depth > 0 ? r->open[r->depth - 1] : NULL;
}

/* Makes a node and hangs it where the reader stands: under the name just read, at the end of a list, or as the root. */
static struct conf_node *
add_node(struct reader *r, enum conf_node_kind kind, struct conf_place at)
{
	struct conf_node	*parent = innermost(r), *n;

	if (is_map(parent) && r->name == NULL) {
		conf_fault(r->report, at, "expected a key name, found a list or a mapping");
		return NULL;
	}
	if (!count_node(r, at))
		return NULL;
	if ((n = calloc(1, sizeof(*n))) == NULL) {
		conf_fault(r->report, at, "out of memory");
		return NULL;
	}
	n->kind = kind;
	n->place = at;
	n->name = r->name;
	n->name_place = r->name_place;
	r->name = NULL;
	if (parent == NULL)
		r->root = n;
	else if (parent->last == NULL)
		parent->first = parent->last = n;
	else
		parent->last = parent->last->next = n;
	return n;
}

static bool
take_name(struct reader *r, const yaml_event_t *ev, struct conf_place at)
{
	struct str	name = { (const char *)ev->data.scalar.value, ev->data.scalar.length };
	char		shown[CONF_SHOWN_SIZE];

	conf_show(shown, name);
	if (ev->data.scalar.tag != NULL)
		return conf_fault(r->report, at, "a key name takes no tag");
	if (name.n == 0)
		return conf_fault(r->report, at, "expected a key name before \":\"");
	if (str_eq(name, STR("<<")))
		return conf_fault(r->report, at, "merge keys (<<) are not supported; write the keys out");
	if (memchr(name.p, '\0', name.n) != NULL)
		return conf_fault(r->report, at, "a key name holds a NUL byte");
	for (const struct conf_node *n = innermost(r)->first; n != NULL; n = n->next)
		if (str_eq(name, str_c(n->name)))
			return conf_fault(r->report, at, "duplicate key \"%s\"; it is already on line %zu", shown,
			    n->name_place.line);
	if (!count_node(r, at))
		return false;
	if ((r->name = strndup(name.p, name.n)) == NULL)
		return conf_fault(r->report, at, "out of memory");
	r->name_place = at;
	return true;
}

static bool
is_null(struct str text)
{
	return text.n == 0 || str_eq(text, STR("~")) || str_eq(text, STR("null")) || str_eq(text, STR("Null")) ||
	    str_eq(text, STR("NULL"));
}

static bool
set_tag(struct reader *r, struct conf_node *n, const char *tag)
{
	char	shown[CONF_SHOWN_SIZE];

	if (tag == NULL)
		n->tag = NODE_PLAIN;
	else if (strcmp(tag, "!env") == 0)
		n->tag = NODE_ENV;
	else if (strcmp(tag, "!file") == 0)
		n->tag = NODE_FILE;
	else {
		conf_show(shown, str_c(tag));
		return conf_fault(r->report, n->place, "unknown tag \"%s\"; expected !env NAME or !file PATH", shown);
	}
	return true;
}

static bool
on_scalar(struct reader *r, const yaml_event_t *ev, struct conf_place at)
{
	struct str		 text = { (const char *)ev->data.scalar.value, ev->data.scalar.length };
	struct conf_node	*n;

	if (is_map(innermost(r)) && r->name == NULL)
		return take_name(r, ev, at);
	if ((n = add_node(r, NODE_SCALAR, at)) == NULL || !set_tag(r, n, (const char *)ev->data.scalar.tag))
		return false;
	if (memchr(text.p, '\0', text.n) != NULL)
		return conf_fault(r->report, at, "a value holds a NUL byte");
	n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (n->tag == NODE_PLAIN && !n->quoted && is_null(text)) {
		n->kind = NODE_NULL;
		return true;
	}
	if (!secret_set(&n->text, text))
		return conf_fault(r->report, at, "out of memory");
	return true;
}

static bool
on_open(struct reader *r, enum conf_node_kind kind, const yaml_char_t *tag, struct conf_place at)
{
	struct conf_node	*n;

	if (tag != NULL)
		return conf_fault(r->report, at, "only single values take a tag");
	if (r->depth == CONF_YAML_DEPTH)
		return conf_fault(r->report, at, "nested more than %d deep", CONF_YAML_DEPTH);
	if ((n = add_node(r, kind, at)) == NULL)
		return false;
	r->open[r->depth++] = n;
	return true;
}

static bool
on_anchor(struct reader *r, const yaml_char_t *anchor, struct conf_place at)
{
	char	shown[CONF_SHOWN_SIZE];

	if (anchor == NULL)
		return true;
	conf_show(shown, str_c((const char *)anchor));
	return conf_fault(r->report, at,
	    "anchors (&%s) are not supported; write the value out, or quote it if it begins with \"&\"", shown);
}

static bool
on_event(struct reader *r, const yaml_event_t *ev)
{
	struct conf_place	at = place_of(ev->start_mark);

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->documents++ > 0)
			return conf_fault(r->report, at, "a second document begins here; expected one document");
		return true;
	case YAML_ALIAS_EVENT:
		return conf_fault(r->report, at,
		    "aliases (*) are not supported; write the value out, or quote it if it begins with \"*\"");
	case YAML_SCALAR_EVENT:
		return on_anchor(r, ev->data.scalar.anchor, at) && on_scalar(r, ev, at);
	case YAML_MAPPING_START_EVENT:
		return on_anchor(r, ev->data.mapping_start.anchor, at) &&
		    on_open(r, NODE_MAP, ev->data.mapping_start.tag, at);
	case YAML_SEQUENCE_START_EVENT:
		return on_anchor(r, ev->data.sequence_start.anchor, at) &&
		    on_open(r, NODE_LIST, ev->data.sequence_start.tag, at);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		return true;
	default:
		return true;
	}
}

/* What most likely happened when libyaml says this, for people who do not know YAML's grammar by heart. */
static const char *
syntax_hint(const char *problem, const char *context)
{
	static const struct { const char *words, *hint; } hints[] = {
		{ "alias", "; quote a value that begins with \"*\"" },
		{ "flow", "; quote a value that begins with \"[\" or \"{\"" },
		{ "mapping values are not allowed", "; quote a value that holds \": \"" },
		{ "cannot start any token",
		    "; indent with blanks, not tabs; quote a value that begins with \"@\" or \"%\"" },
	};

	for (size_t i = 0; i < COUNT(hints); i++)
		if (strstr(problem, hints[i].words) != NULL || strstr(context, hints[i].words) != NULL)
			return hints[i].hint;
	return "";
}

/* libyaml's own complaint. Its texts are constants and never quote the file. */
static bool
on_syntax(const struct reader *r, struct str text)
{
	const yaml_parser_t	*p = &r->parser;
	const char		*problem = p->problem != NULL ? p->problem : "not valid YAML";
	const char		*context = p->context != NULL ? p->context : "";

	if (p->error == YAML_MEMORY_ERROR)
		return conf_fault(r->report, place_of(p->mark), "out of memory");
	if (p->error == YAML_READER_ERROR)
		return conf_fault(r->report, place_of_offset(text, p->problem_offset), "%s", problem);
	if (p->context == NULL || p->context_mark.line == p->problem_mark.line)
		return conf_fault(r->report, place_of(p->problem_mark), "%s%s%s%s", problem,
		    context[0] != '\0' ? " " : "", context, syntax_hint(problem, context));
	return conf_fault(r->report, place_of(p->problem_mark), "%s %s that begins in line %zu%s", problem, context,
	    p->context_mark.line + 1, syntax_hint(problem, context));
}

static bool
read_events(struct reader *r, struct str text)
{
	yaml_event_t	ev;
	bool		good, more = true;

	while (more) {
		if (!yaml_parser_parse(&r->parser, &ev))
			return on_syntax(r, text);
		more = ev.type != YAML_STREAM_END_EVENT;
		good = on_event(r, &ev);
		if (ev.type == YAML_SCALAR_EVENT)
			hash_wipe(ev.data.scalar.value, ev.data.scalar.length);
		yaml_event_delete(&ev);
		if (!good)
			return false;
	}
	if (r->root == NULL)
		return add_node(r, NODE_NULL, (struct conf_place){ 1, 1 }) != NULL;
	return true;
}

/* libyaml keeps the text in two buffers of its own and frees them as they are. */
static void
wipe_parser(yaml_parser_t *p)
{
	if (p->raw_buffer.start != NULL)
		hash_wipe(p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
	if (p->buffer.start != NULL)
		hash_wipe(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
	yaml_parser_delete(p);
}

struct conf_node *
conf_yaml_parse(struct str text, const struct conf_report *report)
{
	struct reader	r = { .report = report };

	if (str_starts(text, STR(BYTE_ORDER_MARK)))
		text = (struct str){ text.p + strlen(BYTE_ORDER_MARK), text.n - strlen(BYTE_ORDER_MARK) };
	if (text.n > CONF_YAML_BYTES) {
		conf_fault(report, (struct conf_place){ 0 }, "larger than %zu bytes", CONF_YAML_BYTES);
		return NULL;
	}
	if (!yaml_parser_initialize(&r.parser)) {
		conf_fault(report, (struct conf_place){ 0 }, "out of memory");
		return NULL;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);
	if (!read_events(&r, text)) {
		conf_yaml_free(r.root);
		r.root = NULL;
	}
	free(r.name);
	wipe_parser(&r.parser);
	return r.root;
}

/* Calls itself at most CONF_YAML_DEPTH deep. */
void
conf_yaml_free(struct conf_node *n)
{
	struct conf_node	*child, *next;

	if (n == NULL)
		return;
	for (child = n->first; child != NULL; child = next) {
		next = child->next;
		conf_yaml_free(child);
	}
	secret_free(&n->text);
	free(n->name);
	free(n);
}
