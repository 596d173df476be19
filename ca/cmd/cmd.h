/* SPDX-License-Identifier: Apache-2.0 */
/** The subcommands of airgap-ca, one file each. */
#ifndef CA_CMD_CMD_H
#define CA_CMD_CMD_H

#include "base/cmd.h"

enum rc cmd_abandon(struct cmd_env *env, int argc, char **argv);
enum rc cmd_backup(struct cmd_env *env, int argc, char **argv);
enum rc cmd_check(struct cmd_env *env, int argc, char **argv);
enum rc cmd_clock(struct cmd_env *env, int argc, char **argv);
enum rc cmd_crl(struct cmd_env *env, int argc, char **argv);
enum rc cmd_emergency(struct cmd_env *env, int argc, char **argv);
enum rc cmd_export(struct cmd_env *env, int argc, char **argv);
enum rc cmd_import(struct cmd_env *env, int argc, char **argv);
enum rc cmd_init(struct cmd_env *env, int argc, char **argv);
enum rc cmd_ledger(struct cmd_env *env, int argc, char **argv);
enum rc cmd_list(struct cmd_env *env, int argc, char **argv);
enum rc cmd_policy(struct cmd_env *env, int argc, char **argv);
enum rc cmd_recover(struct cmd_env *env, int argc, char **argv);
enum rc cmd_requester(struct cmd_env *env, int argc, char **argv);
enum rc cmd_resend(struct cmd_env *env, int argc, char **argv);
enum rc cmd_restore(struct cmd_env *env, int argc, char **argv);
enum rc cmd_revoke(struct cmd_env *env, int argc, char **argv);
enum rc cmd_show(struct cmd_env *env, int argc, char **argv);
enum rc cmd_sign(struct cmd_env *env, int argc, char **argv);
enum rc cmd_status(struct cmd_env *env, int argc, char **argv);
enum rc cmd_transfer_key(struct cmd_env *env, int argc, char **argv);
enum rc cmd_renew_ca(struct cmd_env *env, int argc, char **argv);
enum rc cmd_rollover(struct cmd_env *env, int argc, char **argv);

#endif
