#!/bin/busybox sh
# The first process of the guest. It sets the machine up, runs /vm/jobs/0, 1, ... and ends the machine. The jobs' output
# goes to ttyS0, the kernel's log to ttyS1, the jobs' status to ttyS2, and files for the host to ttyS3.
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
for port in 0 2 3; do
	stty -F /dev/ttyS$port raw -echo
done
exec 3>/dev/ttyS0 4>/dev/ttyS2 5>/dev/ttyS3
job=0
while [ -e /vm/jobs/$job ]; do
	echo "begin $job" >&4
	sh /vm/jobs/$job <&- 4>&- 5>&- >&3 2>&1 3>&- </dev/null
	status=$?
	printf '\036%s %s\036' "$end" $job >&3
	echo "end $job $status" >&4
	job=$((job + 1))
done
xargs -r tar -cf - -C / 2>/dev/null >&5 </vm/bring
# Configuring a port again waits until all output is sent.
for port in 0 2 3; do
	stty -F /dev/ttyS$port raw -echo
done
poweroff -f
