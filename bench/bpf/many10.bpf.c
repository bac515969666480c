// SPDX-License-Identifier: BSD-2-Clause
/* An object to load, of 10 programs. */
#include "many.h"

TEN(1)
