/* SPDX-License-Identifier: Apache-2.0 */
/** The subcommands of airgap-transfer: one file each, cmd_<verb>.c. */
#ifndef TRANSFER_ONLINE_CMD_CMD_H
#define TRANSFER_ONLINE_CMD_CMD_H

#include "base/cmd.h"

enum rc cmd_deploy(struct cmd_env *env, int argc, char **argv);
enum rc cmd_emergency(struct cmd_env *env, int argc, char **argv);
enum rc cmd_enroll(struct cmd_env *env, int argc, char **argv);
enum rc cmd_forget(struct cmd_env *env, int argc, char **argv);
enum rc cmd_history(struct cmd_env *env, int argc, char **argv);
enum rc cmd_inspect(struct cmd_env *env, int argc, char **argv);
enum rc cmd_install(struct cmd_env *env, int argc, char **argv);
enum rc cmd_list(struct cmd_env *env, int argc, char **argv);
enum rc cmd_posh(struct cmd_env *env, int argc, char **argv);
enum rc cmd_publish(struct cmd_env *env, int argc, char **argv);
enum rc cmd_request(struct cmd_env *env, int argc, char **argv);
enum rc cmd_revoke(struct cmd_env *env, int argc, char **argv);
enum rc cmd_rotate(struct cmd_env *env, int argc, char **argv);
enum rc cmd_status(struct cmd_env *env, int argc, char **argv);
enum rc cmd_tlsa(struct cmd_env *env, int argc, char **argv);
enum rc cmd_verify(struct cmd_env *env, int argc, char **argv);
enum rc cmd_withdraw(struct cmd_env *env, int argc, char **argv);

#endif
