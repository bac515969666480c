// SPDX-License-Identifier: BSD-2-Clause
/* An object to load, of 50 programs. */
#include "many.h"

TEN(1)
TEN(2)
TEN(3)
TEN(4)
TEN(5)
