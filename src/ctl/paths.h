/*
 * paths: where things are when nobody says otherwise; the build may name other places.
 */
#ifndef RINGD_CTL_PATHS_H
#define RINGD_CTL_PATHS_H

#ifndef RINGD_CONF_PATH
#define RINGD_CONF_PATH	"/etc/ringd/ringd.yaml"
#endif
#ifndef SQLDIR
#define SQLDIR		"/usr/local/share/ringd/sql"
#endif

#endif
