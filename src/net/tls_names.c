/*
 * tls_names: a sorted list, searched by halves. Names come from certificates and hosts from clients: neither is
 * believed to be well-formed.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "net/tls_names.h"

/* Letters, digits, hyphen, underscore, dots, and a star for a whole first label. Nothing else can be asked for. */
static bool
is_name(struct str s)
{
	size_t i = str_starts(s, STR("*.")) ? 2 : 0;

	if (s.n <= i || s.n >= TLS_NAME_SIZE)
		return false;
	for (; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.'))
			return false;
	}
	return true;
}

static void
lower(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a') : from[i];
	to[n] = '\0';
}

bool
tls_names_add(struct tls_names *l, struct str name, size_t cert)
{
	struct tls_name *more;
	char *copy;

	if (!is_name(name))
		return true;
	if (l->n == l->cap) {
		more = realloc(l->name, (l->cap + 16) * 2 * sizeof(*more));
		if (more == NULL)
			return false;
		l->name = more;
		l->cap = (l->cap + 16) * 2;
	}
	if ((copy = malloc(name.n + 1)) == NULL)
		return false;
	lower(copy, name.p, name.n);
	l->name[l->n++] = (struct tls_name){ copy, cert };
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct tls_name	*x = a, *y = b;
	int			 order = strcmp(x->text, y->text);

	if (order == 0)
		order = x->cert < y->cert ? -1 : x->cert > y->cert;
	return order;
}

void
tls_names_sort(struct tls_names *l)
{
	if (l->n > 0)
		qsort(l->name, l->n, sizeof(*l->name), compare);
}

/* The first of that name. */
static const struct tls_name *
find(const struct tls_names *l, const char *text)
{
	size_t low = 0, high = l->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(l->name[middle].text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->n && strcmp(l->name[low].text, text) == 0 ? &l->name[low] : NULL;
}

long
tls_names_find(const struct tls_names *l, const char *host)
{
	char			 text[TLS_NAME_SIZE];
	size_t			 n = strlen(host);
	const struct tls_name	*found;
	char			*dot;

	if (n == 0 || n >= sizeof(text) || *host == '*')
		return -1;
	lower(text, host, n);
	found = find(l, text);
	if (found == NULL && (dot = strchr(text, '.')) != NULL && dot > text) {
		dot[-1] = '*';
		found = find(l, dot - 1);
	}
	return found != NULL ? (long)found->cert : -1;
}

const struct tls_name *
tls_names_twice(const struct tls_names *l, size_t *other)
{
	for (size_t i = 1; i < l->n; i++) {
		if (l->name[i].cert == l->name[i - 1].cert || strcmp(l->name[i].text, l->name[i - 1].text) != 0)
			continue;
		*other = l->name[i - 1].cert;
		return &l->name[i];
	}
	return NULL;
}

void
tls_names_free(struct tls_names *l)
{
	while (l->n > 0)
		free(l->name[--l->n].text);
	free(l->name);
	*l = (struct tls_names){ NULL, 0, 0 };
}
