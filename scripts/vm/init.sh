#!/bin/busybox sh
# shellcheck shell=dash
# The first process of the guest. It sets the machine up, runs /vm/jobs/0, 1, ... and ends the machine. The jobs' output,
# their status, and files for the host go to the ports that are in /vm/ports.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin HOME=/root TERM=dumb
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs trace /sys/kernel/tracing
mount -t securityfs security /sys/kernel/security
ip link set lo up
hostname guest
for module in /vm/modules/*; do
	insmod "$module" || echo "guest: insmod $module failed" >/dev/kmsg
done
read -r end </vm/end
read -r output status files </vm/ports
# Virtio ports appear some time after their driver, and are no terminals.
for port in $output $status $files; do
	while [ ! -c /dev/"$port" ]; do
		usleep 10000
	done
done
# Configuring a terminal also waits until all output is sent.
raw() {
	for port in $output $status $files; do
		case $port in tty*) stty -F /dev/"$port" raw -echo ;; esac
	done
}
raw
exec 3>/dev/"$output" 4>/dev/"$status" 5>/dev/"$files"
job=0
while [ -e /vm/jobs/$job ]; do
	echo "begin $job" >&4
	sh /vm/jobs/$job <&- 4>&- 5>&- >&3 2>&1 3>&- </dev/null
	result=$?
	printf '\036%s %s\036' "$end" $job >&3
	echo "end $job $result" >&4
	job=$((job + 1))
done
xargs -r tar -cf - -C / 2>/dev/null >&5 </vm/bring
raw
poweroff -f
