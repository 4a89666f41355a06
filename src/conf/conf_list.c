/*
 * conf_list: the list types of the table: compared and given back, item by item.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "conf/conf_value.h"

static bool
equal_listeners(const struct conf_listen *a, const struct conf_listen *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < conf_listen_keys.n; j++)
			if (!conf_value_equal(&conf_listen_keys.keys[j], &a[i], &b[i]))
				return false;
	return true;
}

/* A renewed certificate is a change, though the file that names it has none. */
static bool
equal_certificates(const struct conf_certificate *a, const struct conf_certificate *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < conf_certificate_keys.n; j++)
			if (!conf_value_equal(&conf_certificate_keys.keys[j], &a[i], &b[i]))
				return false;
		if (!secret_equal(&a[i].chain_bytes, &b[i].chain_bytes) || !secret_equal(&a[i].key_bytes, &b[i].key_bytes) ||
		    !secret_equal(&a[i].ocsp_bytes, &b[i].ocsp_bytes))
			return false;
	}
	return true;
}

static bool
equal_nets(const struct addr_net *a, const struct addr_net *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].bits != b[i].bits || a[i].base.family != b[i].base.family ||
		    memcmp(a[i].base.ip, b[i].base.ip, sizeof(a[i].base.ip)) != 0)
			return false;
	return true;
}

static bool
equal_names(char *const *a, char *const *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!str_eq(str_c(a[i]), str_c(b[i])))
			return false;
	return true;
}

bool
conf_list_equal(enum conf_type t, const void *a, const void *b, size_t n)
{
	switch (t) {
	case CONF_LISTENERS:
		return equal_listeners(a, b, n);
	case CONF_NETS:
		return equal_nets(a, b, n);
	case CONF_NAMES:
		return equal_names(a, b, n);
	case CONF_CERTIFICATES:
		return equal_certificates(a, b, n);
	default:
		return false;
	}
}

static void
free_listeners(struct conf_listen *l, const size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		conf_table_free(&conf_listen_keys, &l[i]);
}

static void
free_names(char **name, const size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		free(name[i]);
		name[i] = NULL;
	}
}

static void
free_certificates(struct conf_certificate *c, const size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		conf_table_free(&conf_certificate_keys, &c[i]);
		secret_free(&c[i].chain_bytes);
		secret_free(&c[i].key_bytes);
		secret_free(&c[i].ocsp_bytes);
	}
}

void
conf_list_free(enum conf_type t, void *field, size_t *n)
{
	if (t == CONF_LISTENERS)
		free_listeners(field, n);
	else if (t == CONF_NAMES)
		free_names(field, n);
	else if (t == CONF_CERTIFICATES)
		free_certificates(field, n);
	*n = 0;
}
