/*
 * key_file: the only code that touches the key file. Never leaves it half written, wider than 0400, or another's; never
 * follows the file to a device or waits for a FIFO. What was read is in a struct secret and nowhere else.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "crypt/key_file.h"

#define MODE		((mode_t)0400)
#define BESIDE		".new"

static bool
refuse(char why[KEYRING_WHY_SIZE], const char *path, const char *what)
{
	snprintf(why, KEYRING_WHY_SIZE, "%.256s: %s", path, what);
	return false;
}

static bool
check_stat(const char *path, const struct stat *st, char why[KEYRING_WHY_SIZE])
{
	if (!S_ISREG(st->st_mode))
		return refuse(why, path, "is not a regular file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return refuse(why, path, "belongs to somebody else; expected root or the user who reads it");
	if ((st->st_mode & 07777 & ~MODE) != 0) {
		snprintf(why, KEYRING_WHY_SIZE, "%.256s: mode %04o is wider than 0400; mend it with chmod 0400", path,
		    (unsigned)(st->st_mode & 07777));
		return false;
	}
	if (st->st_size > (off_t)KEYRING_FILE_MAX)
		return refuse(why, path, "is larger than a key ring can be");
	return true;
}

/* Up to the end; -1 with errno. */
static ssize_t
read_all(int fd, char *out, size_t size)
{
	size_t have = 0;
	ssize_t n;

	while (have < size && (n = read(fd, out + have, size - have)) != 0) {
		if (n > 0)
			have += (size_t)n;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)have;
}

bool
key_file_read(const char *path, struct secret *text, struct keyring *k, char why[KEYRING_WHY_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char buffer[KEYRING_FILE_MAX];
	struct stat st;
	bool good = false;
	ssize_t n;

	if (fd == -1)
		return refuse(why, path, strerror(errno));
	if (fstat(fd, &st) == -1)
		refuse(why, path, strerror(errno));
	else if (check_stat(path, &st, why)) {
		n = read_all(fd, buffer, sizeof(buffer));
		if (n == -1)
			refuse(why, path, strerror(errno));
		else if (!secret_set(text, (struct str){ buffer, (size_t)n }))
			refuse(why, path, "out of memory");
		else
			good = keyring_parse(k, secret_bytes(text), path, why);
		hash_wipe(buffer, sizeof(buffer));
	}
	close(fd);
	if (!good)
		secret_free(text);
	return good;
}

static bool
write_all(int fd, struct str text)
{
	ssize_t n;

	for (; text.n > 0; text.p += n, text.n -= (size_t)n) {
		n = write(fd, text.p, text.n);
		if (n == -1 && errno == EINTR)
			n = 0;
		if (n == -1)
			return false;
	}
	return true;
}

/* The name in its folder is as good as the file only once the folder is synced too. */
static bool
sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int fd;
	bool good;

	snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path),
	    slash == NULL ? "." : path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return false;
	good = fsync(fd) == 0;
	close(fd);
	return good;
}

static bool
fill(int fd, const char *path, struct str text)
{
	struct stat old;

	if (stat(path, &old) == 0 && (old.st_uid != geteuid() || old.st_gid != getegid()) &&
	    fchown(fd, old.st_uid, old.st_gid) == -1)
		return false;
	return write_all(fd, text) && fchmod(fd, MODE) == 0 && fsync(fd) == 0;
}

bool
key_file_write(const char *path, struct str text, char why[KEYRING_WHY_SIZE])
{
	char beside[PATH_MAX];
	int fd, n = snprintf(beside, sizeof(beside), "%s" BESIDE, path);
	bool good;

	if (n < 0 || (size_t)n >= sizeof(beside))
		return refuse(why, path, "the path is too long");
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (fd == -1)
		return refuse(why, beside, errno == EEXIST ?
		    "is there: another ringctl is at work, or one was killed; if so, remove this file" : strerror(errno));
	good = fill(fd, path, text);
	close(fd);
	if (!good || rename(beside, path) == -1) {
		refuse(why, path, strerror(errno));
		unlink(beside);
		return false;
	}
	return sync_folder(path) || refuse(why, path, "was replaced, but the folder cannot be synced");
}
