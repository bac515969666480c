// SPDX-License-Identifier: BSD-2-Clause
/* An object to load, of 1 program. */
#include "many.h"

ONE(1)
