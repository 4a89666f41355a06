/*
 * conf_source: fetches the text of one scalar. Refuses a secret that stands where every user of the machine can read
 * it, because that is how secrets are lost without anybody noticing. Never puts a value into an error.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/hash.h"
#include "conf/conf_source.h"

#define OTHERS	((mode_t)0007)

/* Bytes read, at most max + 1; -1 with errno. */
static ssize_t
read_all(int fd, char *p, size_t max)
{
	size_t	have = 0;
	ssize_t	n;

	while (have <= max) {
		n = read(fd, p + have, max + 1 - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static bool
read_open(int fd, size_t max, struct secret *out, char why[CONF_WHY_SIZE])
{
	char	*p = malloc(max + 1);
	ssize_t	 n = p != NULL ? read_all(fd, p, max) : -1;
	bool	 good = false;

	if (p == NULL)
		snprintf(why, CONF_WHY_SIZE, "cannot be read: out of memory");
	else if (n < 0)
		snprintf(why, CONF_WHY_SIZE, "cannot be read: %s", strerror(errno));
	else if ((size_t)n > max)
		snprintf(why, CONF_WHY_SIZE, "is larger than %zu bytes", max);
	else if (!(good = secret_set(out, (struct str){ p, (size_t)n })))
		snprintf(why, CONF_WHY_SIZE, "cannot be read: out of memory");
	if (p != NULL)
		hash_wipe(p, max + 1);
	free(p);
	return good;
}

bool
conf_source_read(const char *path, size_t max, struct secret *out, mode_t *mode, char why[CONF_WHY_SIZE])
{
	struct stat	st;
	bool		good = false;
	int		fd;

	/* Non-blocking, so that a FIFO is refused instead of waited for. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) == -1) {
		snprintf(why, CONF_WHY_SIZE, "cannot be opened: %s", strerror(errno));
		return false;
	}
	if (fstat(fd, &st) == -1)
		snprintf(why, CONF_WHY_SIZE, "cannot be read: %s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		snprintf(why, CONF_WHY_SIZE, "is not a regular file");
	else {
		*mode = st.st_mode;
		good = read_open(fd, max, out, why);
	}
	close(fd);
	return good;
}

static bool
is_variable_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char	c = s.p[i];

		if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (i > 0 && c >= '0' && c <= '9')))
			return false;
	}
	return s.n > 0;
}

static bool
from_environment(const struct conf_report *r, const struct conf_node *n, struct secret *out)
{
	struct str	 name = secret_bytes(&n->text);
	const char	*value;

	if (!is_variable_name(name))
		return conf_fault(r, n->place, "expected the name of an environment variable after !env");
	if ((value = getenv(name.p)) == NULL)
		return conf_fault(r, n->place, "environment variable %s is not set", name.p);
	if (value[0] == '\0')
		return conf_fault(r, n->place, "environment variable %s is empty", name.p);
	if (!secret_set(out, str_c(value)))
		return conf_fault(r, n->place, "out of memory");
	return true;
}

static bool
is_path(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

/* A relative path begins at the folder of the configuration, wherever the daemon was started. */
static bool
resolve_path(char out[PATH_MAX], const char *conf_path, const char *path)
{
	const char	*slash = strrchr(conf_path, '/');
	int		 n;

	if (path[0] == '/' || slash == NULL)
		n = snprintf(out, PATH_MAX, "%s", path);
	else
		n = snprintf(out, PATH_MAX, "%.*s/%s", (int)(slash - conf_path), conf_path, path);
	return n > 0 && n < PATH_MAX;
}

static void
strip_newline(struct secret *s)
{
	if (s->len > 0 && s->bytes[s->len - 1] == '\n')
		s->bytes[--s->len] = '\0';
	if (s->len > 0 && s->bytes[s->len - 1] == '\r')
		s->bytes[--s->len] = '\0';
}

bool
conf_source_private(const struct conf_report *r, struct conf_place at, const char *path, mode_t mode)
{
	if ((mode & OTHERS) == 0)
		return true;
	return conf_fault(r, at, "%s holds a secret and is open to every user (mode %04o); mend it with: chmod o= %s", path,
	    (unsigned)(mode & 07777), path);
}

static bool
from_file(const struct conf_report *r, const struct conf_node *n, enum conf_secrecy secrecy, struct secret *out)
{
	struct str	name = secret_bytes(&n->text);
	char		path[PATH_MAX], why[CONF_WHY_SIZE];
	mode_t		mode;

	if (!is_path(name))
		return conf_fault(r, n->place, "expected a path after !file");
	if (!resolve_path(path, r->file, name.p))
		return conf_fault(r, n->place, "the path after !file is too long");
	if (!conf_source_read(path, CONF_VALUE_FILE_BYTES, out, &mode, why))
		return conf_fault(r, n->place, "%s %s", path, why);
	if (secrecy != CONF_OPEN && !conf_source_private(r, n->place, path, mode))
		return false;
	strip_newline(out);
	if (out->len == 0)
		return conf_fault(r, n->place, "%s is empty", path);
	return true;
}

static bool
from_here(const struct conf_report *r, mode_t mode, const struct conf_node *n, enum conf_secrecy secrecy,
    struct secret *out)
{
	struct str	text = secret_bytes(&n->text);
	bool		secret = secrecy == CONF_HIDDEN ||
			    (secrecy == CONF_HIDDEN_PASSWORD && conf_source_has_password(text));

	if (secret && (mode & OTHERS) != 0)
		return conf_fault(r, n->place, "a secret stands here and this file is open to every user (mode %04o); "
		    "mend it with: chmod o= %s, or move the secret out with !file", (unsigned)(mode & 07777), r->file);
	if (!secret_set(out, text))
		return conf_fault(r, n->place, "out of memory");
	return true;
}

bool
conf_source_text(const struct conf_report *r, mode_t mode, const struct conf_node *n, enum conf_secrecy secrecy,
    struct secret *out)
{
	bool	good;

	if (n->tag == NODE_ENV)
		good = from_environment(r, n, out);
	else if (n->tag == NODE_FILE)
		good = from_file(r, n, secrecy, out);
	else
		good = from_here(r, mode, n, secrecy, out);
	if (!good)
		secret_free(out);
	return good;
}

static bool
ends_with_password(struct str word)
{
	struct str	tail = STR("password");

	return word.n >= tail.n && str_eq((struct str){ word.p + word.n - tail.n, tail.n }, tail);
}

/* user:password@ before the host, or a password among the parameters. An escaped parameter name is not looked into. */
static bool
uri_has_password(struct str rest)
{
	struct str	 query = rest, head, name;
	const char	*at = NULL, *colon = memchr(rest.p, ':', rest.n);

	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == '@')
			at = rest.p + i;
	if (at != NULL && colon != NULL && colon + 1 < at)
		return true;
	str_cut(&query, '?', &head);
	while (str_cut(&query, '&', &head)) {
		str_cut(&head, '=', &name);
		if (ends_with_password(name) || memchr(name.p, '%', name.n) != NULL)
			return true;
	}
	return false;
}

/* Steps over one value of "name = value": bare up to a blank, or in quotes; a backslash takes the next byte along. */
static size_t
skip_value(struct str s, size_t i)
{
	bool	quoted = i < s.n && s.p[i] == '\'';

	for (i += quoted ? 1 : 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (quoted ? s.p[i] == '\'' : strchr(" \t\r\n", s.p[i]) != NULL)
			return i + 1;
	}
	return s.n;
}

static size_t
skip_blanks(struct str s, size_t i)
{
	while (i < s.n && strchr(" \t\r\n", s.p[i]) != NULL)
		i++;
	return i;
}

static bool
words_have_password(struct str s)
{
	size_t	i = skip_blanks(s, 0), start;

	if (memchr(s.p, '=', s.n) == NULL)
		return false;		/* no conninfo at all, and refused as such */
	while (i < s.n) {
		for (start = i; i < s.n && strchr("= \t\r\n", s.p[i]) == NULL; i++)
			;
		if (ends_with_password((struct str){ s.p + start, i - start }))
			return true;
		i = skip_blanks(s, i);
		if (i == s.n || s.p[i] != '=')
			return true;
		i = skip_blanks(s, skip_value(s, skip_blanks(s, i + 1)));
	}
	return false;
}

bool
conf_source_has_password(struct str conninfo)
{
	const struct str	schemes[] = { STR("postgresql://"), STR("postgres://") };

	for (size_t i = 0; i < COUNT(schemes); i++)
		if (str_starts(conninfo, schemes[i]))
			return uri_has_password((struct str){ conninfo.p + schemes[i].n, conninfo.n - schemes[i].n });
	return words_have_password(conninfo);
}
