/*
 * oauth_pages: see oauth_pages.h. The words are for the person who clicked, who may know nothing of OAuth: what
 * happened, whether anything was changed, and what to do now.
 */
#include <sys/types.h>

#include "api/oauth_pages.h"
#include "api/page.h"

#define AGAIN	"Nothing was changed. Ask your administrator for a new link, or start again from your CRM."

static const struct {
	const char	*word;
	int		 status;
	const char	*title, *text, *advice;
} pages[OAUTH_OUTCOMES] = {
	[OAUTH_CONNECTED] = { "connected", 200, "Dialpad is connected",
	    "Calls will appear in your CRM on their own from now on.", "You can close this page." },
	[OAUTH_DENIED] = { "denied", 403, "Dialpad was not connected",
	    "Access was declined on Dialpad's page.", AGAIN },
	[OAUTH_INVALID] = { "invalid", 400, "This address is not complete",
	    "It lacks what Dialpad adds to it when somebody has agreed.", AGAIN },
	[OAUTH_UNKNOWN] = { "unknown", 400, "This link is not known here",
	    "It was never given out by this server, or so long ago that it has been forgotten.", AGAIN },
	[OAUTH_EXPIRED] = { "expired", 400, "This link has expired",
	    "Too much time went by between the first click and Dialpad's answer.", AGAIN },
	[OAUTH_REPLAYED] = { "replayed", 400, "This link was used before",
	    "Each link works once, and this one has done its work. If the page was only loaded again, all is as it was.",
	    "If Dialpad is not connected, ask your administrator for a new link." },
	[OAUTH_OTHER_BROWSER] = { "other_browser", 403, "This was begun in another browser",
	    "The answer has to come back to the browser in which the link was opened, with its cookies allowed.", AGAIN },
	[OAUTH_PROVIDER_DOWN] = { "provider_down", 502, "Dialpad did not answer",
	    "Access was granted, but Dialpad could not be asked for it just now.",
	    "Nothing was changed. Wait a few minutes, then start again with a new link." },
	[OAUTH_REFUSED] = { "refused", 502, "Dialpad took its answer back",
	    "Access was granted, but Dialpad did not accept the proof of it any more.", AGAIN },
	[OAUTH_MISCONFIGURED] = { "misconfigured", 502, "This server is not set up for Dialpad",
	    "Dialpad does not accept the client id and secret of this server.",
	    "Tell your administrator; the server's log has the reason." },
	[OAUTH_WRONG_COMPANY] = { "wrong_company", 409, "That is another Dialpad company",
	    "The account that agreed belongs to another company than the one that is connected already.",
	    "Nothing was changed. Sign in to Dialpad with an account of the right company, or have the old link removed first." },
	[OAUTH_UNAVAILABLE] = { "unavailable", 503, "Please try again in a moment",
	    "This server cannot finish the connection just now.", "Nothing was changed. Start again with a new link." },
};

const char *
oauth_outcome_word(enum oauth_outcome o)
{
	return pages[o].word;
}

/* What the detail of this outcome is; elsewhere it says nothing a person could use. */
static const char *
label_of(enum oauth_outcome o)
{
	return o == OAUTH_CONNECTED ? "Agreed by" : o == OAUTH_REFUSED ? "Dialpad says" : NULL;
}

void
oauth_page(struct http_request *rq, enum oauth_outcome o, struct str detail, struct str back)
{
	const struct page	p = { .title = pages[o].title, .text = pages[o].text, .advice = pages[o].advice,
	    .label = label_of(o), .detail = detail, .link = back, .link_text = "Back to your CRM", .good = o == OAUTH_CONNECTED };

	page_answer(rq, pages[o].status, &p);
}
