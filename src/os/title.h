/*
 * title: what ps(1) shows for a child. Only children set one: service scripts find the master by its command line.
 */
#ifndef RINGD_TITLE_H
#define RINGD_TITLE_H

#include <stddef.h>

#define TITLE_SIZE	64

struct title {
	char	*area;		/* where the arguments and what follows lie; NULL: not needed here */
	size_t	 size;
};

/* Before anything is done with argv; remembers where it lies and changes nothing. */
void	title_init(struct title *t, int argc, char **argv);
/* "ringd: " and the text, cut to fit. In a child only: environ moves to the heap and its old place is wiped. */
void	title_set(const struct title *t, const char *text);

#endif
