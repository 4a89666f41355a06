/*
 * conf_certificates: the files that tls.certificates names. They are read each time, whether or not the configuration
 * has changed, because renewing a certificate changes no line of it. Private keys pass through here only: refused when
 * others can read them, kept as secrets, never shown.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "conf/conf_source.h"

#define CERTIFICATE_BYTES	((size_t)256 * 1024)

struct reading {
	const struct conf_report	*report;
	void				(*warn)(void *arg, const char *text);
	void				*arg;
};

static bool
read_file(const struct reading *r, const char *path, struct conf_place at, bool private, struct secret *out)
{
	char	why[CONF_WHY_SIZE];
	mode_t	mode = 0;

	if (!conf_source_read(path, CERTIFICATE_BYTES, out, &mode, why))
		return conf_fault(r->report, at, "%s %s", path, why);
	return !private || conf_source_private(r->report, at, path, mode);
}

static bool
read_files(const struct reading *r, struct conf_certificate *c)
{
	return read_file(r, c->cert, c->cert_at, false, &c->chain_bytes) &&
	    read_file(r, c->key, c->key_at, true, &c->key_bytes) &&
	    (c->ocsp == NULL || read_file(r, c->ocsp, c->ocsp_at, false, &c->ocsp_bytes));
}

static void __attribute__((format(printf, 3, 4)))
warn(const struct reading *r, struct conf_place at, const char *fmt, ...)
{
	struct conf_error	 text;
	struct conf_report	 to = { r->report->file, &text };
	char			 message[CONF_WHY_SIZE * 4];
	va_list			 ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	conf_fault(&to, at, "%s", message);
	r->warn(r->arg, text.text);
}

/* Nothing here keeps the daemon from starting: an expired certificate is still better than none. */
static void
check_dates(const struct reading *r, const struct conf_certificate *c)
{
	int64_t	now = clock_real_ms() / 1000;
	char	when[CLOCK_RFC3339_SIZE];

	if (now >= c->info.not_after) {
		clock_rfc3339(when, c->info.not_after * 1000);
		warn(r, c->cert_at, "%s expired on %.10s", c->cert, when);
	}
	if (now < c->info.not_before) {
		clock_rfc3339(when, c->info.not_before * 1000);
		warn(r, c->cert_at, "%s is valid only from %.19s UTC on", c->cert, when);
	}
	if (c->ocsp != NULL && now >= c->info.ocsp_until) {
		clock_rfc3339(when, c->info.ocsp_until * 1000);
		warn(r, c->ocsp_at, "%s is out of date since %.19s UTC and will not be handed out", c->ocsp, when);
	}
}

static bool
check_one(const struct reading *r, struct conf_certificate *c, struct tls_names *names, size_t number)
{
	const struct tls_files	 files = conf_certificate_files(c);
	struct tls_fault	 fault;

	if (tls_cert_check(&files, &c->info, names, number, &fault)) {
		check_dates(r, c);
		return true;
	}
	switch (fault.where) {
	case TLS_FILE_KEY:
		return conf_fault(r->report, c->key_at, "%s %s", c->key, fault.why);
	case TLS_FILE_OCSP:
		return conf_fault(r->report, c->ocsp_at, "%s %s", c->ocsp, fault.why);
	case TLS_FILE_CERT:
		break;
	}
	return conf_fault(r->report, c->cert_at, "%s %s", c->cert, fault.why);
}

static bool
check_names(const struct reading *r, const struct conf *c, struct tls_names *names)
{
	const struct tls_name	*twice;
	size_t			 other;

	tls_names_sort(names);
	if ((twice = tls_names_twice(names, &other)) == NULL)
		return true;
	return conf_fault(r->report, c->certificate[twice->cert].cert_at,
	    "%s is for \"%s\", and so is the certificate of line %zu: one name needs one certificate",
	    c->certificate[twice->cert].cert, twice->text, c->certificate[other].cert_at.line);
}

struct tls_files
conf_certificate_files(const struct conf_certificate *c)
{
	return (struct tls_files){ secret_bytes(&c->chain_bytes), secret_bytes(&c->key_bytes), secret_bytes(&c->ocsp_bytes) };
}

bool
conf_read_certificates(struct conf *c, void (*on_warning)(void *arg, const char *text), void *arg, struct conf_error *err)
{
	const struct conf_report	report = { c->path, err };
	const struct reading		r = { &report, on_warning, arg };
	struct tls_names		names = { NULL, 0, 0 };
	bool				good = true;

	for (size_t i = 0; good && i < c->ncertificates; i++)
		good = read_files(&r, &c->certificate[i]) && check_one(&r, &c->certificate[i], &names, i);
	good = good && check_names(&r, c, &names);
	tls_names_free(&names);
	return good;
}

void
conf_forget_keys(struct conf *c)
{
	for (size_t i = 0; i < c->ncertificates; i++)
		secret_free(&c->certificate[i].key_bytes);
}
