/*
 * tls_cert: what the files of one certificate say, and whether they fit together. Bytes in, verdict out: opens no file,
 * asks no clock. Used by the master, which checks, and by workers, which serve.
 */
#ifndef RINGD_TLS_CERT_H
#define RINGD_TLS_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "net/tls_names.h"

#define TLS_WHY_SIZE	256

struct tls_files {
	struct str	chain;		/* PEM: the server's own certificate first, then each one's issuer */
	struct str	key;		/* PEM, without a passphrase */
	struct str	ocsp;		/* DER: an OCSP response to staple; absent: none */
};

enum tls_file { TLS_FILE_CERT, TLS_FILE_KEY, TLS_FILE_OCSP };

struct tls_fault {
	enum tls_file	where;
	char		why[TLS_WHY_SIZE];	/* a sentence that follows the file's name */
};

struct tls_cert_info {
	int64_t	not_before, not_after;		/* unix seconds */
	int64_t	ocsp_until;			/* unix seconds; INT64_MAX when the response names no end; 0 without one */
	char	name[TLS_NAME_SIZE];		/* its first DNS name, else its common name, else "-" */
};

/*
 * Everything the library would object to when serving, found now. Its DNS names go to names as those of number; false
 * with *fault.
 */
bool	tls_cert_check(const struct tls_files *f, struct tls_cert_info *info, struct tls_names *names, size_t number,
	    struct tls_fault *fault);

#endif
