/*
 * count: how many elements an array has. Of an array, never of a pointer: the compilers' own warning sees to that.
 */
#ifndef RINGD_COUNT_H
#define RINGD_COUNT_H

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#endif
