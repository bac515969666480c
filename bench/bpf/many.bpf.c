// SPDX-License-Identifier: BSD-2-Clause
/* A large object to load: 200 programs. */
#include "many.h"

HUNDRED(1)
HUNDRED(2)
