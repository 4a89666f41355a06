/*
 * ribbon_files: the call ribbon's scripts, as built by make ribbon, held in memory by each worker. Read once, before the sandbox; a
 * reload's new workers read them anew.
 */
#ifndef RINGD_RIBBON_FILES_H
#define RINGD_RIBBON_FILES_H

#include <stdbool.h>
#include <stddef.h>

#define RIBBON_FILES_WHY_SIZE	512

struct ribbon_files;

/*
 * All of the folder, or NULL with why: it cannot be read, it holds nothing to serve, or more than a ribbon can be.
 * Names that are not of [a-z0-9.-], or begin with a dot, are passed over.
 */
struct ribbon_files	*ribbon_files_read(const char *folder, char why[RIBBON_FILES_WHY_SIZE]);
void			 ribbon_files_free(struct ribbon_files *f);

#endif
