/*
 * log_out: a line's way into a descriptor, without ever waiting for whoever reads at its other end: a line that finds no
 * room is lost and counted. A terminal that somebody holds with ^S, a pipe or a socket that nobody reads stops no service.
 */
#ifndef RINGD_LOG_OUT_H
#define RINGD_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To be called for a descriptor before its first line; for the next one it is called again. */
void	log_out_begin(int fd);
/* line ends in '\n'. false: it is lost, wholly or from some byte on. */
bool	log_out_line(int fd, const char *line, size_t n);
/* How many were lost and not yet told of; told: that many have been. */
uint64_t log_out_lost(void);
void	log_out_told(uint64_t n);

#endif
