/* SPDX-License-Identifier: BSD-3-Clause */
#include "modem/modem.h"
