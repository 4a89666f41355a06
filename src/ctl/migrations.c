/*
 * migrations: what stands in the directory. A gap or a double number is an error here, before anything is applied: it
 * means that a release was installed half.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/migrations.h"

#define VERSION_DIGITS	4

int
migration_version(const char *file_name)
{
	size_t	len = strlen(file_name);
	int	version = 0;

	if (len < VERSION_DIGITS + sizeof("_x.sql") - 1 || len >= MIGRATION_NAME_SIZE ||
	    strcmp(file_name + len - 4, ".sql") != 0 || file_name[VERSION_DIGITS] != '_')
		return 0;
	for (int i = 0; i < VERSION_DIGITS; i++) {
		if (file_name[i] < '0' || file_name[i] > '9')
			return 0;
		version = version * 10 + (file_name[i] - '0');
	}
	return version;
}

static int
by_version(const void *a, const void *b)
{
	return ((const struct migration *)a)->version - ((const struct migration *)b)->version;
}

static bool
check_order(const struct migrations *m, const char *dir, char err[MIGRATIONS_ERROR_SIZE])
{
	for (size_t i = 0; i < m->n; i++) {
		if (i > 0 && m->list[i].version == m->list[i - 1].version)
			snprintf(err, MIGRATIONS_ERROR_SIZE, "%s: %s and %s have the same number", dir,
			    m->list[i - 1].name, m->list[i].name);
		else if (m->list[i].version != (int)i + 1)
			snprintf(err, MIGRATIONS_ERROR_SIZE, "%s: %s is there, but no %04d_*.sql", dir,
			    m->list[i].name, (int)i + 1);
		else
			continue;
		return false;
	}
	if (m->n == 0)
		snprintf(err, MIGRATIONS_ERROR_SIZE, "%s: no NNNN_name.sql in it", dir);
	return m->n > 0;
}

bool
migrations_read(struct migrations *m, const char *dir, char err[MIGRATIONS_ERROR_SIZE])
{
	struct dirent	*entry;
	DIR		*d;
	int		 version;

	*m = (struct migrations){ NULL, 0 };
	d = opendir(dir);
	if (d == NULL || (m->list = calloc(MIGRATIONS_MAX, sizeof(*m->list))) == NULL) {
		snprintf(err, MIGRATIONS_ERROR_SIZE, "%s: %s", dir, strerror(errno));
		if (d != NULL)
			closedir(d);
		return false;
	}
	while ((entry = readdir(d)) != NULL && m->n < MIGRATIONS_MAX) {
		version = migration_version(entry->d_name);
		if (version == 0)
			continue;
		m->list[m->n].version = version;
		memcpy(m->list[m->n].name, entry->d_name, strlen(entry->d_name) + 1);
		m->n++;
	}
	closedir(d);
	qsort(m->list, m->n, sizeof(*m->list), by_version);
	return check_order(m, dir, err);
}

void
migrations_free(struct migrations *m)
{
	free(m->list);
	*m = (struct migrations){ NULL, 0 };
}

/* The whole of an open file, NUL-terminated; NULL with errno. */
static char *
read_file(int fd)
{
	struct stat	 st;
	char		*text;
	size_t		 n = 0, size;
	ssize_t		 got = 1;

	if (fstat(fd, &st) != 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)MIGRATION_BYTES) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return NULL;
	}
	size = (size_t)st.st_size;
	text = malloc(size + 1);
	while (text != NULL && n < size && (got = read(fd, text + n, size - n)) > 0)
		n += (size_t)got;
	if (text == NULL || got < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

char *
migration_text(const char *dir, const struct migration *m, char err[MIGRATIONS_ERROR_SIZE])
{
	char	 path[4096], *text = NULL;
	int	 fd, n = snprintf(path, sizeof(path), "%s/%s", dir, m->name), failure;

	fd = n > 0 && (size_t)n < sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		text = read_file(fd);
		failure = errno;
		close(fd);
		errno = failure;
	}
	if (text == NULL)
		snprintf(err, MIGRATIONS_ERROR_SIZE, "%s: %s", m->name, strerror(errno));
	return text;
}
