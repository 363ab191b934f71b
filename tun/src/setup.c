/* SPDX-License-Identifier: BSD-3-Clause */
#include "tun/setup.h"
