/*
 * tls_ocsp: looks into an OCSP response before it is handed to every client. Who signed it is for the client to check;
 * what is checked here are the slips of an administrator: another certificate's response, an old one, none at all.
 */
#include <sys/types.h>

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "net/tls_internal.h"

int64_t
tls_time(const ASN1_TIME *t)
{
	struct tm tm;

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MIN;
}

static bool
fault(char why[TLS_WHY_SIZE], const char *text)
{
	snprintf(why, TLS_WHY_SIZE, "%s", text);
	return false;
}

/* The part of the response that is about own. */
static OCSP_SINGLERESP *
about(OCSP_BASICRESP *basic, const X509 *own)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(own);
	ASN1_INTEGER *found;

	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);

		/* The call asks for a writable id and writes nothing. */
		if (OCSP_id_get0_info(NULL, NULL, NULL, &found, (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(one)) == 1 &&
		    ASN1_INTEGER_cmp(found, serial) == 0)
			return one;
	}
	return NULL;
}

static bool
check(OCSP_RESPONSE *response, OCSP_BASICRESP *basic, const X509 *own, int64_t *until, char why[TLS_WHY_SIZE])
{
	ASN1_GENERALIZEDTIME *next = NULL;
	OCSP_SINGLERESP *one;
	int status;

	if (response == NULL)
		return fault(why, "is not an OCSP response in DER form");
	if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL || basic == NULL)
		return fault(why, "is the responder's refusal, not an answer");
	if ((one = about(basic, own)) == NULL)
		return fault(why, "is about another certificate");
	status = OCSP_single_get0_status(one, NULL, NULL, NULL, &next);
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return fault(why, "says that the certificate is revoked");
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return fault(why, "does not say that the certificate is good");
	*until = next != NULL ? tls_time(next) : INT64_MAX;
	return true;
}

bool
tls_ocsp_check(struct str der, X509 *own, int64_t *until, char why[TLS_WHY_SIZE])
{
	const unsigned char *p = (const unsigned char *)der.p;
	OCSP_RESPONSE *response = der.n <= LONG_MAX ? d2i_OCSP_RESPONSE(NULL, &p, (long)der.n) : NULL;
	OCSP_BASICRESP *basic = response != NULL ? OCSP_response_get1_basic(response) : NULL;
	bool good = check(response, basic, own, until, why);

	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return good;
}
