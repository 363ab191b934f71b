/* SPDX-License-Identifier: BSD-3-Clause */
/* All commands, in the order of gwctl --help. X(NAME) stands for `const struct command command_NAME`. */
#ifndef GWD_CTL_COMMANDS_H
#define GWD_CTL_COMMANDS_H

#include "ctl.h"

#define COMMANDS(X) \
	X(status)   \
	X(flows)    \
	X(links)    \
	X(modem)    \
	X(top)      \
	X(check)    \
	X(wait)     \
	X(events)   \
	X(log)      \
	X(metrics)  \
	X(capture)  \
	X(report)   \
	X(at)       \
	X(close)    \
	X(reload)   \
	X(config)

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)
#undef COMMAND_DECLARE

#endif
