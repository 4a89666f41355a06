/*
 * migrations: the files of a directory that are named NNNN_name.sql, in order, and their texts.
 */
#ifndef RINGD_CTL_MIGRATIONS_H
#define RINGD_CTL_MIGRATIONS_H

#include <stdbool.h>
#include <stddef.h>

#define MIGRATIONS_MAX		1000
#define MIGRATION_NAME_SIZE	128
#define MIGRATION_BYTES		((size_t)4 * 1024 * 1024)
#define MIGRATIONS_ERROR_SIZE	512

struct migration {
	int	version;			/* from 1, without gaps */
	char	name[MIGRATION_NAME_SIZE];	/* the file's name */
};

struct migrations {
	struct migration	*list;
	size_t			 n;
};

/* The version in a file's name; 0 when it is no migration. Pure. */
int	migration_version(const char *file_name);
/* Reads and checks the directory: versions 1, 2, 3 ... once each. false with err; free in any case. */
bool	migrations_read(struct migrations *m, const char *dir, char err[MIGRATIONS_ERROR_SIZE]);
void	migrations_free(struct migrations *m);
/* The text of one, NUL-terminated, to be freed; NULL with err. */
char	*migration_text(const char *dir, const struct migration *m, char err[MIGRATIONS_ERROR_SIZE]);

#endif
