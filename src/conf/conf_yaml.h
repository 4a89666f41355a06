/*
 * conf_yaml: YAML text as a tree in which everything knows its place. A small YAML on purpose: one document, mappings
 * with plain names, lists and scalars, the tags !env and !file; no anchors, aliases or merge keys.
 */
#ifndef RINGD_CONF_YAML_H
#define RINGD_CONF_YAML_H

#include <stdbool.h>

#include "base/secret.h"
#include "conf/conf_fault.h"

#define CONF_YAML_BYTES	((size_t)1024 * 1024)
#define CONF_YAML_DEPTH	16		/* open mappings and lists */
#define CONF_YAML_NODES	4096		/* names and values together */

enum conf_node_kind {
	NODE_NULL,			/* nothing written, or null, ~ */
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
};

enum conf_node_tag {
	NODE_PLAIN,
	NODE_ENV,			/* !env NAME */
	NODE_FILE,			/* !file PATH */
};

struct conf_node {
	enum conf_node_kind	 kind;
	enum conf_node_tag	 tag;
	bool			 quoted;	/* or a block scalar: text for certain */
	struct conf_place	 place;
	char			*name;		/* of this member; NULL in a list */
	struct conf_place	 name_place;
	struct secret		 text;		/* any value may turn out to be one */
	struct conf_node	*first, *last;	/* children */
	struct conf_node	*next;
};

/* The tree, or NULL with the fault reported. An empty text is a NODE_NULL. */
struct conf_node	*conf_yaml_parse(struct str text, const struct conf_report *r);
void			 conf_yaml_free(struct conf_node *n);

#endif
