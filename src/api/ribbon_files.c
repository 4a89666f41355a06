/*
 * ribbon_files: GET /ribbon/{file}. Public: pages of other origins load these with a digest they know (SRI), so every answer is open to all
 * origins and says so. A name with a version in it never changes what it holds and may be kept for ever; the manifest, and ribbon.js, which
 * stands for the newest version, may be kept for minutes. Where a file lies compressed beside itself (.gz), that one is sent to who can
 * take it. No path of a client ever reaches a file system: names are looked up in memory.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"
#include "api/ribbon_files.h"
#include "base/count.h"

#define FILES_MAX	16
#define BYTES_MAX	((size_t)4 * 1024 * 1024)
#define NAME_SIZE	64
#define ETAG_BYTES	12
#define ETAG_SIZE	(2 + 4 * ((ETAG_BYTES + 2) / 3) + 1)
#define ALIAS		"ribbon.js"
#define NEWEST		"ribbon-"	/* and a version, and .js */
#define KEEP_LONG	"public, max-age=31536000, immutable"
#define KEEP_SHORT	"public, max-age=300"

struct ribbon_file {
	char		 name[NAME_SIZE];
	struct buf	 bytes;
	char		 etag[ETAG_SIZE];
	const char	*type;		/* NULL: only as another's compressed form */
};

struct ribbon_files {
	struct ribbon_file	 file[FILES_MAX];
	size_t			 count;
	size_t			 left;		/* of BYTES_MAX */
	const struct ribbon_file *newest;	/* what ALIAS stands for; NULL: nothing */
};

static const struct {
	const char	*ending, *type;
} types[] = {
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".txt", "text/plain; charset=utf-8" },
};

static bool
str_ends(struct str s, struct str end)
{
	return s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

static bool
name_good(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < NAME_SIZE && name[0] != '.' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n;
}

static const char *
type_of(const char *name)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_ends(str_c(name), str_c(types[i].ending)))
			return types[i].type;
	return NULL;
}

/* "-1." and so on: what was built under such a name is never built anew under it. */
static bool
is_versioned(struct str name)
{
	for (size_t i = 0; i + 2 < name.n; i++)
		if (name.p[i] == '-' && name.p[i + 1] >= '0' && name.p[i + 1] <= '9')
			return true;
	return false;
}

/* ---- reading */

static bool __attribute__((format(printf, 2, 3)))
because(char why[RIBBON_FILES_WHY_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, RIBBON_FILES_WHY_SIZE, fmt, ap);
	va_end(ap);
	return false;
}

static void
set_etag(struct ribbon_file *f)
{
	unsigned char digest[SHA256_SIZE];

	hash_sha256(digest, buf_as_str(&f->bytes));
	f->etag[0] = '"';
	base64url_encode(f->etag + 1, digest, ETAG_BYTES);
	memcpy(f->etag + ETAG_SIZE - 2, "\"", 2);
}

/* To the end of the file; one that is larger than what is left fails. */
static bool
read_all(int fd, struct buf *b)
{
	ssize_t n = 1;

	while (n > 0 && buf_reserve(b, 1)) {
		n = read(fd, b->p + b->len, b->cap - b->len);
		if (n > 0)
			b->len += (size_t)n;
		else if (n == -1 && errno == EINTR)
			n = 1;
	}
	return n == 0;
}

static bool
read_file(struct ribbon_files *fs, int dir, const char *folder, const char *name, char why[RIBBON_FILES_WHY_SIZE])
{
	struct ribbon_file	*f = &fs->file[fs->count];
	struct stat		 st;
	bool			 good;
	int			 fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return because(why, "%s/%s: %s", folder, name, strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return true;
	}
	if (fs->count == FILES_MAX) {
		close(fd);
		return because(why, "%s holds more than %d files", folder, FILES_MAX);
	}
	buf_init(&f->bytes, fs->left + 1);
	good = read_all(fd, &f->bytes);
	close(fd);
	fs->count++;		/* what it holds is freed with the rest */
	if (!good || f->bytes.len > fs->left)
		return because(why, "%s holds more than %zu bytes, or %s cannot be read", folder, BYTES_MAX, name);
	fs->left -= f->bytes.len;
	memcpy(f->name, name, strlen(name) + 1);
	f->type = type_of(name);
	set_etag(f);
	return true;
}

/* Numbers between dots, as people compare them: 1.10.0 is newer than 1.9.2. */
static int
version_cmp(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0') {
		char	*enda, *endb;
		long	 x = strtol(a, &enda, 10), y = strtol(b, &endb, 10);

		if (enda == a || endb == b)
			return strcmp(a, b);
		if (x != y)
			return x < y ? -1 : 1;
		if (*enda != '.' || *endb != '.')
			return strcmp(enda, endb);
		a = enda + 1;
		b = endb + 1;
	}
	return strcmp(a, b);
}

static void
find_newest(struct ribbon_files *fs)
{
	for (size_t i = 0; i < fs->count; i++) {
		const struct ribbon_file *f = &fs->file[i];
		const char		 *version = f->name + sizeof(NEWEST) - 1;

		if (!str_starts(str_c(f->name), STR(NEWEST)) || !str_ends(str_c(f->name), STR(".js")) || *version < '0' || *version > '9')
			continue;
		if (fs->newest == NULL || version_cmp(fs->newest->name + sizeof(NEWEST) - 1, version) < 0)
			fs->newest = f;
	}
}

struct ribbon_files *
ribbon_files_read(const char *folder, char why[RIBBON_FILES_WHY_SIZE])
{
	struct ribbon_files	*fs = calloc(1, sizeof(*fs));
	DIR			*d = opendir(folder);
	struct dirent		*e;
	bool			 good = fs != NULL && d != NULL;

	if (!good)
		because(why, "%s: %s", folder, strerror(errno));
	else
		fs->left = BYTES_MAX;
	while (good && (e = readdir(d)) != NULL)
		if (name_good(e->d_name))
			good = read_file(fs, dirfd(d), folder, e->d_name, why);
	if (d != NULL)
		closedir(d);
	if (good) {
		find_newest(fs);
		good = fs->newest != NULL || because(why, "%s holds no ribbon: no file %sVERSION.js", folder, NEWEST);
	}
	if (good)
		return fs;
	ribbon_files_free(fs);
	return NULL;
}

void
ribbon_files_free(struct ribbon_files *fs)
{
	if (fs == NULL)
		return;
	for (size_t i = 0; i < fs->count; i++)
		buf_free(&fs->file[i].bytes);
	free(fs);
}

/* ---- serving */

static const struct ribbon_file *
find(const struct ribbon_files *fs, struct str name)
{
	if (str_eq(name, STR(ALIAS)))
		return fs->newest;
	for (size_t i = 0; i < fs->count; i++)
		if (str_eq(name, str_c(fs->file[i].name)))
			return &fs->file[i];
	return NULL;
}

static const struct ribbon_file *
compressed(const struct ribbon_files *fs, const struct ribbon_file *f)
{
	struct str name = str_c(f->name);

	for (size_t i = 0; i < fs->count; i++) {
		struct str other = str_c(fs->file[i].name);

		if (other.n == name.n + 3 && str_starts(other, name) && str_ends(other, STR(".gz")))
			return &fs->file[i];
	}
	return NULL;
}

/* "gzip", "*", or either with a weight that is not nothing. */
static bool
takes_gzip(const struct http_request *rq)
{
	struct str accept = http_header(rq, "accept-encoding"), one, coding, weight;

	while (str_cut(&accept, ',', &one)) {
		str_cut(&one, ';', &coding);
		coding = str_trim(coding);
		weight = one.p != NULL ? str_trim(one) : STR("q=1");
		if (str_ieq(coding, STR("gzip")) || str_ieq(coding, STR("*")))
			return weight.n >= 3 && strspn(weight.p + 2, "0.") < weight.n - 2;
	}
	return false;
}

static bool
has_already(const struct http_request *rq, const struct ribbon_file *f)
{
	struct str tags = http_header(rq, "if-none-match"), one;

	while (str_cut(&tags, ',', &one)) {
		one = str_trim(one);
		if (str_starts(one, STR("W/")))
			one = (struct str){ one.p + 2, one.n - 2 };
		if (str_eq(one, str_c(f->etag)) || str_eq(one, STR("*")))
			return true;
	}
	return false;
}

void
api_ribbon_file(struct http_request *rq, void *ctx)
{
	const struct ribbon_files	*fs = ((struct api *)ctx)->ribbon;
	const struct ribbon_file	*f = fs != NULL ? find(fs, rq->param[0]) : NULL, *small;
	const char			*type;
	struct buf			 body;

	rq->step = "find file";
	http_add_header(rq, "Access-Control-Allow-Origin", "*");
	http_add_header(rq, "Cross-Origin-Resource-Policy", "cross-origin");
	if (f == NULL || f->type == NULL) {
		api_problem(rq, 404, "not_found", "There is no such file");
		return;
	}
	type = f->type;
	small = compressed(fs, f);
	if (small != NULL)
		http_add_header(rq, "Vary", "Accept-Encoding");
	http_add_header(rq, "Cache-Control", is_versioned(rq->param[0]) ? KEEP_LONG : KEEP_SHORT);
	if (small != NULL && takes_gzip(rq)) {
		f = small;
		http_add_header(rq, "Content-Encoding", "gzip");
	}
	http_add_header(rq, "ETag", f->etag);
	if (has_already(rq, f)) {
		http_answer(rq, 304, NULL, NULL);
		return;
	}
	buf_init(&body, f->bytes.len);
	buf_str(&body, buf_as_str(&f->bytes));
	if (body.failed)
		api_no_memory(rq);
	else
		http_answer(rq, 200, type, &body);
	buf_free(&body);
}
