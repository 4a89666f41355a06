/*
 * heap: memory that is wiped when it is given back, for the library that carries our tokens: libcurl keeps what it sends and
 * receives in buffers of its own and frees them as they are. Functions as malloc(3) has them, in the form libcurl asks for.
 */
#ifndef RINGD_COURIER_HEAP_H
#define RINGD_COURIER_HEAP_H

#include <stddef.h>

void	*heap_malloc(size_t n);
void	*heap_calloc(size_t n, size_t size);
void	*heap_realloc(void *p, size_t n);
char	*heap_strdup(const char *s);
void	 heap_free(void *p);

#endif
