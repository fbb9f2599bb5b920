"""A SLURM cluster for the time of a test: three nodes on this machine, the last with made-up GPUs."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.workflow import runs

NODES = ("n1", "n2", "n3")
COMMANDS = ("sacct", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun")
NEEDED = ("munged", "slurmctld", "slurmd", "unshare", *COMMANDS)
N_GPUS = 2
MACHINE = ["unshare", "--pid", "--mount-proc", "--fork", "--kill-child"]
"""Puts a command among processes of its own, which end with it: as on a machine that is switched off."""
PATIENCE = 60  # seconds
PROFILE = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2"]

CONF = """\
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
AccountingStorageType=accounting_storage/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=2
SlurmdParameters=config_overrides
GresTypes=gpu
MpiDefault=none
KillWait=2
MinJobAge=600
ReturnToService=2
SlurmdTimeout=10
PartitionName=cpu Nodes=n1,n2 Default=YES
PartitionName=gpu Nodes=n3
"""


def can_be_had():
    """Whether this machine can be a cluster for a while."""
    return os.geteuid() == 0 and all(map(shutil.which, NEEDED))


@contextmanager
def cluster():
    """A `Cluster` with idle nodes. Afterwards its jobs and daemons are gone, and its files."""
    with TemporaryDirectory(prefix="slurm") as folder:
        Path(folder).chmod(0o755)  # munge wants it so
        made = Cluster(Path(folder))
        try:
            made.write_files()
            for name in ("munged", "slurmctld", *NODES):
                made.start(name)
            until(lambda: made.tell("sinfo", "--noheader", "--Node", "--format=%T").split() == ["idle"] * 3)
            yield made
            made.end_all_runs()
        finally:
            for name in reversed(list(made.daemons)):
                made.stop(name)


class Cluster:
    """The daemons of a cluster, by name; the commands in `bin` of its folder know it by themselves."""

    def __init__(self, folder):
        self.folder = folder
        self.daemons, self.runs = {}, []
        self.path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def start(self, name):
        """Start `munged`, `slurmctld`, or a node by its name."""
        munged = ["munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket"]
        munged += [f"--{file}-file={self.folder}/munge.{file}" for file in ("key", "pid", "log", "seed")]
        conf = ["-D", "-f", self.folder / "slurm.conf"]
        command = {"munged": munged, "slurmctld": ["slurmctld", *conf]}
        node = [*MACHINE, "slurmd", *conf, "-N", name]
        with (self.folder / f"{name}.log").open("a") as log:
            self.daemons[name] = subprocess.Popen(command.get(name, node), stdout=log, stderr=log)

    def stop(self, name):
        """End what was started, a node with all that it does."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(signal.SIGKILL if name in NODES else signal.SIGTERM)
        daemon.wait(PATIENCE)

    def tell(self, *command):
        """What one of SLURM's commands answers; nothing if it fails."""
        environment = os.environ | {"PATH": self.path}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return "" if done.returncode else done.stdout

    def end_all_runs(self):
        """Kill the runs that were started here, cancel all jobs, and wait until they are gone."""
        for run in self.runs:
            run.kill()
            run.wait()
        self.tell("scancel", "--user=root")
        until(lambda: not self.tell("squeue", "--noheader"))

    def run(self, project, *arguments, check=True, **environment):
        """What Snakemake prints of a whole run of a project on this cluster."""
        return runs.snakemake(project, *PROFILE, *arguments, check=check, PATH=self.path, **environment)

    def started(self, project, *arguments):
        """The process of such a run, in a process group of its own; what it prints is in `output.txt`."""
        command = [sys.executable, "-m", "snakemake", "--configfile", runs.CONFIG, "--cores", "2"]
        with (project / "output.txt").open("w") as output:
            run = subprocess.Popen(
                [*command, "--nocolor", *PROFILE, *arguments],
                cwd=project,
                env=os.environ | {"PATH": self.path},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.runs.append(run)
        return run

    def write_files(self):
        for folder in ("bin", "state", *(f"spool/{node}" for node in NODES)):
            (self.folder / folder).mkdir(parents=True)
        conf = self.folder / "slurm.conf"
        for command in COMMANDS:  # SLURM_CONF does not come through to the srun of a job
            own = self.folder / "bin" / command
            own.write_text(f'#!/bin/sh\nSLURM_CONF="{conf}" exec {shutil.which(command)} "$@"\n')
            own.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        gpus = [self.folder / f"gpu{number}" for number in range(N_GPUS)]
        for gpu in gpus:  # SLURM insists on devices: each is one more /dev/null
            os.mknod(gpu, 0o020666, os.makedev(1, 3))
        files = "".join(f"NodeName={NODES[-1]} Name=gpu File={gpu}\n" for gpu in gpus)
        (self.folder / "gres.conf").write_text(f"AutoDetect=off\n{files}")
        host, (port, *ports) = socket.gethostname(), free_ports(1 + len(NODES))
        nodes = [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 RealMemory=16000"
            for node, port in zip(NODES, ports, strict=True)
        ]
        told = CONF.format(host=host, port=port, folder=self.folder)
        conf.write_text(told + "\n".join(nodes) + f" Gres=gpu:{N_GPUS}\n")


def edited(project):
    """The project with those lines of its profile edited that must be, for this cluster."""
    profile = project / "profiles/slurm/profile.yaml"
    text = re.sub(r"^( *)#(?=\S)", r"\1", profile.read_text(), flags=re.MULTILINE)
    text = text.replace("slurm_account: your_account", "")
    profile.write_text(text.replace("your_partition", "cpu").replace("your_gpu_partition", "gpu"))
    return project


def free_ports(n):
    """Ports of this machine that nobody listens to."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(happened, *, patience=PATIENCE):
    """Wait for something to happen."""
    end = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < end, f"did not happen in {patience} s"
        time.sleep(0.2)
