/*
 * nouns: the commands' entry points, one file per noun. Each returns the exit code and has told its failure.
 */
#ifndef RINGD_CTL_NOUNS_H
#define RINGD_CTL_NOUNS_H

#include "ctl/ctl.h"

int	ctl_migrate(struct ctl *c, const struct args *a);
int	ctl_app_create(struct ctl *c, const struct args *a);
int	ctl_app_list(struct ctl *c, const struct args *a);
int	ctl_app_disable(struct ctl *c, const struct args *a);
int	ctl_app_enable(struct ctl *c, const struct args *a);
int	ctl_key_create(struct ctl *c, const struct args *a);
int	ctl_key_list(struct ctl *c, const struct args *a);
int	ctl_key_limit(struct ctl *c, const struct args *a);
int	ctl_key_revoke(struct ctl *c, const struct args *a);
int	ctl_key_check(struct ctl *c, const struct args *a);
int	ctl_client_create(struct ctl *c, const struct args *a);
int	ctl_client_list(struct ctl *c, const struct args *a);
int	ctl_client_change(struct ctl *c, const struct args *a);
int	ctl_client_revoke(struct ctl *c, const struct args *a);
int	ctl_session_list(struct ctl *c, const struct args *a);
int	ctl_session_revoke(struct ctl *c, const struct args *a);
int	ctl_agent_token(struct ctl *c, const struct args *a);
int	ctl_hook_create(struct ctl *c, const struct args *a);
int	ctl_hook_list(struct ctl *c, const struct args *a);
int	ctl_hook_rotate(struct ctl *c, const struct args *a);
int	ctl_hook_disable(struct ctl *c, const struct args *a);
int	ctl_hook_enable(struct ctl *c, const struct args *a);
int	ctl_hook_secrets(struct ctl *c, const struct args *a);
int	ctl_dialpad_refresh(struct ctl *c, const struct args *a);
int	ctl_dialpad_disconnect(struct ctl *c, const struct args *a);
int	ctl_dialpad_connect_url(struct ctl *c, const struct args *a);
int	ctl_dialpad_status(struct ctl *c, const struct args *a);
int	ctl_exotel_link(struct ctl *c, const struct args *a);
int	ctl_exotel_rotate(struct ctl *c, const struct args *a);
int	ctl_exotel_status(struct ctl *c, const struct args *a);
int	ctl_exotel_unlink(struct ctl *c, const struct args *a);
int	ctl_agent_add(struct ctl *c, const struct args *a);
int	ctl_agent_list(struct ctl *c, const struct args *a);
int	ctl_agent_sync(struct ctl *c, const struct args *a);
int	ctl_agent_enable(struct ctl *c, const struct args *a);
int	ctl_agent_disable(struct ctl *c, const struct args *a);
int	ctl_gap_list(struct ctl *c, const struct args *a);
int	ctl_gap_repair(struct ctl *c, const struct args *a);
int	ctl_calls(struct ctl *c, const struct args *a);
int	ctl_events_list(struct ctl *c, const struct args *a);
int	ctl_events_show(struct ctl *c, const struct args *a);
int	ctl_events_dead(struct ctl *c, const struct args *a);
int	ctl_events_replay(struct ctl *c, const struct args *a);
int	ctl_fire(struct ctl *c, const struct args *a);
int	ctl_status(struct ctl *c, const struct args *a);
int	ctl_keyring_add(struct ctl *c, const struct args *a);
int	ctl_keyring_status(struct ctl *c, const struct args *a);
int	ctl_keyring_rekey(struct ctl *c, const struct args *a);
int	ctl_keyring_drop(struct ctl *c, const struct args *a);
int	ctl_courier_status(struct ctl *c, const struct args *a);
int	ctl_courier_probe(struct ctl *c, const struct args *a);
int	ctl_reload(struct ctl *c, const struct args *a);
int	ctl_upgrade(struct ctl *c, const struct args *a);
int	ctl_log_show(struct ctl *c, const struct args *a);
int	ctl_log_set(struct ctl *c, const struct args *a);
int	ctl_log_reset(struct ctl *c, const struct args *a);
int	ctl_requests(struct ctl *c, const struct args *a);
int	ctl_audit_show(struct ctl *c, const struct args *a);
int	ctl_audit_verify(struct ctl *c, const struct args *a);
int	ctl_audit_head(struct ctl *c, const struct args *a);
int	ctl_usage(struct ctl *c, const struct args *a);
int	ctl_config_check(struct ctl *c, const struct args *a);
int	ctl_config_keys(struct ctl *c, const struct args *a);
int	ctl_help(struct ctl *c, const struct args *a);
int	ctl_version(struct ctl *c, const struct args *a);

#endif
