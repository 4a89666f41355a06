/*
 * tls_cert: PEM to certificates and key, and every doubt about them said in words an administrator can act on. Never
 * asks anybody for a passphrase: a daemon's standard input is nobody's.
 */
#include <sys/types.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/tls_internal.h"

#define CHAIN_MAX	16	/* certificates in one file */

static bool __attribute__((format(printf, 3, 4)))
fault_at(struct tls_fault *fault, enum tls_file where, const char *fmt, ...)
{
	va_list ap;

	fault->where = where;
	va_start(ap, fmt);
	vsnprintf(fault->why, sizeof(fault->why), fmt, ap);
	va_end(ap);
	return false;
}

void
tls_reason(char why[TLS_WHY_SIZE], const char *otherwise)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(why, TLS_WHY_SIZE, "%s", reason != NULL ? reason : otherwise);
	ERR_clear_error();
}

/* Called when a PEM block turns out to be encrypted; asked tells the caller. */
static int
no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return 0;
}

static BIO *
bio_of(struct str s)
{
	return s.n <= INT_MAX ? BIO_new_mem_buf(s.p != NULL ? s.p : "", (int)s.n) : NULL;
}

/* All certificates of the file, in its order. */
static bool
read_chain(struct tls_cert *c, struct str pem, struct tls_fault *fault)
{
	BIO *bio = bio_of(pem);
	bool asked = false;
	X509 *one;
	int n = 0;

	if (bio == NULL || (c->chain = sk_X509_new_null()) == NULL) {
		BIO_free(bio);
		return fault_at(fault, TLS_FILE_CERT, "cannot be read: out of memory");
	}
	ERR_clear_error();
	while (n <= CHAIN_MAX && (one = PEM_read_bio_X509(bio, NULL, no_passphrase, &asked)) != NULL) {
		if (n++ == 0)
			c->own = one;
		else if (sk_X509_push(c->chain, one) == 0)
			X509_free(one);		/* the chain is then found broken below */
	}
	BIO_free(bio);
	if (n > CHAIN_MAX)
		return fault_at(fault, TLS_FILE_CERT, "holds more than %d certificates", CHAIN_MAX);
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		char why[TLS_WHY_SIZE];

		tls_reason(why, "damaged");
		return fault_at(fault, TLS_FILE_CERT, "cannot be read as PEM: certificate %d: %.180s", n + 1, why);
	}
	ERR_clear_error();
	if (n == 0)
		return fault_at(fault, TLS_FILE_CERT, "holds no certificate in PEM form");
	return true;
}

static bool
read_key(struct tls_cert *c, struct str pem, struct tls_fault *fault)
{
	char why[TLS_WHY_SIZE];
	BIO *bio = bio_of(pem);
	bool asked = false;

	if (bio == NULL)
		return fault_at(fault, TLS_FILE_KEY, "cannot be read: out of memory");
	ERR_clear_error();
	c->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
	BIO_free(bio);
	if (c->key != NULL)
		return true;
	tls_reason(why, "damaged");
	if (asked)
		return fault_at(fault, TLS_FILE_KEY, "is locked with a passphrase, and there is nobody to ask for it");
	return fault_at(fault, TLS_FILE_KEY, "holds no private key in PEM form: %.180s", why);
}

static bool
check_key(const struct tls_cert *c, struct tls_fault *fault)
{
	if (X509_check_private_key(c->own, c->key) == 1)
		return true;
	for (int i = 0; i < sk_X509_num(c->chain); i++)
		if (X509_check_private_key(sk_X509_value(c->chain, i), c->key) == 1)
			return fault_at(fault, TLS_FILE_CERT,
			    "has the key's certificate as number %d: it must come first", i + 2);
	return fault_at(fault, TLS_FILE_KEY, "does not belong to the certificate");
}

static bool
check_chain(const struct tls_cert *c, struct tls_fault *fault)
{
	X509 *subject = c->own, *issuer;

	for (int i = 0; i < sk_X509_num(c->chain); i++, subject = issuer) {
		issuer = sk_X509_value(c->chain, i);
		if (X509_check_issued(issuer, subject) != X509_V_OK ||
		    X509_verify(subject, X509_get0_pubkey(issuer)) != 1)
			return fault_at(fault, TLS_FILE_CERT, "is out of order: certificate %d did not issue certificate "
			    "%d; the server's own comes first, then each one's issuer", i + 2, i + 1);
	}
	return true;
}

void
tls_cert_close(struct tls_cert *c)
{
	X509_free(c->own);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	memset(c, 0, sizeof(*c));
	ERR_clear_error();
}

bool
tls_cert_open(struct tls_cert *c, const struct tls_files *f, struct tls_fault *fault)
{
	memset(c, 0, sizeof(*c));
	if (read_chain(c, f->chain, fault) && read_key(c, f->key, fault) && check_key(c, fault) && check_chain(c, fault)) {
		if (f->ocsp.p == NULL || tls_ocsp_check(f->ocsp, c->own, &c->ocsp_until, fault->why))
			return true;
		fault->where = TLS_FILE_OCSP;
	}
	tls_cert_close(c);
	return false;
}

bool
tls_cert_use(const struct tls_cert *c, SSL_CTX *ctx)
{
	if (SSL_CTX_use_certificate(ctx, c->own) != 1 || SSL_CTX_use_PrivateKey(ctx, c->key) != 1)
		return false;
	for (int i = 0; i < sk_X509_num(c->chain); i++)
		if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(c->chain, i)) != 1)
			return false;
	return true;
}

static struct str
text_of(const ASN1_STRING *s)
{
	int n = ASN1_STRING_length(s);

	return (struct str){ (const char *)ASN1_STRING_get0_data(s), n > 0 ? (size_t)n : 0 };
}

bool
tls_cert_names(const struct tls_cert *c, struct tls_names *names, size_t number)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(c->own, NID_subject_alt_name, NULL, NULL);
	bool good = true;

	for (int i = 0; good && i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);

		if (one->type == GEN_DNS)
			good = tls_names_add(names, text_of(one->d.dNSName), number);
	}
	GENERAL_NAMES_free(all);
	return good;
}

/* What to call it in logs: its first DNS name, for older habits its common name. */
static void
call_it(const struct tls_cert *c, const struct tls_names *names, size_t first, char name[TLS_NAME_SIZE])
{
	char common[TLS_NAME_SIZE];
	struct tls_names one = { NULL, 0, 0 };

	snprintf(name, TLS_NAME_SIZE, "-");
	if (names->n > first) {
		snprintf(name, TLS_NAME_SIZE, "%s", names->name[first].text);
		return;
	}
	/* Only what could be a name may reach a log. */
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(c->own), NID_commonName, common, sizeof(common)) > 0 &&
	    tls_names_add(&one, str_c(common), 0) && one.n == 1)
		snprintf(name, TLS_NAME_SIZE, "%s", one.name[0].text);
	tls_names_free(&one);
}

/* Keys that are too short and digests that are too old: the library's own limits, met before anybody is served. */
static bool
try_it(const struct tls_cert *c, struct tls_fault *fault)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	bool good = ctx != NULL && tls_cert_use(c, ctx);
	char why[TLS_WHY_SIZE];

	if (!good) {
		tls_reason(why, "out of memory");
		fault_at(fault, TLS_FILE_CERT, "cannot serve: %.200s", why);
	}
	SSL_CTX_free(ctx);
	return good;
}

bool
tls_cert_check(const struct tls_files *f, struct tls_cert_info *info, struct tls_names *names, size_t number,
    struct tls_fault *fault)
{
	struct tls_cert c;
	size_t first = names->n;
	bool good;

	if (!tls_cert_open(&c, f, fault))
		return false;
	info->not_before = tls_time(X509_get0_notBefore(c.own));
	info->not_after = tls_time(X509_get0_notAfter(c.own));
	info->ocsp_until = c.ocsp_until;
	good = try_it(&c, fault);
	if (good && !tls_cert_names(&c, names, number))
		good = fault_at(fault, TLS_FILE_CERT, "cannot be read: out of memory");
	call_it(&c, names, first, info->name);
	tls_cert_close(&c);
	return good;
}
