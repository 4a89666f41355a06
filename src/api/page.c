/*
 * page: see page.h. The style stands in the page and is allowed by its digest alone, so that the policy can forbid
 * everything else: no script, no frame, no form, no request to anywhere.
 */
#include <sys/types.h>

#include <stdio.h>

#include "api/page.h"
#include "base/hash.h"
#include "base/log.h"

#define PAGE_MAX	16384
#define POLICY_SIZE	192

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:1.125rem/1.6 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1.25rem}"
    "h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem;padding-left:.75rem;border-left:.35rem solid #b45309}"
    "h1.good{border-color:#15803d}"
    "@media(prefers-color-scheme:dark){h1{border-color:#f59e0b}h1.good{border-color:#4ade80}}"
    "b{overflow-wrap:anywhere}"
    "a{color:LinkText}a:focus-visible{outline:3px solid;outline-offset:3px}"
    "small{opacity:.75}";

/* <, >, &, " and ' as references; control bytes left out. */
static void
put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		case '\'':
			buf_puts(b, "&#39;");
			break;
		default:
			if ((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f)
				buf_putc(b, s.p[i]);
		}
	}
}

static void
put_text(struct buf *b, const char *tag, struct str text)
{
	if (text.p == NULL)
		return;
	buf_printf(b, "<%s>", tag);
	put_escaped(b, text);
	buf_printf(b, "</%s>\n", tag);
}

static void
put_detail(struct buf *b, const struct page *p)
{
	if (p->label == NULL || p->detail.p == NULL)
		return;
	buf_puts(b, "<p>");
	put_escaped(b, str_c(p->label));
	buf_puts(b, ": <b>");
	put_escaped(b, p->detail);
	buf_puts(b, "</b></p>\n");
}

static void
add_headers(struct http_request *rq)
{
	unsigned char	digest[SHA256_SIZE];
	char		base64[4 * ((SHA256_SIZE + 2) / 3) + 1], policy[POLICY_SIZE];

	hash_sha256(digest, STR(style));
	base64_encode(base64, digest, sizeof(digest));
	snprintf(policy, sizeof(policy), "default-src 'none'; style-src 'sha256-%s'; frame-ancestors 'none'; base-uri 'none'; "
	    "form-action 'none'", base64);
	http_add_header(rq, "Content-Security-Policy", policy);
	http_add_header(rq, "Referrer-Policy", "no-referrer");
	http_add_header(rq, "Cache-Control", "no-store");
}

void
page_answer(struct http_request *rq, int status, const struct page *p)
{
	struct buf	b;

	add_headers(rq);
	buf_init(&b, PAGE_MAX);
	buf_puts(&b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
	put_text(&b, "title", str_c(p->title));
	buf_printf(&b, "<style>%s</style>\n</head>\n<body>\n<main>\n<h1%s>", style, p->good ? " class=\"good\"" : "");
	put_escaped(&b, str_c(p->title));
	buf_puts(&b, "</h1>\n");
	put_text(&b, "p", str_c(p->text));
	put_detail(&b, p);
	put_text(&b, "p", str_c(p->advice));
	if (p->link.p != NULL) {
		buf_puts(&b, "<p><a rel=\"noreferrer\" href=\"");
		put_escaped(&b, p->link);
		buf_puts(&b, "\">");
		put_escaped(&b, str_c(p->link_text));
		buf_puts(&b, "</a></p>\n");
	}
	buf_puts(&b, "<p><small>For your administrator, to find it in the log: request ");
	put_escaped(&b, str_c(rq->id));
	buf_puts(&b, "</small></p>\n</main>\n</body>\n</html>\n");
	http_answer(rq, status, "text/html; charset=utf-8", &b);
	buf_free(&b);
}
