/* SPDX-License-Identifier: BSD-3-Clause */
#include "modem/tty.h"
