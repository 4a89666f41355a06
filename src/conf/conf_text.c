/*
 * conf_text: a field of the configuration on its way out: shown, or copied. A type that is not named here is not shown:
 * whoever adds one has to say first that it is no secret.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_value.h"

#define CUT	"..."

static const void *
at(const void *base, size_t offset)
{
	return (const char *)base + offset;
}

/* Adds to the text; what does not fit ends in "...". */
static void __attribute__((format(printf, 2, 3)))
add(char out[CONF_TEXT_SIZE], const char *fmt, ...)
{
	size_t	len = strlen(out);
	va_list	ap;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(out + len, CONF_TEXT_SIZE - len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= CONF_TEXT_SIZE - len)
		memcpy(out + CONF_TEXT_SIZE - sizeof(CUT), CUT, sizeof(CUT));
}

/* "127.0.0.1:80 (proxy_protocol), unix:/a": the address, and what is switched on. */
static void
add_listeners(char out[CONF_TEXT_SIZE], const struct conf_listen *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add(out, "%s%s", i == 0 ? "" : ", ", l[i].address);
		for (size_t j = 0; j < conf_listen_keys.n; j++) {
			const struct conf_key	*k = &conf_listen_keys.keys[j];

			if (k->type == CONF_BOOL && *(const bool *)at(&l[i], k->offset))
				add(out, " (%s)", k->name);
		}
	}
}

static void
add_nets(char out[CONF_TEXT_SIZE], const struct addr_net *nets, size_t n)
{
	char	text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < n; i++) {
		addr_text(text, &nets[i].base);
		add(out, "%s%s", i == 0 ? "" : ", ", text);
		if (nets[i].base.family != AF_UNIX)
			add(out, "/%u", nets[i].bits);
	}
}

static const char *
log_to(const struct conf_key *k, const void *base)
{
	const enum log_target	*target = at(base, k->offset);

	if (*target == LOG_TO_FILE)
		return *(char *const *)at(base, k->extra);
	return *target == LOG_TO_SYSLOG ? "syslog" : "stderr";
}

static void
add_names(char out[CONF_TEXT_SIZE], char *const *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(out, "%s%s", i > 0 ? ", " : "", name[i]);
}

bool
conf_value_text(const struct conf_key *k, const void *base, char out[CONF_TEXT_SIZE])
{
	const void	*field = at(base, k->offset);

	out[0] = '\0';
	switch (k->type) {
	case CONF_STRING:
	case CONF_PATH:
	case CONF_ADDRESS:
	case CONF_HEADER:
	case CONF_ORIGIN:
		add(out, "%s", *(char *const *)field != NULL ? *(char *const *)field : "");
		break;
	case CONF_BOOL:
		add(out, "%s", *(const bool *)field ? "true" : "false");
		break;
	case CONF_NUMBER:
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_WORKERS:
		conf_key_number(k, *(const int64_t *)field, out, CONF_TEXT_SIZE);
		break;
	case CONF_LOG_TO:
		add(out, "%s", log_to(k, base));
		break;
	case CONF_LOG_LEVEL:
	case CONF_LOG_FORMAT:
	case CONF_REQUEST_LOGS:
	case CONF_SANDBOX:
	case CONF_TLS_VERSION:
		add(out, "%s", conf_choices(k->type)[conf_choice(k->type, field)]);
		break;
	case CONF_LISTENERS:
		add_listeners(out, field, *(const size_t *)at(base, k->extra));
		break;
	case CONF_NETS:
		add_nets(out, field, *(const size_t *)at(base, k->extra));
		break;
	case CONF_NAMES:
		add_names(out, field, *(const size_t *)at(base, k->extra));
		break;
	default:
		return false;
	}
	if (out[0] == '\0')
		add(out, "none");
	return true;
}

bool
conf_value_copy(const struct conf_key *k, const void *from, void *to)
{
	char	**field = (char **)(void *)((char *)to + k->offset), *copy = NULL;
	const char *text;

	if (k->type != CONF_STRING && k->type != CONF_PATH)
		return false;
	text = *(char *const *)at(from, k->offset);
	if (text != NULL && (copy = strdup(text)) == NULL)
		return false;
	free(*field);
	*field = copy;
	return true;
}
