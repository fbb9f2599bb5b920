"""A temporary SLURM cluster for tests: three nodes on this machine, the last with fake GPUs."""

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
REQUIRED_COMMANDS = ("munged", "slurmctld", "slurmd", "unshare", *COMMANDS)
N_GPUS = 2
OWN_PROCESSES = ["unshare", "--pid", "--mount-proc", "--fork", "--kill-child"]
"""Prefix that runs a command in its own process namespace; killing it is like switching off a machine."""
TIMEOUT_SECONDS = 60
PROFILE = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2"]

CONF_TEMPLATE = """\
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


def is_available():
    """Whether this machine can run a cluster."""
    return os.geteuid() == 0 and all(map(shutil.which, REQUIRED_COMMANDS))


@contextmanager
def start_cluster():
    """A `Cluster` with idle nodes; removes its jobs, daemons and files afterwards."""
    with TemporaryDirectory(prefix="slurm") as folder:
        Path(folder).chmod(0o755)  # munge requires it
        cluster = Cluster(Path(folder))
        try:
            cluster.write_files()
            for name in ("munged", "slurmctld", *NODES):
                cluster.start(name)
            wait_until(
                lambda: cluster.query("sinfo", "--noheader", "--Node", "--format=%T").split() == ["idle"] * 3
            )
            yield cluster
            cluster.end_all_runs()
        finally:
            for name in reversed(list(cluster.daemons)):
                cluster.stop(name)


class Cluster:
    """The daemons of a cluster, by name; the commands in its folder `bin` are configured for it."""

    def __init__(self, folder):
        self.folder = folder
        self.daemons, self.runs = {}, []
        self.path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def start(self, name):
        """Start `munged`, `slurmctld`, or a node by its name."""
        munged = ["munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket"]
        munged += [f"--{file}-file={self.folder}/munge.{file}" for file in ("key", "pid", "log", "seed")]
        options = ["-D", "-f", self.folder / "slurm.conf"]
        commands = {"munged": munged, "slurmctld": ["slurmctld", *options]}
        node_command = [*OWN_PROCESSES, "slurmd", *options, "-N", name]
        with (self.folder / f"{name}.log").open("a") as log:
            self.daemons[name] = subprocess.Popen(commands.get(name, node_command), stdout=log, stderr=log)

    def stop(self, name):
        """Stop a daemon; a node stops with all its processes."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(signal.SIGKILL if name in NODES else signal.SIGTERM)
        daemon.wait(TIMEOUT_SECONDS)

    def query(self, *command):
        """The output of one of SLURM's commands; empty if it fails."""
        environment = os.environ | {"PATH": self.path}
        process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return "" if process.returncode else process.stdout

    def end_all_runs(self):
        """Kill the runs of this cluster, cancel all jobs, and wait until they are gone."""
        for run in self.runs:
            run.kill()
            run.wait()
        self.query("scancel", "--user=root")
        wait_until(lambda: not self.query("squeue", "--noheader"))

    def run(self, project, *arguments, check=True, **environment):
        """The output of Snakemake for a whole run of a project on this cluster."""
        return runs.run_snakemake(project, *PROFILE, *arguments, check=check, PATH=self.path, **environment)

    def start_run(self, project, *arguments):
        """The process of such a run in a new process group; its output is in `output.txt`."""
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
        for folder in ("bin", "state", *(f"spool/{node_name}" for node_name in NODES)):
            (self.folder / folder).mkdir(parents=True)
        conf_path = self.folder / "slurm.conf"
        for command in COMMANDS:  # SLURM_CONF does not reach the srun of a job
            wrapper = self.folder / "bin" / command
            wrapper.write_text(f'#!/bin/sh\nSLURM_CONF="{conf_path}" exec {shutil.which(command)} "$@"\n')
            wrapper.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        gpus = [self.folder / f"gpu{number}" for number in range(N_GPUS)]
        for gpu in gpus:  # SLURM requires devices: each is another /dev/null
            os.mknod(gpu, 0o020666, os.makedev(1, 3))
        files = "".join(f"NodeName={NODES[-1]} Name=gpu File={gpu}\n" for gpu in gpus)
        (self.folder / "gres.conf").write_text(f"AutoDetect=off\n{files}")
        host, (port, *ports) = socket.gethostname(), find_free_ports(1 + len(NODES))
        nodes = [
            f"NodeName={node_name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 RealMemory=16000"
            for node_name, port in zip(NODES, ports, strict=True)
        ]
        conf_text = CONF_TEMPLATE.format(host=host, port=port, folder=self.folder)
        conf_path.write_text(conf_text + "\n".join(nodes) + f" Gres=gpu:{N_GPUS}\n")


def edit_profile(project):
    """The project, with its profile edited for this cluster."""
    profile = project / "profiles/slurm/profile.yaml"
    text = re.sub(r"^( *)#(?=\S)", r"\1", profile.read_text(), flags=re.MULTILINE)
    text = text.replace("slurm_account: your_account", "")
    profile.write_text(text.replace("your_partition", "cpu").replace("your_gpu_partition", "gpu"))
    return project


def find_free_ports(n):
    """Unused ports of this machine."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def wait_until(is_met, *, timeout=TIMEOUT_SECONDS):
    """Wait until a condition is met."""
    deadline = time.monotonic() + timeout
    while not is_met():
        assert time.monotonic() < deadline, f"did not happen in {timeout} s"
        time.sleep(0.2)
