/*
 * reach: a list with bounds. Opens nothing; a list that does not hold everything says so, because a process confined by
 * half a list would fail later, where nobody knows why.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/reach.h"

static bool
has_path(const struct reach *r, enum reach_kind kind, const char *path)
{
	for (size_t i = 0; i < r->npaths; i++)
		if (r->path[i].kind == kind && strcmp(r->path[i].path, path) == 0)
			return true;
	return false;
}

void
reach_path(struct reach *r, enum reach_kind kind, const char *path)
{
	char *copy;

	if ((*path != '/' && !(*path == '@' && kind == REACH_SOCKET)) || has_path(r, kind, path))
		return;
	copy = r->npaths < REACH_PATHS_MAX ? strdup(path) : NULL;
	if (copy == NULL) {
		r->incomplete = true;
		return;
	}
	r->path[r->npaths++] = (struct reach_path){ .kind = kind, .path = copy };
}

void
reach_folder_of(struct reach *r, enum reach_kind kind, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *folder;

	if (slash == NULL)
		return;
	folder = slash == file ? strdup("/") : strndup(file, (size_t)(slash - file));
	if (folder == NULL)
		r->incomplete = true;
	else
		reach_path(r, kind, folder);
	free(folder);
}

void
reach_port(struct reach *r, unsigned port)
{
	if (port == 0) {
		r->any_port = true;
		return;
	}
	for (size_t i = 0; i < r->nports; i++)
		if (r->port[i] == port)
			return;
	if (r->nports == REACH_PORTS_MAX)
		r->incomplete = true;
	else
		r->port[r->nports++] = port;
}

void
reach_free(struct reach *r)
{
	for (size_t i = 0; i < r->npaths; i++)
		free(r->path[i].path);
	memset(r, 0, sizeof(*r));
}

const char *
reach_stale(const struct reach *r)
{
	struct stat st;

	for (size_t i = 0; i < r->npaths && r->bound; i++) {
		const struct reach_path *p = &r->path[i];

		if (p->kind == REACH_SOCKET)
			continue;
		if (stat(p->path, &st) == -1)
			st.st_dev = 0, st.st_ino = 0;
		if (st.st_dev != p->device || st.st_ino != p->inode)
			return p->path;
	}
	return NULL;
}

bool
reach_outdated(const struct reach *r)
{
	const char *path = reach_stale(r);

	if (path != NULL)
		log_warn("%s has been replaced, the new one is outside the sandbox: leaving, to be started again", path);
	return path != NULL;
}
