# shellcheck shell=sh
# What bpfgo-vendor and the scripts share: where packages come from.

# Prints the addresses that this machine's apt gets packages from, one per line. It also works where "apt-get update"
# has never run. A security archive has few packages, so the main archive beside it comes first.
archives() {
	apt-get --print-uris update 2>/dev/null | sed -n "s|^'\(.*/\)dists/.*|\1|p" | awk '!seen[$0]++' |
		while IFS= read -r base; do
			case $base in
			mirror+file:*)
				mirrors=${base#mirror+file:}
				awk '!/^#/ && NF { sub("/*$", "/", $1); print $1 }' "${mirrors%/}"
				;;
			*-security/) printf '%s\n' "${base%-security/}/" "$base" ;;
			*) echo "$base" ;;
			esac
		done | awk '!seen[$0]++'
}
