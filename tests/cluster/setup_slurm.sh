#!/usr/bin/env bash
# Slurm with accounting on this one machine, for tests/cluster. As root, on Debian or Ubuntu:
#   setup_slurm.sh install    packages, and their configuration in /etc/slurm
#   setup_slurm.sh start      the daemons
#   setup_slurm.sh stop       the daemons again
# For a machine of your own or a container: there is no protection between users' jobs, and the
# numbers of CPUs and GPUs are made up.
set -euo pipefail

MARK="# Written by tests/cluster/setup_slurm.sh"
CONF=/etc/slurm
# More than there are, so that a job of eight threads with a GPU can be placed on any machine.
CPUS=8
MEMORY_MB=32000
# In the order in which they need each other.
DAEMONS=(munge mariadb slurmdbd slurmctld slurmd)

install_packages() {
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y slurm-wlm slurmdbd munge mariadb-server
}

# write FILE MODE: standard input to a file of Slurm's, never over somebody else's.
write() {
    if [ -e "$CONF/$1" ] && ! grep -qxF "$MARK" "$CONF/$1"; then
        echo "error: $CONF/$1 belongs to another Slurm" >&2
        echo "cure:  run the tests against that one, or move the file away" >&2
        exit 1
    fi
    sed "1i $MARK" | install -o slurm -g slurm -m "$2" /dev/stdin "$CONF/$1"
}

write_configuration() {
    local host
    host=$(hostname -s)
    mkdir -p "$CONF"

    # config_overrides: believe the numbers below. proctrack, task: no cgroups, which containers
    # often lack; so memory is counted when jobs are placed, and not enforced.
    write slurm.conf 644 <<END
ClusterName=onenode
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
SlurmUser=slurm
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageTRES=gres/gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
JobCompType=jobcomp/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=$MEMORY_MB Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END

    # A GPU must have a file, or slurmd reports none; without cgroups any file will do.
    write gres.conf 644 <<END
AutoDetect=off
Name=gpu File=/dev/null
END

    # 600, or slurmdbd does not start.
    write slurmdbd.conf 600 <<END
AuthType=auth/munge
SlurmUser=slurm
DbdHost=localhost
DbdAddr=127.0.0.1
PidFile=/run/slurmdbd.pid
LogFile=/var/log/slurm/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StorageLoc=slurm_acct_db
END
    install -d -o slurm -g slurm /var/lib/slurm/slurmctld /var/log/slurm
    install -d /var/lib/slurm/slurmd
}

# patiently WHAT COMMAND...: wait until the command succeeds, for a minute.
patiently() {
    local what=$1
    shift
    for _ in $(seq 60); do
        if "$@" >/dev/null 2>&1; then
            return
        fi
        sleep 1
    done
    echo "error: $what does not answer; the logs are in /var/log/slurm" >&2
    exit 1
}

port_open() {
    (: <"/dev/tcp/127.0.0.1/$1")
}

# The user of the database is told by the user of the process: no password.
create_database() {
    mariadb <<END
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON slurm_acct_db.* TO slurm@localhost;
END
}

node_idle() {
    sinfo --noheader --format=%T | grep -qx "idle\|mixed\|allocated"
}

start() {
    service munge start
    patiently munged munge --no-input
    service mariadb start
    patiently mariadbd mariadb -e "SELECT 1"
    create_database
    service slurmdbd start
    patiently slurmdbd port_open 6819
    service slurmctld start
    patiently slurmctld scontrol ping
    service slurmd start
    patiently slurmd scontrol show slurmd
    # A node that once failed stays out of use until it is told otherwise.
    scontrol update NodeName="$(hostname -s)" State=RESUME 2>/dev/null || true
    patiently "the node" node_idle
    sinfo
}

stop() {
    for ((i = ${#DAEMONS[@]} - 1; i >= 0; i--)); do
        service "${DAEMONS[i]}" stop || true
    done
}

case "${1:-}" in
install)
    install_packages
    write_configuration
    ;;
start) start ;;
stop) stop ;;
*)
    sed -n '2,7s/^# \?//p' "$0"
    exit 2
    ;;
esac
