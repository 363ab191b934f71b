/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/stack.h"
