// SPDX-License-Identifier: BSD-2-Clause
/* An object to load, of 100 programs. */
#include "many.h"

HUNDRED(1)
