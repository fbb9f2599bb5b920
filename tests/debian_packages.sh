#!/usr/bin/env bash
# Installs the Debian packages that some tests need, as root. Without them these tests are skipped by name.
set -euo pipefail
packages=(chromium graphviz munge slurm-client slurmctld slurmd)
if dpkg-query --show "${packages[@]}" >/dev/null 2>&1; then exit; fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o Acquire::Retries=3 update
apt-get -qq -o Acquire::Retries=3 install --yes --no-install-recommends "${packages[@]}" >/dev/null
