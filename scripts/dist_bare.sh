#!/usr/bin/env bash
# The part of dist_test.sh that runs in a bare Debian 12, beside the releases.
set -euo pipefail
unshare --net ./dist_uses.sh /root/dist "$VERSION"
echo "ok: a release, in a bare Debian 12 without a network: $SECONDS s"
./vendor_command_test.sh /root/without
