/* version: the one place where it stands. */
#ifndef RINGD_VERSION_H
#define RINGD_VERSION_H

#define RINGD_VERSION	"0.1.0"

#endif
